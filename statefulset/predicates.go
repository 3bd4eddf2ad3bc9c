package statefulset

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// The predicates about a pod that decisions are made of (SSU; podutil).

func isCreated(pod *corev1.Pod) bool     { return pod.Status.Phase != "" }
func isPending(pod *corev1.Pod) bool     { return pod.Status.Phase == corev1.PodPending }
func isTerminating(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil }
func isReady(pod *corev1.Pod) bool       { return readySince(pod) != nil }
func isRunningAndReady(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodRunning && isReady(pod)
}

func isTerminal(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// readySince returns the Ready condition if it is True, or nil.
func readySince(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			if c.Status == corev1.ConditionTrue {
				return c
			}
			return nil
		}
	}
	return nil
}

// availableAt returns when a pod counts as available if it stays ready, and
// false if it never will as it is: it is not ready, or nobody knows since when
// it has been (S13). The zero time means that it always was.
func availableAt(pod *corev1.Pod, minReadySeconds int32) (time.Time, bool) {
	c := readySince(pod)
	switch {
	case c == nil:
		return time.Time{}, false
	case minReadySeconds == 0:
		return time.Time{}, true
	case c.LastTransitionTime.IsZero():
		return time.Time{}, false
	}
	return c.LastTransitionTime.Add(time.Duration(minReadySeconds) * time.Second), true
}

// isAvailable is podutil.IsPodAvailable: the phase does not matter.
func isAvailable(pod *corev1.Pod, minReadySeconds int32, now time.Time) bool {
	at, ok := availableAt(pod, minReadySeconds)
	return ok && !at.After(now)
}

// isUnavailable is S13.
func isUnavailable(pod *corev1.Pod, minReadySeconds int32, now time.Time) bool {
	return !isAvailable(pod, minReadySeconds, now) || isTerminating(pod)
}
