package nodelifecycle

import (
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	nodetopology "k8s.io/component-helpers/node/topology"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Config is upstream's, by upstream's names (kube-controller-manager's flags). Zero
// values are upstream's defaults; a negative rate or threshold is zero, and a
// negative grace period has no end.
type Config struct {
	NodeMonitorPeriod         time.Duration // 5 s
	NodeMonitorGracePeriod    time.Duration // 50 s
	NodeStartupGracePeriod    time.Duration // 60 s
	NodeEvictionRate          float32       // 0.1 nodes a second
	SecondaryNodeEvictionRate float32       // 0.01
	LargeClusterSizeThreshold int32         // 50
	UnhealthyZoneThreshold    float32       // 0.55
	// Known are nodes that the controller has known for long when it first sees
	// them, healthy: it says nothing about them.
	Known []string
}

func (cfg Config) withDefaults() Config {
	span := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	span(&cfg.NodeMonitorPeriod, 5*time.Second)
	cfg.NodeMonitorPeriod = max(cfg.NodeMonitorPeriod, time.Millisecond)
	span(&cfg.NodeMonitorGracePeriod, 50*time.Second)
	span(&cfg.NodeStartupGracePeriod, 60*time.Second)
	rate := func(r *float32, v float32) {
		if *r == 0 {
			*r = v
		}
		*r = max(*r, 0)
	}
	rate(&cfg.NodeEvictionRate, 0.1)
	rate(&cfg.SecondaryNodeEvictionRate, 0.01)
	rate(&cfg.UnhealthyZoneThreshold, 0.55)
	if cfg.LargeClusterSizeThreshold == 0 {
		cfg.LargeClusterSizeThreshold = 50
	}
	return cfg
}

// Heartbeats says when nodes renewed their Leases, for renewals that are computed
// and not written. A World that has the method is asked.
type Heartbeats interface {
	// LastRenewal returns the last renewal up to now and whether they go on; not
	// known means that the Lease in the API is all there is.
	LastRenewal(node string, now engine.Time) (last engine.Time, known, goesOn bool)
}

// What tells apart the controller's wake-ups and tokens, in the top byte.
const (
	updateQueue = iota + 1
	healthQueue
	reachQueue
	taintQueue
	podQueue
	wakeTick
	wakeTaint
)

// Controller is the node lifecycle controller. Use New.
type Controller struct {
	cfg   Config
	known map[string]seen // of cfg.Known, what has been seen of them

	updates   controller.Workers[string, updateMemo]
	checks    controller.Workers[string, healthMemo]
	reaches   controller.Workers[string, reachMemo]
	noExecute controller.Workers[zoned, swap]
	pods      controller.Workers[apiserver.Key, podMemo]

	health map[string]health
	due    map[string]engine.Time `state:"incidental" why:"an index"` // of the health that has one
	zones  map[string]*zone
	// sick counts the nodes whose saved condition is not ready: while there is
	// none, no pod is heeded.
	sick int

	fellSick bool // since the last settle

	anchored    bool
	takes       time.Duration `state:"incidental" why:"a latency"`                       // a pass that finds nothing to do
	anchor      engine.Time   `state:"incidental" why:"the phase of ticks is a latency"` // of the monitor's ticks
	taintAnchor engine.Time   `state:"incidental" why:"the phase of ticks is a latency"`
	pass        pass
	attention   map[string]bool // nodes that the next pass has to look at
	tickAt      engine.Time     `state:"deadline"` // of the wake-up for the next pass
	earliest    engine.Time     `state:"deadline"` // there is no other pass at the tick of the last one
	taintAt     engine.Time     `state:"deadline"`
	taintBusy   bool            // a node is being tainted
	tainted     bool            // one has been
}

var (
	_ controller.Selective = (*Controller)(nil)
	_ controller.Reporter  = (*Controller)(nil)
)

// New returns a controller that has seen nothing yet.
func New(cfg Config) *Controller {
	c := &Controller{cfg: cfg.withDefaults(), known: map[string]seen{}, health: map[string]health{},
		due:   map[string]engine.Time{},
		zones: map[string]*zone{}, attention: map[string]bool{}, tickAt: -1, taintAt: -1}
	for _, name := range cfg.Known {
		c.known[name] = 0
	}
	c.updates.ID, c.updates.Count = updateQueue, 8 // nodeUpdateWorkerSize
	c.checks.ID, c.checks.Count = healthQueue, 8
	c.reaches.ID, c.reaches.Count = reachQueue, 1
	c.noExecute.ID, c.noExecute.Count = taintQueue, 1
	c.pods.ID, c.pods.Count = podQueue, 4 // podUpdateWorkerSize
	return c
}

// Name implements controller.Actor.
func (*Controller) Name() string { return "node-controller" }

// EventSource implements controller.Reporter.
func (*Controller) EventSource() string { return "node-controller" }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.Node, apiserver.Lease, apiserver.Pod}
}

