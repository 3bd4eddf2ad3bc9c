package nodelifecycle

import (
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	nodetopology "k8s.io/component-helpers/node/topology"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// health is what the monitor remembers of a node (nodeHealthData).
type health struct {
	registered bool        // it is in the set of known nodes
	uid        types.UID   `state:"id"`
	probe      engine.Time `state:"incidental" why:"due follows from it"` // when there was last a sign of life
	saved      bool        // there is an entry at all
	// The saved Ready condition.
	hasReady              bool
	status                corev1.ConditionStatus
	heartbeat, transition metav1.Time
	lease                 *coordinationv1.Lease // shared and immutable
	retry                 bool                  // its pods could not all be marked (nodesToRetry)

	due engine.Time `state:"deadline"` // when the silence becomes too long; 0: not known to be silent
	// How the node counts in its zone.
	counted, ready bool
	zone           string
}

// save takes over the Ready condition.
func (h *health) save(node *corev1.Node) {
	ready := nodeCondition(&node.Status, corev1.NodeReady)
	if h.hasReady = ready != nil; h.hasReady {
		h.status, h.heartbeat, h.transition = ready.Status, ready.LastHeartbeatTime, ready.LastTransitionTime
	} else {
		h.status, h.heartbeat, h.transition = "", metav1.Time{}, metav1.Time{}
	}
}

// healthMemo is where the check of a node stands.
type healthMemo struct {
	stage    healthStage
	node     *corev1.Node          // as read; what the check changes, it changes in a copy
	observed corev1.NodeCondition  // Ready, as read
	current  *corev1.NodeCondition // Ready, as it is by now
	tries    int
	swap     swap
	then     []corev1.Taint // to be removed after the swap
	pods     podMemo
}

type healthStage uint8

const (
	checking     healthStage = iota
	askingLease              // whether it is as old as the watch says
	writingState             // the conditions are Unknown now
	readingAgain             // the node, after a conflict
	swapping                 // taints
	marking                  // pods
)

// healthSync is what a pass of the monitor does about one node (updateNodeFunc of
// monitorNodeHealth). It never fails as a whole: the next pass comes.
type healthSync struct{ c *Controller }

// tries is how often the health of a node is updated before it is left to the next
// pass (NodeHealthUpdateRetry, and the attempt that comes at once).
const tries = 6

// Step implements controller.Machine. Besides the requests it changes what the
// controller remembers of the node, as upstream's does.
func (s healthSync) Step(v controller.View, name string, m healthMemo, results [][]apiserver.Result) (controller.Plan, healthMemo) {
	switch m.stage {
	case checking:
		if m.node = v.Node(name); m.node == nil {
			return controller.Plan{}, m
		}
		return s.check(v, m)
	case askingLease:
		res := results[0][0]
		h := s.c.health[name]
		known := ""
		if h.lease != nil {
			known = h.lease.ResourceVersion
		}
		switch {
		case res.Err == nil && res.Object.GetResourceVersion() != known, res.Err != nil && !apierrors.IsNotFound(res.Err):
			s.c.again(name) // NodeControllerLeaseCircuitBreaker
			return controller.Plan{}, m
		}
		return s.silent(v, m)
	case writingState:
		if results[0][0].Err == nil {
			h := s.c.health[name]
			h.save(m.node)
			h.lease = leaseOf(v, name)
			s.c.setHealth(name, h)
			return s.judge(v, m)
		}
		if m.tries++; m.tries >= tries {
			s.c.again(name)
			return controller.Plan{}, m
		}
		m.stage = readingAgain
		return controller.Send(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Node, Key: apiserver.Key{Name: name}}), m
	case readingAgain:
		if results[0][0].Err != nil {
			s.c.again(name)
			return controller.Plan{}, m
		}
		m.node = results[0][0].Object.(*corev1.Node)
		return s.check(v, m)
	case swapping:
		return s.swap(v, m, results)
	}
	return s.mark(v, m, results)
}

