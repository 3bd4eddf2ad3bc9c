package conformance

import (
	"context"
	_ "unsafe" // for go:linkname

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	upstream "k8s.io/kubernetes/pkg/controller/statefulset"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// isMemberOf is upstream's, which the filter of claimPods is.
//
//go:linkname isMemberOf k8s.io/kubernetes/pkg/controller/statefulset.isMemberOf
func isMemberOf(set *appsv1.StatefulSet, pod *corev1.Pod) bool

// manager is an object manager of our own, in the place of upstream's: a part
// of the states goes through it (upstream.NewStatefulPodControlFromManager).
type manager struct {
	client *fakeClient
	seen   *sight
	stores stores
}

var _ upstream.StatefulPodControlObjectManager = manager{}

func (m manager) wrote(set *appsv1.StatefulSet, kind apiserver.Kind, obj metav1.Object, err error) error {
	if err == nil {
		m.stores.WroteAt(types.NamespacedName{Namespace: set.Namespace, Name: set.Name}, set.UID, kind.GroupResource(), obj.GetResourceVersion())
	}
	return err
}

func (m manager) CreatePod(ctx context.Context, pod *corev1.Pod, set *appsv1.StatefulSet) error {
	made, err := m.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	return m.wrote(set, apiserver.Pod, made, err)
}

func (m manager) GetPod(ns, name string) (*corev1.Pod, error) {
	return podLister{&listers{m.seen}}.Pods(ns).Get(name)
}

func (m manager) UpdatePod(pod *corev1.Pod, set *appsv1.StatefulSet) error {
	made, err := m.client.CoreV1().Pods(pod.Namespace).Update(context.Background(), pod, metav1.UpdateOptions{})
	return m.wrote(set, apiserver.Pod, made, err)
}

func (m manager) DeletePod(pod *corev1.Pod) error {
	return m.client.CoreV1().Pods(pod.Namespace).Delete(context.Background(), pod.Name, metav1.DeleteOptions{})
}

func (m manager) CreateClaim(claim *corev1.PersistentVolumeClaim, set *appsv1.StatefulSet) error {
	made, err := m.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Create(context.Background(), claim, metav1.CreateOptions{})
	return m.wrote(set, apiserver.PersistentVolumeClaim, made, err)
}

func (m manager) GetClaim(ns, name string) (*corev1.PersistentVolumeClaim, error) {
	return claimLister{&listers{m.seen}}.PersistentVolumeClaims(ns).Get(name)
}

func (m manager) UpdateClaim(claim *corev1.PersistentVolumeClaim, set *appsv1.StatefulSet) error {
	made, err := m.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(context.Background(), claim, metav1.UpdateOptions{})
	return m.wrote(set, apiserver.PersistentVolumeClaim, made, err)
}
