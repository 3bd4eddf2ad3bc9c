package nodelifecycle

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodetopology "k8s.io/component-helpers/node/topology"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// zoneState is how much of a zone is ill, which sets the rate of its taints (N3,
// ZoneState).
type zoneState uint8

const (
	initial zoneState = iota
	normal
	partialDisruption
	fullDisruption
)

// zone is the nodes of one failure domain, and those of them that wait for a
// NoExecute taint.
type zone struct {
	state zoneState
	// ready and notReady count the nodes that take part in disruption checks.
	ready, notReady int
	// queue holds the nodes that have been put into the queue and not taken out
	// since (UniqueQueue).
	queue   map[string]place
	limiter limiter
}

// place is a node's place in a queue. Upstream puts a node back at each pass of the
// monitor as long as it has not got the taint, which ours does not do: all these are
// behind those that have it, or are gone or in another zone, and keep their places.
type place struct {
	waits bool        // else it has had its turn
	keeps bool        // it had the taint when the monitor came by last
	since engine.Time `state:"rank"` // of one that keeps its place
}

// stateNow is the state that follows from the counts (ComputeZoneState).
func (z *zone) stateNow(threshold float32) zoneState {
	switch {
	case z.ready == 0 && z.notReady > 0:
		return fullDisruption
	case z.notReady > 2 && float32(z.notReady)/float32(z.notReady+z.ready) >= threshold:
		return partialDisruption
	}
	return normal
}