// check looks for signs of life (N1, tryUpdateNodeHealth).
func (s healthSync) check(v controller.View, m healthMemo) (controller.Plan, healthMemo) {
	name, now := m.node.Name, v.Now()
	h := s.c.health[name]
	m.current = nodeCondition(&m.node.Status, corev1.NodeReady)
	grace := s.c.cfg.NodeMonitorGracePeriod
	if m.current == nil {
		m.observed = corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionUnknown,
			LastHeartbeatTime: m.node.CreationTimestamp, LastTransitionTime: m.node.CreationTimestamp}
		grace = s.c.cfg.NodeStartupGracePeriod
		if !h.saved {
			h.probe = apiserver.VirtualTime(m.node.CreationTimestamp.Time)
			h.saved = true
		}
		h.save(m.node)
	} else {
		m.observed = *m.current
	}
	saved := h.lease
	switch ready := m.current; {
	case !h.saved, !h.hasReady && ready != nil:
		h.saved, h.probe, h.lease = true, now, nil
		h.save(m.node)
	case ready != nil && !h.heartbeat.Equal(&ready.LastHeartbeatTime):
		h.probe, h.lease = now, nil
		h.save(m.node)
	}
	observed := leaseOf(v, name)
	last, computed, goesOn := renewal(v, name)
	switch {
	case computed: // the pass that came first after the renewal has seen it
		h.lease = observed
		h.probe = max(h.probe, min(gridAfter(s.c.anchor, s.c.tick(v), last), now))
	case observed != nil && (saved == nil || saved.Spec.RenewTime.Before(observed.Spec.RenewTime)):
		h.lease, h.probe = observed, now
	case observed != nil && h.lease == nil:
		s.c.again(name) // the next pass takes it for a new one
	}
	h.due = 0
	expired := grace >= 0 && now > h.probe.Add(grace)
	if !expired && !goesOn && grace >= 0 {
		h.due = h.probe.Add(grace) + 1
	}
	s.c.setHealth(name, h)
	if expired && !goesOn {
		m.stage = askingLease
		return controller.Send(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Lease,
			Key: leaseKey(name)}), m
	}
	return s.judge(v, m)
}

// silent has a node whose signs of life are too old say so.
func (s healthSync) silent(v controller.View, m healthMemo) (controller.Plan, healthMemo) {
	next := *m.node
	next.Status.Conditions = slices.Clone(next.Status.Conditions)
	now := apiserver.Stamp(v.Now())
	for _, t := range []corev1.NodeConditionType{corev1.NodeReady, corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure} {
		switch c := nodeCondition(&next.Status, t); {
		case c == nil:
			next.Status.Conditions = append(next.Status.Conditions, corev1.NodeCondition{
				Type: t, Status: corev1.ConditionUnknown, Reason: "NodeStatusNeverUpdated", Message: "Kubelet never posted node status.",
				LastHeartbeatTime: m.node.CreationTimestamp, LastTransitionTime: now})
		case c.Status != corev1.ConditionUnknown:
			c.Status, c.Reason, c.Message, c.LastTransitionTime = corev1.ConditionUnknown, "NodeStatusUnknown", "Kubelet stopped posting node status.", now
		}
	}
	m.current = nodeCondition(&next.Status, corev1.NodeReady)
	m.node = &next
	if *m.current == m.observed {
		return s.judge(v, m)
	}
	m.stage = writingState
	return controller.Send(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status,
		Kind: apiserver.Node, Key: apiserver.Key{Name: next.Name}, Object: &next}), m
}

// judge counts the node in its zone and has its taints follow its condition
// (processTaintBaseEviction).
func (s healthSync) judge(v controller.View, m healthMemo) (controller.Plan, healthMemo) {
	s.c.count(v, m.node, m.current)
	if m.current == nil {
		return s.end(m)
	}
	m.stage = swapping
	switch m.current.Status {
	case corev1.ConditionFalse:
		if has(m.node, unreachable) {
			m.swap = swapped(v, m.node, []corev1.Taint{notReady}, []corev1.Taint{unreachable})
		} else {
			s.c.markForTainting(v, m.node, notReady)
		}
	case corev1.ConditionUnknown:
		if has(m.node, notReady) {
			m.swap = swapped(v, m.node, []corev1.Taint{unreachable}, []corev1.Taint{notReady})
		} else {
			s.c.markForTainting(v, m.node, unreachable)
		}
	case corev1.ConditionTrue: // markNodeAsReachable
		m.swap = swapped(v, m.node, nil, []corev1.Taint{unreachable})
		m.then = []corev1.Taint{notReady}
	}
	return s.swap(v, m, nil)
}

