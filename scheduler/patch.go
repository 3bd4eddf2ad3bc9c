package scheduler

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// StatusPatch is the scheduler's patch of a pod's status: a condition, the
// nominated node, or both. It is plain data.
type StatusPatch struct {
	Conditions bool // whether Condition is to be set
	Condition  corev1.PodCondition
	Nominate   *string // the nominated node; nil leaves it
}

// Apply implements apiserver.Patcher. A condition keeps its place and, if its
// status stays, the time of its last transition (UpdatePodCondition).
func (p StatusPatch) Apply(obj apiserver.Object) (apiserver.Object, error) {
	old := obj.(*corev1.Pod)
	if !p.changes(old) {
		return old, nil
	}
	pod := *old
	if p.Conditions {
		cond := p.Condition
		i := p.find(old)
		if i < 0 {
			pod.Status.Conditions = append(slices.Clip(old.Status.Conditions), cond)
		} else {
			pod.Status.Conditions = slices.Clone(old.Status.Conditions)
			if pod.Status.Conditions[i].Status == cond.Status {
				cond.LastTransitionTime = pod.Status.Conditions[i].LastTransitionTime
			}
			pod.Status.Conditions[i] = cond
		}
	}
	if p.Nominate != nil {
		pod.Status.NominatedNodeName = *p.Nominate
	}
	return &pod, nil
}

func (p StatusPatch) find(pod *corev1.Pod) int {
	return slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == p.Condition.Type })
}

// changes reports whether the patch says anything new about a pod: otherwise
// it is not sent.
func (p StatusPatch) changes(pod *corev1.Pod) bool {
	if p.Nominate != nil && *p.Nominate != pod.Status.NominatedNodeName {
		return true
	}
	if !p.Conditions {
		return false
	}
	i := p.find(pod)
	if i < 0 {
		return true
	}
	c := &pod.Status.Conditions[i]
	return c.Status != p.Condition.Status || c.Reason != p.Condition.Reason || c.Message != p.Condition.Message
}
