package scheduler

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const (
	reasonNoVictims  = "No preemption victims found for incoming pod"
	reasonNotHelpful = "Preemption is not helpful for scheduling"
)

// candidate is a node that would take the pod if its victims went.
type candidate struct {
	node       string
	victims    []*plugin.Pod // the most important first
	violations int           // of disruption budgets
}

// preempt looks for a node where pods of a lower priority can make room, starts
// to remove them, and returns what to say about it and the node to nominate; nil
// leaves the nomination (C12, Evaluator.Preempt).
func (s *Scheduler) preempt(env *controller.Env, c *plugin.Cycle) (string, *string) {
	pod := c.Pod()
	if why := s.ineligible(pod); why != "" {
		return "preemption: " + why, nil
	}
	var open []*plugin.Node // where removing pods could help
	for _, r := range s.scratch.rejected {
		if r.status.Code == plugin.Unschedulable {
			open = append(open, r.node)
		}
	}
	wanted := max(len(open)/10, 100)
	offset := 0
	if len(open) > wanted {
		offset = env.Choose("preemption-offset", podKey(pod.Pod), len(open))
	}
	var found []candidate
	fine := false // a candidate that violates no budget
	reasons := map[string]int{}
	absent := len(s.cluster.Nodes())
	for i := range open {
		n := open[(offset+i)%len(open)]
		victim, status := s.victims(env, c, n)
		if !status.OK() {
			for reason := range status.Reasons {
				reasons[reason]++
			}
			absent--
			continue
		}
		found = append(found, victim)
		if fine = fine || victim.violations == 0; fine && len(found) >= wanted {
			break
		}
	}
	if len(found) == 0 {
		if absent > 0 {
			reasons[reasonNotHelpful] += absent
		}
		return "preemption: " + plugin.FitError(len(s.cluster.Nodes()), reasons, ""), new(string)
	}
	best := s.pick(env, pod, found)
	s.startPreemption(env, pod, best)
	return fmt.Sprintf("preemption: found a potential placement for pod on node %s, preempting %d victims", best.node, len(best.victims)), &best.node
}

// ineligible says why a pod may not preempt others (PodEligibleToPreemptOthers).
func (s *Scheduler) ineligible(pod *plugin.Pod) string {
	if p := pod.Spec.PreemptionPolicy; p != nil && *p == corev1.PreemptNever {
		return "not eligible due to preemptionPolicy=Never."
	}
	n := s.cluster.Node(pod.Status.NominatedNodeName)
	if n == nil {
		return ""
	}
	if slices.ContainsFunc(s.scratch.rejected, func(r rejection) bool { return r.node == n && r.status.Code == plugin.Unresolvable }) {
		return ""
	}
	for _, p := range n.Pods() {
		if p.Priority < pod.Priority && isBeingPreempted(p.Pod) {
			return "not eligible due to a terminating pod on the nominated node."
		}
	}
	return ""
}

func isBeingPreempted(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue && c.Reason == corev1.PodReasonPreemptionByScheduler
	})
}

// victims finds the least that must go for the pod to fit a node: all pods of
// lower priority go at first, then as many as possible come back, those first
// that would violate a budget, and then the important ones
// (SelectVictimsOnNode).
func (s *Scheduler) victims(env *controller.Env, c *plugin.Cycle, n *plugin.Node) (candidate, plugin.Status) {
	var lower []*plugin.Pod
	for _, p := range n.Pods() {
		if p.Priority < c.Pod().Priority {
			lower = append(lower, p)
		}
	}
	if len(lower) == 0 {
		return candidate{}, plugin.Status{Code: plugin.Unresolvable, Reason: reasonNoVictims}
	}
	now := env.Now()
	important := func(a, b *plugin.Pod) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(startOf(a, now), startOf(b, now)), apiserver.KeyOf(a).Compare(apiserver.KeyOf(b)))
	}
	slices.SortFunc(lower, important)
	d, m := c.With(n, nil, lower)
	if status := s.filter(d, m); !status.OK() {
		return candidate{}, status
	}
	out := candidate{node: n.Name()}
	violating, others := s.splitByBudget(lower)
	for i, list := range [][]*plugin.Pod{violating, others} {
		for _, p := range list {
			d.Add(m, p)
			if s.filter(d, m).OK() {
				continue
			}
			d.Remove(m, p)
			out.victims = append(out.victims, p)
			if i == 0 {
				out.violations++
			}
		}
	}
	slices.SortFunc(out.victims, important)
	if len(out.victims) == 0 {
		return candidate{}, plugin.Status{Code: plugin.Error, Reason: fmt.Sprintf("expected at least one victim pod on node %q", n.Name())}
	}
	return out, plugin.Status{}
}

// startOf is when a pod started; one that has not starts now.
func startOf(p *plugin.Pod, now engine.Time) engine.Time {
	if p.Status.StartTime == nil {
		return now
	}
	return apiserver.VirtualTime(p.Status.StartTime.Time)
}

// splitByBudget separates the pods whose end a disruption budget does not
// allow (FilterVictimsWithPDBViolation).
func (s *Scheduler) splitByBudget(pods []*plugin.Pod) (violating, others []*plugin.Pod) {
	keys := slices.SortedFunc(maps.Keys(s.budgets), apiserver.Key.Compare)
	allowed := make([]int32, len(keys))
	for i, key := range keys {
		allowed[i] = s.budgets[key].Status.DisruptionsAllowed
	}
	for _, p := range pods {
		violates := false
		for i, key := range keys {
			if violates = isCovered(s.budgets[key], p.Pod); violates {
				allowed[i]--
				if violates = allowed[i] < 0; violates {
					break
				}
			}
		}
		if violates {
			violating = append(violating, p)
		} else {
			others = append(others, p)
		}
	}
	return violating, others
}

func isCovered(b *policyv1.PodDisruptionBudget, pod *corev1.Pod) bool {
	if b.Namespace != pod.Namespace || len(pod.Labels) == 0 {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil || selector.Empty() || !selector.Matches(labels.Set(pod.Labels)) {
		return false
	}
	_, disrupted := b.Status.DisruptedPods[pod.Name]
	return !disrupted
}

// pick chooses the best candidate (pickOneNodeForPreemption): the fewest budget
// violations, the lowest top priority, the lowest sum of priorities, the fewest
// victims, the latest start of the most important. Any of equals is legal.
func (s *Scheduler) pick(env *controller.Env, pod *plugin.Pod, found []candidate) candidate {
	now := env.Now()
	compare := func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(a.violations, b.violations),
			cmp.Compare(a.victims[0].Priority, b.victims[0].Priority),
			cmp.Compare(sumOf(a.victims), sumOf(b.victims)),
			cmp.Compare(len(a.victims), len(b.victims)),
			cmp.Compare(startOf(b.victims[0], now), startOf(a.victims[0], now)),
		)
	}
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Or(compare(a, b), cmp.Compare(a.node, b.node)) })
	equal := 1
	for equal < len(found) && compare(found[0], found[equal]) == 0 {
		equal++
	}
	return found[env.Choose("preemption-tie", podKey(pod.Pod), equal)]
}

func sumOf(pods []*plugin.Pod) int64 {
	var sum int64
	for _, p := range pods {
		sum += int64(p.Priority) + math.MaxInt32 + 1
	}
	return sum
}
