package job

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// orphan is a pod, or all that a selector matches, whose finalizers are to be looked
// after.
type orphan struct {
	selected         bool
	namespace, value string // the pod's name, or the selector
}

// orphanMachine takes the finalizer off pods that nobody will count (W36,
// syncOrphanPod).
type orphanMachine struct{ c *Controller }

// Step implements controller.Machine.
func (m orphanMachine) Step(v controller.View, key orphan, j controller.Journal, results [][]apiserver.Result) (controller.Plan, controller.Journal) {
	return controller.Resume(v, j, results, func(r *controller.Replay) error {
		pods := controller.Read(r, func(v controller.View) []*corev1.Pod { return m.c.uncounted(v, key) })
		var failure error
		for _, pod := range pods {
			res := r.Do(untrack(pod))
			if res.Err != nil && !apierrors.IsNotFound(res.Err) {
				// Of one among many, upstream tries that one again; here, all that are left.
				failure = res.Err
			}
		}
		return failure
	})
}

// untrack takes the finalizer off a pod (removeTrackingFinalizerPatch).
func untrack(pod *corev1.Pod) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod),
		Patch: controller.Release{Finalizer: batchv1.JobTrackingFinalizer}}
}

// uncounted returns the pods of a key that have the finalizer in vain.
func (c *Controller) uncounted(v controller.View, key orphan) []*corev1.Pod {
	if !key.selected {
		pod, _ := v.Get(apiserver.Pod, apiserver.Key{Namespace: key.namespace, Name: key.value}).(*corev1.Pod)
		if pod == nil || !c.isOrphaned(pod) {
			return nil
		}
		return []*corev1.Pod{pod}
	}
	selector, err := labels.Parse(key.value)
	if err != nil {
		return nil
	}
	var pods []*corev1.Pod
	for _, obj := range v.List(apiserver.Pod, key.namespace) {
		if pod := obj.(*corev1.Pod); selector.Matches(labels.Set(pod.Labels)) && c.isOrphaned(pod) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// isOrphaned reports whether a pod has the finalizer and no Job that will count it
// (handleSingleOrphanPod).
func (c *Controller) isOrphaned(pod *corev1.Pod) bool {
	if !isTracked(pod) {
		return false
	}
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil {
		return true
	}
	if ref.Kind != "Job" || ref.APIVersion != batchv1.SchemeGroupVersion.String() {
		return false
	}
	job := c.resolve(pod)
	return job == nil || !isManagedElsewhere(job) && isFinished(job)
}
