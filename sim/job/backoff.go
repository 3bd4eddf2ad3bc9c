package job

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// The next pod after a failure waits so long, doubled with each further one
// (DefaultJobPodFailureBackOff, MaxJobPodFailureBackOff).
const (
	podBackoff    = 10 * time.Second
	maxPodBackoff = 10 * time.Minute
)

// record is how often pods of a Job have failed since one succeeded.
type record struct {
	failures int32
	last     time.Time // of them; zero if there is none
}

// after returns the record with pods that have ended since (newBackoffRecord).
func (r record) after(succeeded, failed []*corev1.Pod) record {
	compare := func(a, b *corev1.Pod) int { return finishedAt(a).Compare(finishedAt(b)) }
	if len(succeeded) == 0 && len(failed) == 0 {
		return r
	}
	if len(succeeded) == 0 {
		return record{r.failures + int32(len(failed)), finishedAt(slices.MaxFunc(failed, compare))}
	}
	success := finishedAt(slices.MaxFunc(succeeded, compare))
	r = record{}
	for _, pod := range failed {
		if at := finishedAt(pod); at.After(success) {
			r.failures++
			if r.last.IsZero() || at.After(r.last) {
				r.last = at
			}
		}
	}
	return r
}

// remaining is how long the next pod still waits (getRemainingTimeForFailuresCount).
func (r record) remaining(now time.Time) time.Duration {
	if r.failures == 0 {
		return 0
	}
	d := podBackoff
	for i := int32(1); i < r.failures && d < maxPodBackoff; i++ {
		d = min(2*d, maxPodBackoff)
	}
	return max(d-now.Sub(r.last), 0)
}

// finishedAt is when a pod ended, as well as it can be told (getFinishedTime).
func finishedAt(pod *corev1.Pod) time.Time {
	if at := containersEnd(pod); !at.IsZero() {
		return at
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			if c.Status == corev1.ConditionFalse && !c.LastTransitionTime.IsZero() {
				return c.LastTransitionTime.Time
			}
			break
		}
	}
	if at := pod.DeletionTimestamp; at != nil {
		var grace int64
		if g := pod.DeletionGracePeriodSeconds; g != nil {
			grace = *g
		}
		return at.Add(-time.Duration(grace) * time.Second)
	}
	return pod.CreationTimestamp.Time
}

// containersEnd is when the last container ended, sidecars among them; zero if one has
// not (getFinishTimeFromContainers). The sidecars count if any container has ended,
// even if another has not.
func containersEnd(pod *corev1.Pod) time.Time {
	isSidecar := func(name string) bool {
		return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
			return c.Name == name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		})
	}
	at, _ := latestEnd(time.Time{}, pod.Status.ContainerStatuses, func(string) bool { return true })
	at, _ = latestEnd(at, pod.Status.InitContainerStatuses, isSidecar)
	return at
}

func latestEnd(at time.Time, statuses []corev1.ContainerStatus, counts func(name string) bool) (time.Time, bool) {
	for i := range statuses {
		if !counts(statuses[i].Name) {
			continue
		}
		end := statuses[i].State.Terminated
		if end == nil || end.FinishedAt.IsZero() {
			return time.Time{}, false
		}
		if end.FinishedAt.After(at) {
			at = end.FinishedAt.Time
		}
	}
	return at, true
}
