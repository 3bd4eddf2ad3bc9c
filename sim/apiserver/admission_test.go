package apiserver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func TestPodTakesTheTopologyOfItsNode(t *testing.T) {
	s := newServer(t)
	create(t, s, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{corev1.LabelTopologyZone: "z", "other": "x"}}})
	p := pod("a")
	p.Spec.NodeName, p.Labels = "n", map[string]string{"k": "v"}
	assert.Equal(t, map[string]string{"k": "v", corev1.LabelTopologyZone: "z"}, create(t, s, p).GetLabels())
	assert.Equal(t, map[string]string{"k": "v"}, p.Labels, "the sender's map is its own")
}

func TestPodKeepsWhatAdmissionGave(t *testing.T) { // N4
	s := newServer(t)
	stored := create(t, s, pod("a")).(*corev1.Pod)
	next := stored.DeepCopy()
	next.Spec.Tolerations, next.Spec.Priority, next.Spec.PreemptionPolicy = nil, nil, nil
	before := s.Version()
	require.NoError(t, do(s, requestFor(apiserver.Update, next)).Err)
	assert.Equal(t, before, s.Version(), "nothing has changed")
}

func TestOneDefaultPriority(t *testing.T) {
	s := newServer(t)
	class := func(name string) *schedulingv1.PriorityClass {
		return &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, GlobalDefault: true, Value: 1}
	}
	create(t, s, class("a"))
	refusal(t, 403, `priorityclasses.scheduling.k8s.io "b" is forbidden: PriorityClass a is already marked as default. Only one default can exist`, do(s, requestFor(apiserver.Create, class("b"))).Err)
}

func claim(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}}}}
}

func TestClassByAnnotation(t *testing.T) { // V6
	s := newServer(t)
	create(t, s, &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "std", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}}, Provisioner: "a.b/c"})
	assert.Equal(t, "std", *create(t, s, claim("a")).(*corev1.PersistentVolumeClaim).Spec.StorageClassName)
	named := claim("b")
	named.Annotations = map[string]string{corev1.BetaStorageClassAnnotation: "other"}
	assert.Nil(t, create(t, s, named).(*corev1.PersistentVolumeClaim).Spec.StorageClassName)
}

// A new claim is stored without its phase: even an equal update is written,
// once.
func TestFirstWriteOfAClaim(t *testing.T) {
	s := newServer(t)
	stored := create(t, s, claim("a"))
	for _, written := range []uint64{1, 0} {
		before := s.Version()
		next := s.Get(apiserver.PersistentVolumeClaim, apiserver.KeyOf(stored)).DeepCopyObject().(apiserver.Object)
		require.NoError(t, do(s, requestFor(apiserver.Update, next)).Err)
		assert.Equal(t, before+written, s.Version())
	}
}

func TestEmptyIsNoneOnceStored(t *testing.T) { // A11
	s := newServer(t)
	c := claim("a")
	c.Spec.Resources.Limits = corev1.ResourceList{}
	res := do(s, requestFor(apiserver.Create, c))
	require.NoError(t, res.Err)
	assert.Nil(t, res.Object.(*corev1.PersistentVolumeClaim).Spec.Resources.Limits)
	assert.NotNil(t, c.Spec.Resources.Limits, "the sender's object is its own")
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{
		Capacity: corev1.ResourceList{corev1.ResourcePods: quantity("9")}, Allocatable: corev1.ResourceList{}}}
	res = do(s, requestFor(apiserver.Create, node))
	require.NoError(t, res.Err)
	assert.Len(t, res.Object.(*corev1.Node).Status.Allocatable, 1, "the default of what is not there")
}

func TestWarningsReachTheClientOnce(t *testing.T) {
	s := newServer(t)
	p := pod("a")
	p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostIP: "10.0.0.1"}}
	res := do(s, requestFor(apiserver.Create, p))
	require.NoError(t, res.Err)
	assert.Equal(t, []string{"spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:10.0.0.1}"}, res.Warnings)
	p = pod("b")
	p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostIP: "10\n"}} // is refused, and warned of
	res = do(s, requestFor(apiserver.Create, p))
	assert.Empty(t, res.Warnings)
}

func TestEventLosesTheCollectorsFinalizers(t *testing.T) {
	s := newServer(t)
	e := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "e", Finalizers: []string{"foregroundDeletion"}}, InvolvedObject: corev1.ObjectReference{Namespace: "default"}}
	create(t, s, e)
	require.NoError(t, do(s, requestFor(apiserver.Delete, e)).Err)
	assert.Zero(t, s.Count(apiserver.Event))
}
