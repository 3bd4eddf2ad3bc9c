package podgc

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// memo is where a look stands. The pods are those of its beginning, as upstream's
// are.
type memo struct {
	stage stage
	pods  []*corev1.Pod
	asked []string // nodes whose quarantine is over
	gone  map[string]bool
	queue [][]apiserver.Request // pods that are deleted one after the other
}

type stage uint8

const (
	begun stage = iota
	terminated
	outOfService
	asking
	orphaned
	unscheduled
)

// looker is what a look does (gc): four searches, one after the other.
type looker struct{ c *Controller }

// Step implements controller.Machine.
func (l looker) Step(v controller.View, _ struct{}, m memo, results [][]apiserver.Result) (controller.Plan, memo) {
	for _, chain := range results {
		if res := chain[len(chain)-1]; res.Err != nil && m.stage != asking {
			l.c.retry(engine.Retry)
		}
	}
	for {
		var plan controller.Plan
		switch m.stage {
		case begun:
			for _, obj := range v.List(apiserver.Pod, "") {
				m.pods = append(m.pods, obj.(*corev1.Pod))
			}
			plan = l.terminated(v, m.pods)
		case terminated:
			plan = l.outOfService(v, m.pods)
		case outOfService:
			m.asked = l.missed(v, m.pods)
			for _, node := range m.asked {
				plan.Chains = append(plan.Chains, []apiserver.Request{{Verb: apiserver.Get, Kind: apiserver.Node, Key: apiserver.Key{Name: node}}})
			}
		case asking:
			m.gone = map[string]bool{}
			for i, node := range m.asked {
				m.gone[node] = apierrors.IsNotFound(results[i][0].Err)
			}
			m.queue = l.orphans(v, m)
		case orphaned, unscheduled:
		}
		switch {
		case m.stage < asking:
			m.stage++
		case len(m.queue) > 0: // one after the other
			plan, m.queue = controller.Send(m.queue[0]...), m.queue[1:]
			m.stage = max(m.stage, orphaned)
		case m.stage < unscheduled:
			m.stage, m.queue = unscheduled, l.unscheduled(v, m.pods)
			continue
		default:
			return controller.Plan{}, m
		}
		if len(plan.Chains) > 0 {
			return plan, m
		}
		results = nil
	}
}

// retry has another look follow: for what is left to be waited for, or what has
// failed.
func (c *Controller) retry(class engine.Class) {
	if !c.needed || class == engine.Progress {
		c.needed, c.again = true, class
	}
}

// terminated deletes the oldest pods that have ended, of too many, those that
// were evicted first (gcTerminated).
func (l looker) terminated(v controller.View, pods []*corev1.Pod) (plan controller.Plan) {
	if l.c.threshold <= 0 {
		return plan
	}
	var list []*corev1.Pod
	for _, pod := range pods {
		if isEnded(pod) {
			list = append(list, pod)
		}
	}
	if len(list) <= l.c.threshold {
		return plan
	}
	return together(v, list, len(list)-l.c.threshold)
}

// outOfService deletes the pods that are terminating on nodes out of service
// (gcTerminating).
func (l looker) outOfService(v controller.View, pods []*corev1.Pod) controller.Plan {
	var list []*corev1.Pod
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil {
			continue
		}
		if node := v.Node(pod.Spec.NodeName); node != nil && isOut(node) {
			list = append(list, pod)
			l.c.stays(pod)
		}
	}
	return together(v, list, len(list))
}

