package scheduler

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// startPreemption begins to remove the victims (prepareCandidateAsync): pods of
// a lower priority that were promised the node lose the promise, then each
// victim gets its condition and is deleted. The pod is not tried meanwhile.
//
// Deviation: the requests go one after the other, upstream's side by side but
// for the last victim's; a victim that waits for its volumes is deleted too.
func (s *Scheduler) startPreemption(env *controller.Env, pod *plugin.Pod, best candidate) {
	t := &task{kind: preemptTask, key: apiserver.KeyOf(pod), node: best.node, preemptor: pod.Pod}
	for _, v := range best.victims {
		if v.DeletionTimestamp == nil {
			t.victims = append(t.victims, v.Pod)
		}
	}
	if len(t.victims) == 0 {
		return
	}
	for _, key := range s.nominated.byNode[best.node] {
		if p := s.nominated.pods[key]; p.Priority < pod.Priority && p.Status.NominatedNodeName != "" {
			t.clear = append(t.clear, key)
		}
	}
	s.preempting[t.key] = true
	s.nextPreemption(env, s.start(t), t)
}

// nextPreemption sends the next request of a preemption.
func (s *Scheduler) nextPreemption(env *controller.Env, token uint64, t *task) {
	req := apiserver.Request{Kind: apiserver.Pod}
	switch {
	case len(t.clear) > 0:
		req.Verb, req.Subresource, req.Key = apiserver.Patch, apiserver.Status, t.clear[0]
		req.Patch = StatusPatch{Nominate: new(string)}
	case len(t.victims) == 0 || t.failed:
		s.endPreemption(env, token, t)
		return
	case !t.deleting:
		v := t.victims[0]
		patch := StatusPatch{Conditions: true, Condition: corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, ObservedGeneration: v.Generation,
			Reason:             corev1.PodReasonPreemptionByScheduler,
			Message:            Name + ": preempting to accommodate a higher priority pod",
			LastTransitionTime: apiserver.Stamp(env.Now()),
		}}
		if patch.changes(v) {
			req.Verb, req.Subresource, req.Key, req.Patch = apiserver.Patch, apiserver.Status, apiserver.KeyOf(v), patch
			break
		}
		t.deleting = true
		fallthrough
	default:
		req.Verb, req.Key = apiserver.Delete, apiserver.KeyOf(t.victims[0])
	}
	env.Send(token, req)
}

// advancePreemption takes the answer to a request of a preemption.
func (s *Scheduler) advancePreemption(env *controller.Env, token uint64, t *task, res apiserver.Result) {
	switch {
	case len(t.clear) > 0:
		t.clear = t.clear[1:]
	case res.Err != nil:
		t.failed = !apierrors.IsNotFound(res.Err) // a victim that is gone needs no removal
		t.victims, t.deleting = t.victims[1:], false
	case !t.deleting:
		t.deleting = true
	default:
		env.Note(controller.Note{
			About: t.victims[0], Type: corev1.EventTypeNormal, Reason: "Preempted", Action: "Preempting",
			Message: fmt.Sprintf("Preempted by pod %s on node %s", t.preemptor.UID, t.node),
		})
		t.victims, t.deleting = t.victims[1:], false
	}
	s.nextPreemption(env, token, t)
}

// endPreemption lets the pod be tried again: at once if the preemption failed,
// else when its victims are gone.
func (s *Scheduler) endPreemption(env *controller.Env, token uint64, t *task) {
	delete(s.tasks, token)
	delete(s.preempting, t.key)
	e := s.queue.Get(t.key)
	if e == nil {
		return
	}
	e.Preempting = false
	if t.failed {
		s.queue.Activate(e)
	}
}
