package podgc

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const (
	// period is how often upstream looks (gcCheckPeriod).
	period = 20 * time.Second
	// quarantine is how long a node has to be missing (quarantineTime).
	quarantine = 40 * time.Second
	// DefaultThreshold is how many pods that have ended may be there
	// (--terminated-pod-gc-threshold).
	DefaultThreshold = 12500
)

// What tells apart the controller's wake-ups and tokens, in the top byte.
const (
	looks = iota + 1
	ticks
)

// Controller is the pod garbage collector. Use New.
type Controller struct {
	threshold int
	look      controller.Workers[struct{}, memo]
	nodes     map[string]bool        // that exist
	missing   map[string]quarantined // nodes that are missed, and when their quarantine ends
	ended     map[apiserver.Key]bool // pods that have ended
	needed    bool                   // there is something to look at
	again     engine.Class           // what the next look would be
	anchored  bool
	anchor    engine.Time `state:"incidental" why:"the phase of ticks is a latency"` // of the ticks
	at        engine.Time `state:"deadline"`                                         // of the next look
	began     engine.Time `state:"incidental" why:"it is now"`                       // the tick of the current look
}

// quarantined is a node that is missed.
type quarantined struct {
	until engine.Time `state:"deadline"`
}

var _ controller.Selective = (*Controller)(nil)

// New returns a collector that has seen nothing yet. Up to threshold pods that
// have ended are left alone; 0 means DefaultThreshold, and a negative number that
// all are.
func New(threshold int) *Controller {
	if threshold == 0 {
		threshold = DefaultThreshold
	}
	c := &Controller{threshold: threshold, nodes: map[string]bool{}, missing: map[string]quarantined{}, ended: map[apiserver.Key]bool{}, at: -1}
	c.look.ID, c.look.Count = looks, 1
	return c
}

// Name implements controller.Actor.
func (*Controller) Name() string { return "pod-garbage-collector" }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.Node, apiserver.Pod} }

// Heeds implements controller.Selective.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	switch obj := rec.Object.(type) {
	case *corev1.Node:
		old, _ := rec.Old.(*corev1.Node)
		return rec.Type == watch.Deleted || old == nil || isOut(obj) && !isOut(old)
	case *corev1.Pod:
		old, _ := rec.Old.(*corev1.Pod)
		switch {
		case rec.Type == watch.Deleted:
			return isEnded(obj)
		case isEnded(obj) && (old == nil || !isEnded(old)),
			obj.DeletionTimestamp != nil && (old == nil || old.DeletionTimestamp == nil):
			return true
		}
		node := obj.Spec.NodeName
		return node != "" && (old == nil || old.Spec.NodeName == "") && !c.nodes[node]
	}
	return false
}

// isOut reports whether a node is out of service: it has the taint and is not
// ready.
func isOut(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeOutOfService }) &&
		!slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
}

// isEnded reports whether a pod has ended (isPodTerminated).
func isEnded(pod *corev1.Pod) bool {
	switch pod.Status.Phase {
	case corev1.PodPending, corev1.PodRunning, corev1.PodUnknown:
		return false
	}
	return true
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *corev1.Node:
		if rec.Type == watch.Deleted {
			delete(c.nodes, obj.Name)
		} else {
			c.nodes[obj.Name] = true
		}
		if rec.Type == watch.Deleted || isOut(obj) {
			c.need(env)
		} else if rec.Type == watch.Added {
			env.Reheed(apiserver.Pod)
		}
	case *corev1.Pod:
		if isEnded(obj) && rec.Type != watch.Deleted {
			c.ended[rec.Key] = true
		} else {
			delete(c.ended, rec.Key)
		}
		if c.concerns(env, rec, obj) {
			c.need(env)
		}
	}
}

// concerns reports whether a look would find something because of a pod.
func (c *Controller) concerns(env *controller.Env, rec *apiserver.Record, pod *corev1.Pod) bool {
	if rec.Type == watch.Deleted {
		return false
	}
	node := pod.Spec.NodeName
	if pod.DeletionTimestamp != nil {
		if node == "" {
			return true
		}
		if obj := env.Node(node); obj != nil && isOut(obj) {
			return true
		}
	}
	return node != "" && !c.nodes[node] || c.threshold > 0 && len(c.ended) > c.threshold
}

// need has the next tick be one.
func (c *Controller) need(env *controller.Env) {
	c.needed, c.again = true, engine.Progress
	c.arm(env)
}

// arm sets the wake-up for the next tick, if it is needed.
func (c *Controller) arm(env *controller.Env) {
	if !c.needed || !c.look.Idle() || c.at >= env.Now() {
		return
	}
	if !c.anchored { // it has run for long
		c.anchored = true
		c.anchor = env.Now().Add(-env.Span("podgc/tick", 0, controller.Range{Max: period - 1}))
	}
	n := env.Now().Sub(c.anchor) / period
	if c.at = c.anchor.Add(n * period); c.at <= env.Now() {
		c.at = c.at.Add(period)
	}
	env.WakeAt(c.at, c.again, ticks<<56)
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	if c.look.Owns(arg) {
		c.look.Wake(env, looker{c}, arg)
		c.arm(env)
		return
	}
	if env.Now() == c.at && c.needed {
		c.at, c.began, c.needed = -1, c.at, false
		c.look.Add(env, struct{}{})
	}
}

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.look.Respond(env, looker{c}, token, res)
	c.arm(env)
}

// Waiting implements controller.Actor: the nodes that are missed.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for node := range c.missing { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.Node, Key: apiserver.Key{Name: node}, Reason: "pods are on this node, which does not exist"})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}