// together deletes the first n pods side by side, in upstream's order
// (byEvictionAndCreationTimestamp).
func together(v controller.View, list []*corev1.Pod, n int) (plan controller.Plan) {
	isEvicted := func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodFailed && p.Status.Reason == "Evicted" }
	slices.SortStableFunc(list, func(a, b *corev1.Pod) int {
		if x, y := isEvicted(a), isEvicted(b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	for _, pod := range list[:n] {
		plan.Chains = append(plan.Chains, deletion(v, pod, false))
	}
	return plan
}

// missed puts the missing nodes of pods into quarantine, and returns those whose
// quarantine is over (gcOrphaned, discoverDeletedNodes). A node is in line for one
// look, whatever comes of it; but as long as it has pods the next quarantine begins
// with that look. One that has none any more stays in quarantine all the same: a pod
// that comes to it finds half of the time over.
func (l looker) missed(v controller.View, pods []*corev1.Pod) []string {
	now := l.c.began
	over := map[string]bool{}
	for node, q := range l.c.missing { // into a set
		if q.until <= now {
			delete(l.c.missing, node)
			if q.until > now.Add(-period) { // else an earlier tick has had it, and found nothing to do
				over[node] = true
			}
		}
	}
	for _, pod := range pods {
		node := pod.Spec.NodeName
		if node == "" || v.Node(node) != nil {
			continue
		}
		if _, ok := l.c.missing[node]; !ok {
			l.c.missing[node] = quarantined{now.Add(quarantine + raceOf(v, node))}
		}
		l.c.retry(engine.Progress)
	}
	if len(l.c.missing) > 0 {
		l.c.retry(engine.Retry)
	}
	var list []string
	for node := range over { // sorted below
		if v.Node(node) == nil {
			list = append(list, node)
		}
	}
	slices.Sort(list)
	return list
}

// raceOf is how a race ends that is upstream's own: the look that begins when the
// quarantine ends finds the node in its queue, or not, and the next one does.
func raceOf(v controller.View, node string) time.Duration {
	return time.Duration(v.Choose("podgc/quarantine", node, 2))
}

// orphans deletes the pods on nodes that are gone, one after the other.
func (l looker) orphans(v controller.View, m memo) [][]apiserver.Request {
	var queue [][]apiserver.Request
	for _, pod := range m.pods {
		if m.gone[pod.Spec.NodeName] {
			queue = append(queue, deletion(v, pod, true))
			l.c.stays(pod)
		}
	}
	return queue
}

// unscheduled deletes the pods that are terminating and have no node, one after
// the other (gcUnscheduledTerminating).
func (l looker) unscheduled(v controller.View, pods []*corev1.Pod) [][]apiserver.Request {
	var queue [][]apiserver.Request
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil && pod.Spec.NodeName == "" {
			queue = append(queue, deletion(v, pod, false))
			l.c.stays(pod)
		}
	}
	return queue
}

// stays has another look follow for a pod that a deletion does not remove.
func (c *Controller) stays(pod *corev1.Pod) {
	if len(pod.Finalizers) > 0 {
		c.retry(engine.Retry)
	}
}

// deletion has a pod that has not ended say that it failed, and deletes it with no
// grace (N6, markFailedAndDeletePodWithCondition).
func deletion(v controller.View, pod *corev1.Pod, orphan bool) []apiserver.Request {
	key := apiserver.KeyOf(pod)
	remove := apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: key, GracePeriodSeconds: new(int64)}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return []apiserver.Request{remove}
	}
	return []apiserver.Request{{Verb: apiserver.Patch, Subresource: apiserver.Status, Kind: apiserver.Pod, Key: key, UID: pod.UID,
		Patch: failure{generation: pod.Generation, orphan: orphan, now: v.Now()}}, remove}
}

// failure is a Patcher: a pod that has failed.
type failure struct {
	generation int64
	orphan     bool
	now        engine.Time
}

// Apply implements apiserver.Patcher.
func (f failure) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*corev1.Pod)
	next.Status.Phase, next.Status.ObservedGeneration = corev1.PodFailed, f.generation
	if !f.orphan {
		return &next, nil
	}
	c := corev1.PodCondition{Type: corev1.DisruptionTarget, ObservedGeneration: f.generation, Status: corev1.ConditionTrue,
		Reason: "DeletionByPodGC", Message: "PodGC: node no longer exists", LastTransitionTime: apiserver.Stamp(f.now)}
	next.Status.Conditions = slices.Clone(next.Status.Conditions)
	i := slices.IndexFunc(next.Status.Conditions, func(o corev1.PodCondition) bool { return o.Type == c.Type })
	if i < 0 {
		next.Status.Conditions = append(next.Status.Conditions, c)
		return &next, nil
	}
	if next.Status.Conditions[i].Status == c.Status {
		c.LastTransitionTime = next.Status.Conditions[i].LastTransitionTime
	}
	next.Status.Conditions[i] = c
	return &next, nil
}
