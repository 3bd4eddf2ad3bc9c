package disruption

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// staleTimeout is how long a pod may be said to be disrupted without being
// deleted (stalePodDisruptionTimeout).
const staleTimeout = 2 * time.Minute

// podStage is where the sync of a pod stands.
type podStage uint8

const (
	podBegun podStage = iota
	podWritten
)

// podSync is the decision about the condition DisruptionTarget of a pod.
type podSync struct{ c *Controller }

// Step implements controller.Machine (syncStalePodDisruption). Nothing else of
// the controller changes but the timers that it wants.
func (s podSync) Step(v controller.View, key apiserver.Key, at podStage, results [][]apiserver.Result) (controller.Plan, podStage) {
	if at == podWritten {
		return controller.Plan{Err: results[0][0].Err}, at
	}
	pod := v.Pod(key)
	if pod == nil || !isDisrupted(pod) {
		return controller.Plan{}, at
	}
	if after := staleAfter(pod, v.Now()); after > 0 {
		s.c.cleanups.want(key, after)
		return controller.Plan{}, at
	}
	next := *pod
	next.Status.Conditions = slices.Clone(pod.Status.Conditions)
	next.Status.Conditions[disruptionTarget(pod)] = corev1.PodCondition{
		Type: corev1.DisruptionTarget, Status: corev1.ConditionFalse,
		ObservedGeneration: pod.Generation, LastTransitionTime: apiserver.Stamp(v.Now()),
	}
	return controller.Send(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status,
		Kind: apiserver.Pod, Key: key, Object: &next}), podWritten
}

// isDisrupted reports whether a pod is said to be about to go, and is not going
// (nonTerminatingPodHasStaleDisruptionCondition). A kubelet may take its time
// between the two, and a pod that has ended is left as it is.
func isDisrupted(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	i := disruptionTarget(pod)
	return i >= 0 && pod.Status.Conditions[i].Status == corev1.ConditionTrue &&
		pod.Status.Conditions[i].Reason != corev1.PodReasonTerminationByKubelet &&
		pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded
}

// staleAfter returns how long a disrupted pod's condition still stands.
func staleAfter(pod *corev1.Pod, now engine.Time) time.Duration {
	since := pod.Status.Conditions[disruptionTarget(pod)].LastTransitionTime
	if since.IsZero() {
		return 0
	}
	return max(apiserver.VirtualTime(since.Time).Add(staleTimeout).Sub(now), 0)
}

func disruptionTarget(pod *corev1.Pod) int {
	return slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.DisruptionTarget })
}

// cleanUpAfter has a pod's condition looked at after a span.
func (c *Controller) cleanUpAfter(env *controller.Env, key apiserver.Key, after time.Duration) {
	if !c.cleanups.set(env, key, after) {
		c.pods.Add(env, key)
	}
}
