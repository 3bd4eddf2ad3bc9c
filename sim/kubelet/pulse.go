package kubelet

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Leases (N1): a kubelet renews its node's each quarter of leaseDuration, and up
// to 4 % later (NewController of component-helpers' lease; renewIntervalFraction).
const (
	leaseDuration = 40 * time.Second
	renewInterval = leaseDuration / 4
	renewJitter   = 4 // percent
	// statusFrequency is how often a kubelet looks whether the status of its
	// Node is what it should be (nodeStatusUpdateFrequency).
	statusFrequency = 10 * time.Second
	// ensureBackoff is the longest pause between two attempts at a Lease
	// (maxBackoff).
	ensureBackoff = 7 * time.Second
)

// pulse is the renewals of a node's Lease for as long as nothing hinders them.
// They are computed, not made: a renewal that nobody misses changes nothing. What
// the API stores is the first of them, and the last once they stop.
type pulse struct {
	known bool          // there has been a renewal
	beats bool          // they go on
	first engine.Time   `state:"incidental" why:"which renewal is the last one is a latency"`
	last  engine.Time   `state:"incidental" why:"the Lease says so, too"` // when beats is false
	every time.Duration `state:"incidental" why:"a latency"`
	seed  uint64        `state:"incidental" why:"a latency"`
}

// begin has a pulse go on from a renewal at a time.
func (p *pulse) begin(env *controller.Env, node engine.Key, first engine.Time) {
	*p = pulse{known: true, beats: true, first: first,
		every: env.Span("kubelet/renewal", node, controller.Range{Min: renewInterval, Max: renewInterval + renewInterval*renewJitter/100}),
		seed:  uint64(env.Span("kubelet/renewals", node, controller.Range{Max: 1<<63 - 1}))}
}

// before returns the last renewal up to a time. The renewals have a constant mean
// distance, and each is off by so much that every distance is a legal one.
func (p *pulse) before(now engine.Time) engine.Time {
	if !p.beats {
		return p.last
	}
	n := now.Sub(p.first) / p.every
	for ; n > 0; n-- {
		if at := p.at(int64(n)); at <= now {
			return at
		}
	}
	return p.first
}

// at returns the nth renewal.
func (p *pulse) at(n int64) engine.Time {
	at := p.first.Add(time.Duration(n) * p.every)
	off := min(p.every-renewInterval, renewInterval+renewInterval*renewJitter/100-p.every) / 2
	if n == 0 || off <= 0 {
		return at
	}
	return at.Add(time.Duration(state.Blend(p.seed, uint64(n))%uint64(2*off+1)) - off)
}

// LastRenewal returns when a node's Lease was renewed last, up to now, and
// whether the renewals go on. None is known of a node without a kubelet.
func (w *World) LastRenewal(node string, now engine.Time) (last engine.Time, known, goesOn bool) {
	i, ok := w.numbers[node]
	if !ok || !w.machines[i].pulse.known {
		return 0, false, false
	}
	p := &w.machines[i].pulse
	return p.before(now), true, p.beats
}

// stopPulse ends the renewals of a kubelet's Lease.
func (k *Kubelet) stopPulse(env *controller.Env) {
	m := k.machine(env.World().(*World))
	if m.pulse.beats {
		m.pulse.last = m.pulse.before(env.Now())
		m.pulse.beats = false
	}
}
