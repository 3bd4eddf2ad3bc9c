package podcontrol

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// IsTerminal reports whether a pod has ended (podutil.IsPodTerminal).
func IsTerminal(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// IsActive reports whether a pod counts as a replica.
func IsActive(pod *corev1.Pod) bool { return !IsTerminal(pod) && pod.DeletionTimestamp == nil }

// IsTerminating reports whether a pod is being deleted and has not ended.
func IsTerminating(pod *corev1.Pod) bool { return !IsTerminal(pod) && pod.DeletionTimestamp != nil }

// IsReady reports whether a pod is ready.
func IsReady(pod *corev1.Pod) bool { return readySince(pod) != nil }

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

// AvailableAt returns when a pod counts as available if it stays ready; false if
// it never will as it is. The zero time means that it always was.
func AvailableAt(pod *corev1.Pod, minReadySeconds int32) (time.Time, bool) {
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

// IsAvailable is podutil.IsPodAvailable: the phase does not matter.
func IsAvailable(pod *corev1.Pod, minReadySeconds int32, now time.Time) bool {
	at, ok := AvailableAt(pod, minReadySeconds)
	return ok && !at.After(now)
}

// ControllerUID returns the UID of an object's controller, or "".
func ControllerUID(obj metav1.Object) types.UID {
	if ref := metav1.GetControllerOfNoCopy(obj); ref != nil {
		return ref.UID
	}
	return ""
}

// Covers reports whether a toleration covers a taint (ToleratesTaint, without the
// operators of the alpha gate TaintTolerationComparisonOperators).
func Covers(t *corev1.Toleration, taint *corev1.Taint) bool {
	if t.Effect != "" && t.Effect != taint.Effect || t.Key != "" && t.Key != taint.Key {
		return false
	}
	switch t.Operator {
	case "", corev1.TolerationOpEqual:
		return t.Value == taint.Value
	}
	return t.Operator == corev1.TolerationOpExists
}
