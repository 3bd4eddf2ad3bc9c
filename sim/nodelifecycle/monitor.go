package nodelifecycle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// pass is a pass of the monitor that is under way (monitorNodeHealth). Upstream's
// looks at every node at each tick; ours at those that have changed or are silent,
// and there is no tick without one.
type pass struct {
	open  bool
	began engine.Time             `state:"incidental" why:"the tick that it was"`
	names []string                // nodes to look at when those that are new are dealt with
	nodes map[string]*corev1.Node // the nodes that it looks at, as they were when it began
	zones bool                    // the nodes are done, and the zones too
}

// need has the next pass look at a node.
func (c *Controller) need(env *controller.Env, name string) {
	c.attention[name] = true
	c.armTick(env)
}

// armTick has the next pass begin that has something to look at.
func (c *Controller) armTick(env *controller.Env) {
	if c.pass.open || !c.anchored {
		return
	}
	at := engine.Never
	if len(c.attention) > 0 {
		at = env.Now()
	}
	for _, due := range c.due { // the least of them
		at = min(at, due)
	}
	if at == engine.Never {
		return
	}
	at = gridAfter(c.anchor, c.tick(env.View), max(at, env.Now(), c.earliest))
	if c.tickAt < env.Now() || at < c.tickAt {
		c.tickAt = at
		env.WakeAt(at, engine.Progress, wakeTick<<56)
	}
}

// begin begins a pass: nodes come and go (classifyNodes), and the others are
// looked at side by side.
func (c *Controller) begin(env *controller.Env) {
	for name, due := range c.due { // a set
		if due <= env.Now() {
			c.attention[name] = true
		}
	}
	names := slices.Sorted(mapKeys(c.attention))
	c.attention = map[string]bool{}
	c.pass, c.earliest = pass{open: true, began: env.Now(), names: names, nodes: map[string]*corev1.Node{}}, env.Now()+1
	for _, name := range names {
		node, h := env.Node(name), c.health[name]
		if node == nil {
			if h.registered {
				env.Note(aboutNode(name, h.uid, "RemovingNode", "Node "+name+" event: Removing Node "+name+" from Controller"))
				c.uncount(name)
				h = c.health[name]
				c.setHealth(name, health{uid: h.uid, probe: h.probe, saved: h.saved, hasReady: h.hasReady, status: h.status,
					heartbeat: h.heartbeat, transition: h.transition, lease: h.lease})
			}
			continue
		}
		c.pass.nodes[name] = node
		c.zoneOf(node, env.Now())
		if !h.registered {
			env.Note(aboutNode(name, node.UID, "RegisteredNode", "Node "+name+" event: Registered Node "+name+" in Controller"))
			h.registered, h.uid = true, node.UID
			c.setHealth(name, h)
			if has(node, unreachable) || has(node, notReady) {
				c.reaches.Add(env, name)
			}
		}
	}
	if c.reaches.Idle() {
		c.check(env)
	}
}

// check has the nodes of a pass looked at.
func (c *Controller) check(env *controller.Env) {
	for _, name := range c.pass.names {
		if env.Node(name) != nil {
			c.checks.Add(env, name)
		}
	}
	c.pass.names = nil
}

// conclude ends a pass whose nodes have all been looked at: the zones follow
// (handleDisruption), and the next pass is a period later.
func (c *Controller) conclude(env *controller.Env) {
	if !c.pass.open || !c.checks.Idle() || !c.reaches.Idle() {
		return
	}
	if c.check(env); !c.checks.Idle() {
		return
	}
	if !c.pass.zones {
		c.pass.zones = true
		if c.disrupt(env); !c.reaches.Idle() {
			return
		}
	}
	if env.Now() != c.pass.began {
		c.anchor = env.Now().Add(c.cfg.NodeMonitorPeriod)
	}
	c.pass = pass{}
}

// disrupt compares the states of the zones with what they were and sets the
// limits.
func (c *Controller) disrupt(env *controller.Env) {
	now := env.Now()
	all, were := true, true
	for key, z := range c.zones { // whether all are
		if z.ready+z.notReady == 0 {
			if z.state = initial; len(z.queue) == 0 {
				delete(c.zones, key)
			}
			continue
		}
		all = all && z.stateNow(c.cfg.UnhealthyZoneThreshold) == fullDisruption
		were = were && z.state == fullDisruption
	}
	if all && were {
		return
	}
	for _, z := range c.zones { // each for itself
		if z.ready+z.notReady == 0 {
			continue
		}
		next := z.stateNow(c.cfg.UnhealthyZoneThreshold)
		switch {
		case all: // nothing is evicted any more
			z.limiter.swapTo(0, now)
			z.state = fullDisruption
		case were || z.state != next:
			z.limiter.swapTo(c.rate(z, next), now)
			z.state = next
		}
	}
	switch {
	case all:
		for _, name := range slices.Sorted(mapKeys(c.health)) {
			if node := env.Node(name); node != nil {
				c.again(name) // which puts it back into its queue
				c.reaches.Add(env, name)
			}
		}
	case were:
		for name, h := range c.health { // each for itself
			if h.registered {
				h.probe = now
				if h.due != 0 { // which it is not without an end of the grace period
					h.due = now.Add(c.cfg.NodeMonitorGracePeriod) + 1
				}
				c.setHealth(name, h)
			}
		}
	}
}

// reachMemo is where the removal of a node's NoExecute taints stands.
type reachMemo struct {
	swap swap
	then []corev1.Taint
	node *corev1.Node
}

// reachSync takes both NoExecute taints off a node, and it out of its queue
// (markNodeAsReachable): those that it had when the pass began. One that this pass
// itself has put in the place of the other stays.
type reachSync struct{ c *Controller }

// Step implements controller.Machine.
func (s reachSync) Step(v controller.View, name string, m reachMemo, results [][]apiserver.Result) (controller.Plan, reachMemo) {
	if results == nil {
		if m.node = v.Node(name); m.node == nil {
			return controller.Plan{}, m
		}
		if before := s.c.pass.nodes[name]; before != nil {
			m.node = before
		}
		m.swap, m.then = swapped(v, m.node, nil, []corev1.Taint{unreachable}), []corev1.Taint{notReady}
	}
	for {
		req, err := m.swap.next(results)
		switch {
		case err != nil:
			return controller.Plan{}, m
		case req != nil:
			return controller.Send(req...), m
		case m.then == nil:
			delete(s.c.zoneOf(m.node, v.Now()).queue, name)
			return controller.Plan{}, m
		}
		m.swap, m.then, results = swapped(v, m.node, nil, m.then), nil, nil
	}
}
