package sim

import (
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Hash returns a number that is equal for two clusters of one Config in the same
// state, however they came to it, and differs for two whose futures can differ.
// It covers
//
//   - every object of the API but Events;
//   - the nodes' world: processes, files, images, file servers;
//   - what each controller, kubelet and other actor remembers: work queues, syncs
//     under way, back-offs, caches, timers;
//   - what is pending, in its order and relative to now: events, requests under
//     way, and what each watch has still to deliver.
//
// Versions, UIDs, the random ends of generated names, addresses and container IDs
// count by which places have the same one. Stored times count by their age as far
// as a span that some object states, such as minReadySeconds, can make a difference
// of it; generations, restarts and the numbers of revisions count as package state
// says. Everything else counts whose field does not bear the tag
// `state:"incidental"`, with a reason.
//
// Run on under the same choices, two clusters of equal Hash write equal histories,
// but for what does not count. How choices are answered is no part of the state:
// under a seeded strategy the same seed gives two clusters of equal Hash that have
// different pasts different choices.
//
// What an actor of the Config's own holds in memory that package state does not see, in
// a closure or behind a pointer of another module, is not covered.
//
// A Hash costs what has changed since the last one of the same cluster or of the
// one that it was forked from, and a look at every object.
func (c *Cluster) Hash() uint64 {
	defer c.end(c.look("Hash"))
	return c.hash(false)
}

func (c *Cluster) hash(exact bool) uint64 {
	var room [128]state.Part
	parts := c.host.Parts(c.host.Server().Parts(room[:0]))
	now := c.host.Engine().Now()
	return state.Sum(int64(now), apiserver.WallTime(now).UnixNano(), exact, parts)
}

// spell spells out what the Hash covers, for tests.
func (c *Cluster) spell() []string {
	now := c.host.Engine().Now()
	return state.Spell(int64(now), apiserver.WallTime(now).UnixNano(), func(h *state.Hasher) {
		c.host.Server().EachLive(func(rec *apiserver.Record) {
			h.Part(rec.Kind.String(), func() { h.Value(&rec.Object) })
		})
		c.host.HashState(h)
	})
}
