package tainteviction

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// deletion is where the deletion of a pod stands.
type deletion struct{ stage deletionStage }

type deletionStage uint8

const (
	reading deletionStage = iota
	marking
	deleting
)

// retries is how often a deletion is tried, and pause the time between two.
const (
	retries = 5
	pause   = 10 * time.Millisecond
)

// deleter reads a pod, says in its condition what it is deleted for, and deletes
// it, whatever its UID is by then (N4, addConditionAndDeletePod).
type deleter struct{ c *Controller }

// Step implements controller.Machine.
func (d deleter) Step(v controller.View, key apiserver.Key, m deletion, results [][]apiserver.Result) (controller.Plan, deletion) {
	if results == nil {
		return controller.Send(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Pod, Key: key}), m
	}
	if err := results[0][0].Err; err != nil {
		return d.failed(key), m
	}
	if m.stage == reading {
		pod := results[0][0].Object.(*corev1.Pod)
		if next, changed := targeted(pod, v); changed {
			m.stage = marking
			return controller.Send(apiserver.Request{Verb: apiserver.Patch, Subresource: apiserver.Status, Kind: apiserver.Pod, Key: key,
				UID: pod.UID, Patch: next}), m
		}
		m.stage = marking
	}
	if m.stage == marking {
		m.stage = deleting
		return controller.Send(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: key}), m
	}
	d.done(key)
	return controller.Plan{}, m
}

// failed tries again a little later, but not for ever.
func (d deleter) failed(key apiserver.Key) controller.Plan {
	w, ok := d.c.work[key]
	if w.tries++; w.tries >= retries || !ok {
		d.done(key)
		return controller.Plan{}
	}
	d.c.work[key] = w
	return controller.Plan{After: pause}
}

// done forgets a deletion that is over: what is planned by then goes with it, as
// upstream's map has one place for both.
func (d deleter) done(key apiserver.Key) { delete(d.c.work, key) }

// target is a Patcher: a pod with the condition DisruptionTarget.
type target struct{ condition corev1.PodCondition }

// Apply implements apiserver.Patcher.
func (t target) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*corev1.Pod)
	next.Status.Conditions = slices.Clone(next.Status.Conditions)
	if i := indexOf(&next); i >= 0 {
		next.Status.Conditions[i] = t.condition
	} else {
		next.Status.Conditions = append(next.Status.Conditions, t.condition)
	}
	return &next, nil
}

// targeted returns what a pod has to say, and whether it does not yet
// (UpdatePodCondition).
func targeted(pod *corev1.Pod, v controller.View) (target, bool) {
	c := corev1.PodCondition{Type: corev1.DisruptionTarget, ObservedGeneration: pod.Generation, Status: corev1.ConditionTrue,
		Reason: "DeletionByTaintManager", Message: "Taint manager: deleting due to NoExecute taint", LastTransitionTime: apiserver.Stamp(v.Now())}
	i := indexOf(pod)
	if i < 0 {
		return target{c}, true
	}
	was := &pod.Status.Conditions[i]
	if was.Status == c.Status {
		c.LastTransitionTime = was.LastTransitionTime
	}
	return target{c}, was.Status != c.Status || was.Reason != c.Reason || was.Message != c.Message
}

func indexOf(pod *corev1.Pod) int {
	return slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.DisruptionTarget })
}