// first lists the nodes of which one is next, sorted: in which order the monitor's
// workers put them into the queue is open.
func (z *zone) first(v controller.View, key string) []string {
	var names []string
	least := engine.Never
	for name, p := range z.queue { // sorted below
		if !p.waits {
			continue
		}
		since := engine.Never
		if node := v.Node(name); p.keeps || node == nil || nodetopology.GetZoneKey(node) != key {
			since = p.since
		}
		if since < least {
			names, least = nil, since
		}
		if since == least {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// limiter is a token bucket with room for one token (flowcontrol's, with
// EvictionRateLimiterBurst), or one that never has any.
type limiter struct {
	qps    float32     // 0: never
	tokens float64     `state:"incidental" why:"counts in HashAlso"`
	at     engine.Time `state:"incidental" why:"counts in HashAlso"`
}

// HashAlso takes in when there is a token.
func (l *limiter) HashAlso(h *state.Hasher) {
	full := *l
	if next := full.next(full.at); next != engine.Never {
		h.Deadline(int64(next))
	}
}

func newLimiter(qps float32, now engine.Time) limiter { return limiter{qps: qps, tokens: 1, at: now} }

func (l *limiter) refill(now engine.Time) {
	l.tokens = min(1, l.tokens+now.Sub(l.at).Seconds()*float64(l.qps))
	l.at = now
}

// take takes a token, if there is one (TryAccept).
func (l *limiter) take(now engine.Time) bool {
	if l.qps <= 0 {
		return false
	}
	if l.refill(now); l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

// next returns when there is a token.
func (l *limiter) next(now engine.Time) engine.Time {
	if l.qps <= 0 {
		return engine.Never
	}
	if l.refill(now); l.tokens >= 1 {
		return now
	}
	return now.Add(time.Duration((1-l.tokens)/float64(l.qps)*float64(time.Second)) + 1)
}

// swapTo changes the rate (SwapLimiter). The bucket is as full as it was: empty,
// if it was empty. The one that never has a token says that its rate is 1, so
// that a change to just this rate does nothing: so it is upstream.
func (l *limiter) swapTo(qps float32, now engine.Time) {
	was := l.qps
	if was <= 0 {
		was = 1
	}
	if was == qps {
		return
	}
	if qps <= 0 {
		*l = limiter{}
		return
	}
	full := l.take(now)
	*l = newLimiter(qps, now)
	if !full {
		l.tokens = 0
	}
}

// zoneOf returns the zone of a node, which it makes if need be: that is seen when
// the monitor comes by (addPodEvictorForNewZone).
func (c *Controller) zoneOf(node *corev1.Node, now engine.Time) *zone {
	key := nodetopology.GetZoneKey(node)
	z := c.zones[key]
	if z == nil {
		z = &zone{queue: map[string]place{}, limiter: newLimiter(c.cfg.NodeEvictionRate, now)}
		c.zones[key] = z
	}
	return z
}

// isExcluded reports whether a node takes no part in disruption checks
// (isNodeExcludedFromDisruptionChecks).
func isExcluded(node *corev1.Node) bool {
	_, ok := node.Labels["node.kubernetes.io/exclude-disruption"]
	return ok
}

// rate is how fast nodes of a zone are tainted in a state (setLimiterInZone).
func (c *Controller) rate(z *zone, state zoneState) float32 {
	if state != partialDisruption {
		return c.cfg.NodeEvictionRate
	}
	if int32(z.ready+z.notReady) > c.cfg.LargeClusterSizeThreshold { // ReducedQPSFunc
		return c.cfg.SecondaryNodeEvictionRate
	}
	return 0
}

// markForTainting puts a node into its zone's queue, anew if it has not got the
// taint yet (markNodeForTainting).
func (c *Controller) markForTainting(env controller.View, node *corev1.Node, taint corev1.Taint) {
	z := c.zoneOf(node, env.Now())
	switch p, ok := z.queue[node.Name]; {
	case !has(node, taint):
		z.queue[node.Name] = place{waits: true}
	case !ok || p.waits && !p.keeps:
		z.queue[node.Name] = place{waits: true, keeps: true, since: env.Now()}
	}
}

// taintPeriod is how often the queues are looked at (NodeEvictionPeriod).
const taintPeriod = 100 * time.Millisecond

// armTaint has the queues looked at when one of them may give a node away: at the
// next of the ticks at which upstream looks.
func (c *Controller) armTaint(env *controller.Env) {
	at := engine.Never
	for _, z := range c.zones { // the least of them
		for _, p := range z.queue { // whether any does
			if p.waits {
				at = min(at, z.limiter.next(env.Now()))
				break
			}
		}
	}
	if at == engine.Never || c.taintBusy {
		return
	}
	at = gridAfter(c.taintAnchor, taintPeriod, max(at, env.Now()))
	if c.taintAt <= env.Now() || at < c.taintAt {
		c.taintAt = at
		env.WakeAt(at, engine.Progress, wakeTaint<<56)
	}
}

// taintPass gives away what the queues' limits allow (doNoExecuteTaintingPass,
// RateLimitedTimedQueue.Try).
func (c *Controller) taintPass(env *controller.Env) {
	for _, key := range slices.Sorted(mapKeys(c.zones)) {
		z := c.zones[key]
		names := z.first(env.View, key)
		if len(names) == 0 || !z.limiter.take(env.Now()) {
			continue
		}
		c.taintBusy = true
		c.noExecute.Add(env, zoned{key, names[env.Choose("nodelifecycle/taint", key, len(names))]})
	}
}

// zoned is a node in the queue of a zone.
type zoned struct{ zone, node string }

// taintSync gives one node its NoExecute taint, in place of the opposite one.
type taintSync struct{ c *Controller }

// Step implements controller.Machine.
func (s taintSync) Step(v controller.View, key zoned, m swap, results [][]apiserver.Result) (controller.Plan, swap) {
	done := func(removed bool) (controller.Plan, swap) {
		if z := s.c.zones[key.zone]; removed && z != nil {
			if p, ok := z.queue[key.node]; ok {
				p.waits = false
				z.queue[key.node] = p
			}
		}
		s.c.tainted = true
		return controller.Plan{}, m
	}
	if results == nil {
		node := v.Node(key.node)
		if node == nil {
			return done(true)
		}
		ready := nodeCondition(&node.Status, corev1.NodeReady)
		switch {
		case ready == nil:
			return done(false)
		case ready.Status == corev1.ConditionFalse:
			m = swapped(v, node, []corev1.Taint{notReady}, []corev1.Taint{unreachable})
		case ready.Status == corev1.ConditionUnknown:
			m = swapped(v, node, []corev1.Taint{unreachable}, []corev1.Taint{notReady})
		default: // it is ready again
			return done(true)
		}
	}
	req, err := m.next(results)
	if req != nil {
		return controller.Send(req...), m
	}
	return done(err == nil)
}

// gridAfter returns the first of the ticks anchor + n·period at or after a time,
// ticks before the anchor included.
func gridAfter(anchor engine.Time, period time.Duration, t engine.Time) engine.Time {
	n := t.Sub(anchor) / period
	at := anchor.Add(n * period)
	for at < t {
		at = at.Add(period)
	}
	for at.Add(-period) >= t {
		at = at.Add(-period)
	}
	return at
}

// mapKeys iterates over the keys of a map, in no order: the caller sorts.
func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m { // the caller sorts
			if !yield(k) {
				return
			}
		}
	}
}