// Heeds implements controller.Selective: pods when they get to a node, while a
// node is not ready.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	pod, ok := rec.Object.(*corev1.Pod)
	return !ok || c.sick > 0 && rec.Type != watch.Deleted && pod.Spec.NodeName != "" && !wasOn(rec.Old, pod.Spec.NodeName)
}

func wasOn(old apiserver.Object, node string) bool {
	pod, ok := old.(*corev1.Pod)
	return ok && pod.Spec.NodeName == node
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	c.start(env)
	switch obj := rec.Object.(type) {
	case *corev1.Node:
		c.observeNode(env, rec, obj)
	case *coordinationv1.Lease:
		switch name := rec.Key.Name; {
		case rec.Key.Namespace != corev1.NamespaceNodeLease || rec.Type == watch.Deleted:
		case c.isKnown(name, lease):
			if h, ok := c.health[name]; ok {
				h.lease = obj
				c.health[name] = h
			}
		case !c.isAlive(env.View, name):
			c.need(env, name)
		}
	case *corev1.Pod: // podUpdated
		c.pods.Add(env, rec.Key)
	}
}

// observeNode has the node's taints looked at, and its health by the next pass of
// the monitor if that would find anything new.
func (c *Controller) observeNode(env *controller.Env, rec *apiserver.Record, node *corev1.Node) {
	if rec.Type == watch.Deleted {
		h := c.health[node.Name]
		h.retry = false
		c.health[node.Name] = h
		c.need(env, node.Name)
		return
	}
	if c.isKnown(node.Name, object) {
		c.adopt(env, node)
		if has(node, unreachable) || has(node, notReady) {
			c.need(env, node.Name) // it has just come back
		}
	} else if old, ok := rec.Old.(*corev1.Node); !ok || concerns(old, node) {
		c.need(env, node.Name)
	}
	if add, remove := noSchedule(node); len(add)+len(remove) > 0 || len(lacking(node)) > 0 {
		c.updates.Add(env, node.Name)
	}
}

// concerns reports whether a change of a node is one that the monitor looks at.
func concerns(old, node *corev1.Node) bool {
	if old.UID != node.UID || isExcluded(old) != isExcluded(node) || nodetopology.GetZoneKey(old) != nodetopology.GetZoneKey(node) ||
		has(old, unreachable) != has(node, unreachable) || has(old, notReady) != has(node, notReady) {
		return true
	}
	a, b := nodeCondition(&old.Status, corev1.NodeReady), nodeCondition(&node.Status, corev1.NodeReady)
	return (a == nil) != (b == nil) || a != nil && (a.Status != b.Status || !a.LastHeartbeatTime.Equal(&b.LastHeartbeatTime))
}

// seen is what has been seen of a node that has been known for long.
type seen uint8

const (
	object seen = 1 << iota
	lease
)

// isKnown reports whether a node has been known for long, and its object or Lease
// is seen now for the first time.
func (c *Controller) isKnown(name string, what seen) bool {
	s, ok := c.known[name]
	if !ok || s&what != 0 {
		return false
	}
	if c.known[name] = s | what; s|what == object|lease {
		delete(c.known, name)
	}
	return true
}

// isAlive reports whether a node renews its Lease, without writing it.
func (c *Controller) isAlive(v controller.View, name string) bool {
	_, _, goesOn := renewal(v, name)
	return goesOn
}

