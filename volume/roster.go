package volume

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// roster knows which pods refer to a claim: upstream's index of pods by claim
// (common.PodPVCIndex). The pods of a claim are sorted by name.
type roster struct {
	pods map[apiserver.Key][]string `state:"elements"` // claim → names of pods in its namespace
}

// add enters a pod. A pod's volumes never change, so once is enough.
func (r *roster) add(pod *corev1.Pod) {
	for key := range claimsOf(pod) {
		names := r.pods[key]
		i, found := slices.BinarySearch(names, pod.Name)
		if found {
			continue
		}
		if r.pods == nil {
			r.pods = map[apiserver.Key][]string{}
		}
		r.pods[key] = slices.Insert(slices.Clone(names), i, pod.Name) // forks share the old slice
	}
}

// remove strikes a pod out.
func (r *roster) remove(pod *corev1.Pod) {
	for key := range claimsOf(pod) {
		switch names := r.pods[key]; {
		case !slices.Contains(names, pod.Name):
		case len(names) == 1:
			delete(r.pods, key)
		default:
			r.pods[key] = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == pod.Name })
		}
	}
}

// of returns the names of the pods that refer to a claim, sorted.
func (r *roster) of(claim apiserver.Key) []string { return r.pods[claim] }

// claimsOf yields the claims that a pod's volumes refer to.
func claimsOf(pod *corev1.Pod) func(yield func(apiserver.Key) bool) {
	return func(yield func(apiserver.Key) bool) {
		for i := range pod.Spec.Volumes {
			if name := claimName(pod, &pod.Spec.Volumes[i]); name != "" && !yield(apiserver.Key{Namespace: pod.Namespace, Name: name}) {
				return
			}
		}
	}
}

// claimName returns the claim that a volume of a pod is, or "".
func claimName(pod *corev1.Pod, v *corev1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return pod.Name + "-" + v.Name
	}
	return ""
}

// refersTo reports whether a pod has a claim as a volume. A claim that stands
// for an ephemeral volume must have been made for this very pod.
func refersTo(pod *corev1.Pod, claim *corev1.PersistentVolumeClaim) bool {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if claimName(pod, v) == claim.Name && (v.PersistentVolumeClaim != nil || metav1.IsControlledBy(claim, pod)) {
			return true
		}
	}
	return false
}

// isTerminated reports whether nothing of a pod runs any more (IsPodTerminated).
func isTerminated(pod *corev1.Pod) bool {
	s := &pod.Status
	return s.Phase == corev1.PodFailed || s.Phase == corev1.PodSucceeded ||
		pod.DeletionTimestamp != nil && noneRuns(s.InitContainerStatuses) && noneRuns(s.ContainerStatuses) && noneRuns(s.EphemeralContainerStatuses)
}

func noneRuns(statuses []corev1.ContainerStatus) bool {
	for i := range statuses {
		if s := &statuses[i].State; s.Terminated == nil && s.Waiting == nil {
			return false
		}
	}
	return true
}