// swap goes on with the taints.
func (s healthSync) swap(v controller.View, m healthMemo, results [][]apiserver.Result) (controller.Plan, healthMemo) {
	for {
		req, err := m.swap.next(results)
		switch {
		case err != nil:
			s.c.again(m.node.Name)
			return s.startMarking(v, m)
		case req != nil:
			return controller.Send(req...), m
		case m.then == nil:
			if m.current.Status == corev1.ConditionTrue {
				delete(s.c.zoneOf(m.node, v.Now()).queue, m.node.Name)
			}
			return s.startMarking(v, m)
		}
		m.swap, m.then, results = swapped(v, m.node, nil, m.then), nil, nil
	}
}

// startMarking has the pods of a node that has just fallen silent say that they
// are not ready (N2), or those that could not be told before.
func (s healthSync) startMarking(v controller.View, m healthMemo) (controller.Plan, healthMemo) {
	h := s.c.health[m.node.Name]
	fell := m.current.Status != corev1.ConditionTrue && m.observed.Status == corev1.ConditionTrue
	if !fell && !(h.retry && m.observed.Status != corev1.ConditionTrue) {
		return s.end(m)
	}
	m.stage = marking
	m.pods = podMemo{node: m.node.Name, pods: podsOn(v, m.node.Name)}
	plan, next := s.mark(v, m, nil)
	if fell {
		note := aboutNode(m.node.Name, m.node.UID, "NodeNotReady", "Node "+m.node.Name+" status is now: NodeNotReady")
		plan.Notes = append([]controller.Note{note}, plan.Notes...)
	}
	return plan, next
}

// mark goes on with the pods.
func (s healthSync) mark(v controller.View, m healthMemo, results [][]apiserver.Result) (controller.Plan, healthMemo) {
	var plan controller.Plan
	plan, m.pods = m.pods.next(v, results)
	if len(plan.Chains) > 0 {
		return plan, m
	}
	h := s.c.health[m.node.Name]
	if h.retry = m.pods.err != nil; h.retry {
		s.c.again(m.node.Name)
	}
	s.c.setHealth(m.node.Name, h)
	return controller.Plan{Notes: plan.Notes}, m
}

// end ends the check of a node that has nothing to be retried.
func (s healthSync) end(m healthMemo) (controller.Plan, healthMemo) {
	if h := s.c.health[m.node.Name]; h.retry {
		h.retry = false
		s.c.setHealth(m.node.Name, h)
	}
	return controller.Plan{}, m
}

// count has a node count in its zone by its condition.
func (c *Controller) count(v controller.View, node *corev1.Node, ready *corev1.NodeCondition) {
	c.uncount(node.Name)
	if isExcluded(node) {
		return
	}
	h := c.health[node.Name]
	h.counted, h.zone, h.ready = true, nodetopology.GetZoneKey(node), ready != nil && ready.Status == corev1.ConditionTrue
	z := c.zoneOf(node, v.Now())
	if h.ready {
		z.ready++
	} else {
		z.notReady++
	}
	c.health[node.Name] = h
}

func (c *Controller) uncount(name string) {
	h := c.health[name]
	if !h.counted {
		return
	}
	if z := c.zones[h.zone]; h.ready {
		z.ready--
	} else {
		z.notReady--
	}
	h.counted = false
	c.health[name] = h
}

// setHealth stores what is remembered of a node, and counts those that are not
// ready.
func (c *Controller) setHealth(name string, h health) {
	sick := func(h health) int {
		if h.registered && h.hasReady && h.status != corev1.ConditionTrue {
			return 1
		}
		return 0
	}
	was := c.sick
	c.sick += sick(h) - sick(c.health[name])
	c.fellSick = c.fellSick || was == 0 && c.sick > 0
	if c.health[name] = h; h.due != 0 {
		c.due[name] = h.due
	} else {
		delete(c.due, name)
	}
}

// again has the next pass look at a node.
func (c *Controller) again(name string) { c.attention[name] = true }

// tick is the time from one pass of the monitor to the next: the period, and what
// a pass takes that finds nothing to do.
func (c *Controller) tick(v controller.View) time.Duration { return c.cfg.NodeMonitorPeriod + c.takes }

func leaseKey(node string) apiserver.Key {
	return apiserver.Key{Namespace: corev1.NamespaceNodeLease, Name: node}
}

func leaseOf(v controller.View, node string) *coordinationv1.Lease {
	l, _ := v.Get(apiserver.Lease, leaseKey(node)).(*coordinationv1.Lease)
	return l
}