// renewal asks the world for a node's last computed renewal.
func renewal(v controller.View, name string) (last engine.Time, known, goesOn bool) {
	if h, ok := v.Outside().(Heartbeats); ok {
		return h.LastRenewal(name, v.Now())
	}
	return 0, false, false
}

// adopt takes a node as one that has been known for long.
func (c *Controller) adopt(env *controller.Env, node *corev1.Node) {
	h := health{registered: true, uid: node.UID, saved: true, probe: env.Now().Add(-max(c.cfg.NodeMonitorGracePeriod, 0)),
		lease: leaseOf(env.View, node.Name)}
	h.save(node)
	if !isExcluded(node) {
		h.counted, h.zone, h.ready = true, nodetopology.GetZoneKey(node), h.status == corev1.ConditionTrue
	}
	c.health[node.Name] = h
	z := c.zoneOf(node, env.Now())
	z.state = normal
	if h.counted && h.ready {
		z.ready++
	} else if h.counted {
		z.notReady++
	}
}

// start begins the controller's ticks, which are at any phase.
func (c *Controller) start(env *controller.Env) {
	if c.anchored {
		return
	}
	c.anchored = true
	phase := func(concern engine.Concern, period time.Duration) time.Duration {
		return env.Span(concern, 0, controller.Range{Max: period - 1})
	}
	if len(c.known) > 0 { // it has run for long
		c.anchor = env.Now().Add(-phase("nodelifecycle/monitor", c.cfg.NodeMonitorPeriod))
	} else {
		c.anchor = env.Now()
	}
	c.takes = env.Span("nodelifecycle/pass", 0, controller.Range{Min: 50 * time.Microsecond, Max: time.Millisecond})
	c.taintAnchor = env.Now().Add(-phase("nodelifecycle/taints", taintPeriod))
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	switch uint8(arg >> 56) {
	case wakeTick:
		if env.Now() == c.tickAt {
			c.tickAt = -1
			c.begin(env)
		}
	case wakeTaint:
		if env.Now() == c.taintAt && !c.taintBusy {
			c.taintPass(env)
		}
	case updateQueue:
		c.updates.Wake(env, updateSync{}, arg)
	case healthQueue:
		c.checks.Wake(env, healthSync{c}, arg)
	case reachQueue:
		c.reaches.Wake(env, reachSync{c}, arg)
	case taintQueue:
		c.noExecute.Wake(env, taintSync{c}, arg)
	case podQueue:
		c.pods.Wake(env, podSync{c}, arg)
	}
	c.settle(env)
}

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	switch uint8(token >> 56) {
	case updateQueue:
		c.updates.Respond(env, updateSync{}, token, res)
	case healthQueue:
		c.checks.Respond(env, healthSync{c}, token, res)
	case reachQueue:
		c.reaches.Respond(env, reachSync{c}, token, res)
	case taintQueue:
		c.noExecute.Respond(env, taintSync{c}, token, res)
	case podQueue:
		c.pods.Respond(env, podSync{c}, token, res)
	}
	c.settle(env)
}

// settle goes on with what the syncs have ended.
func (c *Controller) settle(env *controller.Env) {
	if c.tainted { // Try goes on with the queue
		c.tainted, c.taintBusy = false, !c.noExecute.Idle()
		if !c.taintBusy {
			c.taintPass(env)
		}
	}
	if c.fellSick {
		c.fellSick = false
		env.Reheed(apiserver.Pod)
	}
	c.conclude(env)
	c.armTick(env)
	c.armTaint(env)
}

// Waiting implements controller.Actor.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for key, err := range c.pods.Failing() { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: key, Reason: err})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}

func nodeCondition(st *corev1.NodeStatus, t corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range st.Conditions {
		if st.Conditions[i].Type == t {
			return &st.Conditions[i]
		}
	}
	return nil
}

// aboutNode is an Event about a node.
func aboutNode(name string, uid types.UID, reason, message string) controller.Note {
	about := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: uid}}
	return controller.Note{About: about, Type: corev1.EventTypeNormal, Reason: reason, Message: message}
}
