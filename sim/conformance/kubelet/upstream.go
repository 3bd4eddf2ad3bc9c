package kubelet

import (
	"context"
	"unsafe"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel/trace"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/flowcontrol"
	internalapi "k8s.io/cri-api/pkg/apis"
	apitest "k8s.io/cri-api/pkg/apis/testing"
	"k8s.io/klog/v2"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	containertest "k8s.io/kubernetes/pkg/kubelet/container/testing"
	_ "k8s.io/kubernetes/pkg/kubelet/kuberuntime" // linked to
	"k8s.io/kubernetes/pkg/kubelet/prober/results"
)

// podActions has the layout of kuberuntime.podActions.
type podActions struct {
	killPod, createSandbox bool
	sandboxID              string
	attempt                uint32
	inits, containers      []int
	kills                  map[kubecontainer.ContainerID]killInfo
	ephemeral              []int
	updates                map[corev1.ResourceName][]unsafe.Pointer
	upsize, downsize       []corev1.Volume
	updateResources        bool
	resets                 []unsafe.Pointer
	updatePodResources     bool
}

// killInfo has the layout of kuberuntime.containerToKillInfo.
type killInfo struct {
	container     *corev1.Container
	name, message string
	reason        string
}

// manager has the layout of the beginning of kuberuntime.kubeGenericRuntimeManager.
type manager struct {
	runtimeName   string
	recorder      record.EventRecorderLogger
	osInterface   kubecontainer.OSInterface
	machineInfo   unsafe.Pointer
	containerGC   unsafe.Pointer
	runner        kubecontainer.HandlerRunner
	runtimeHelper kubecontainer.RuntimeHelper
	liveness      results.Manager
	readiness     results.Manager
	startup       results.Manager
}

//go:linkname newFakeKubeRuntimeManager k8s.io/kubernetes/pkg/kubelet/kuberuntime.newFakeKubeRuntimeManager
func newFakeKubeRuntimeManager(ctx context.Context, runtimeService internalapi.RuntimeService, imageService internalapi.ImageManagerService, machineInfo unsafe.Pointer, osInterface kubecontainer.OSInterface, runtimeHelper kubecontainer.RuntimeHelper, tracer trace.Tracer, recorder *record.FakeRecorder) (*manager, error)

//go:linkname computePodActions k8s.io/kubernetes/pkg/kubelet/kuberuntime.(*kubeGenericRuntimeManager).computePodActions
func computePodActions(m *manager, ctx context.Context, pod *corev1.Pod, podStatus *kubecontainer.PodStatus, restartAll bool) podActions

//go:linkname doBackOff k8s.io/kubernetes/pkg/kubelet/kuberuntime.(*kubeGenericRuntimeManager).doBackOff
func doBackOff(m *manager, ctx context.Context, pod *corev1.Pod, container *corev1.Container, podStatus *kubecontainer.PodStatus, backOff *flowcontrol.Backoff) (bool, string, error)

// newManager returns upstream's runtime manager on a runtime that does nothing. It
// logs nothing.
func newManager() (*manager, error) {
	klog.SetLogger(logr.Discard())
	return newFakeKubeRuntimeManager(context.Background(), apitest.NewFakeRuntimeService(), apitest.NewFakeImageService(),
		nil, &containertest.FakeOS{}, &containertest.FakeRuntimeHelper{}, nil, &record.FakeRecorder{})
}
