package nodelifecycle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// podMemo is where the marking of pods stands: one after the other is told that
// it is not ready (MarkPodsNotReady).
type podMemo struct {
	node string
	pods []*corev1.Pod // still to be told; the first is being told, if asked
	told bool          // a write of the first is on its way
	err  error         // the first that there was
}

// next goes on with the next pod, or returns a Plan without requests at the end.
func (m podMemo) next(v controller.View, results [][]apiserver.Result) (controller.Plan, podMemo) {
	var plan controller.Plan
	if m.told {
		err := results[0][0].Err
		if !apierrors.IsNotFound(err) {
			plan.Notes = append(plan.Notes, controller.Note{About: m.pods[0], Type: corev1.EventTypeWarning, Reason: "NodeNotReady", Message: "Node is not ready"})
			if m.err == nil {
				m.err = err
			}
		}
		m.told, m.pods = false, m.pods[1:]
	}
	for ; len(m.pods) > 0; m.pods = m.pods[1:] {
		pod := m.pods[0]
		i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
		if i < 0 || pod.Status.Conditions[i].Status == corev1.ConditionFalse {
			continue
		}
		next := *pod
		next.Status.Conditions = slices.Clone(pod.Status.Conditions)
		next.Status.Conditions[i].Status = corev1.ConditionFalse
		next.Status.Conditions[i].LastTransitionTime = apiserver.Stamp(v.Now())
		m.told = true
		plan.Chains = [][]apiserver.Request{{{Verb: apiserver.Update, Subresource: apiserver.Status,
			Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Object: &next}}}
		return plan, m
	}
	return plan, m
}

// podsOn lists the pods on a node. The index that upstream asks has no order: any
// is legal.
func podsOn(v controller.View, node string) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, obj := range v.List(apiserver.Pod, "") {
		if pod := obj.(*corev1.Pod); pod.Spec.NodeName == node {
			pods = append(pods, pod)
		}
	}
	for i := len(pods) - 1; i > 0; i-- {
		j := v.Choose("nodelifecycle/pods", node, i+1)
		pods[i], pods[j] = pods[j], pods[i]
	}
	return pods
}

// podSync looks at a pod that got to a node: if that is not ready by now, neither
// is the pod (processPod).
type podSync struct{ c *Controller }

// Step implements controller.Machine.
func (s podSync) Step(v controller.View, key apiserver.Key, m podMemo, results [][]apiserver.Result) (controller.Plan, podMemo) {
	if results == nil {
		pod := v.Pod(key)
		if pod == nil {
			return controller.Plan{}, m
		}
		h := s.c.health[pod.Spec.NodeName]
		if !h.saved {
			return controller.Plan{}, m
		}
		if v.Node(pod.Spec.NodeName) == nil {
			return controller.Plan{Err: apierrors.NewNotFound(apiserver.Node.GroupResource(), pod.Spec.NodeName)}, m
		}
		if !h.hasReady || h.status == corev1.ConditionTrue {
			return controller.Plan{}, m
		}
		m = podMemo{node: pod.Spec.NodeName, pods: []*corev1.Pod{pod}}
	}
	plan, m := m.next(v, results)
	if len(plan.Chains) == 0 {
		plan.Err = m.err
	}
	return plan, m
}
