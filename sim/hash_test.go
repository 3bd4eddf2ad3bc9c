package sim_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// TestHashOfSeeds: a settled set has one hash for each way in which its pods can be
// placed, whatever else the seed decides: latencies, UIDs, generated names.
func TestHashOfSeeds(t *testing.T) {
	states, places := map[uint64]*sim.Cluster{}, map[string]uint64{}
	for seed := range uint64(40) {
		c := sim.New(sim.Config{Seed: seed, Provision: true})
		apply(t, c, fastClass, parallelSet("web", 3))
		settle(t, c)
		require.NoError(t, c.Run(3*time.Minute)) // timers that were set in vain are over
		place := ""
		for _, p := range c.Processes() {
			place += p.Pod.Name + "@" + p.Node + " "
		}
		if known, ok := places[place]; ok && !assert.Equal(t, known, c.Hash(), "seed %d: %s:\n%s", seed, place, unlike(states[known], c)) {
			return
		}
		places[place] = c.Hash()
		states[c.Hash()] = c
	}
	assert.Len(t, states, len(places))
	assert.Greater(t, len(places), 3)
}

// TestEveryFieldCounts: what of a cluster's memory does not count for the Hash says
// why. It looks at a cluster in the middle of things, since types are found by
// what there is.
func TestEveryFieldCounts(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	for n := 0; n < 1400; n += 20 {
		forkStory(t, c, n, n+20)
		if bad := c.Undeclared(); !assert.Empty(t, bad) {
			return
		}
	}
}

func BenchmarkForkEventHash(b *testing.B) {
	c := sim.New(sim.Config{Provision: true})
	apply(b, c, fastClass, parallelSet("web", 3))
	for range 150 {
		c.Step()
	}
	c.Hash()
	b.ReportAllocs()
	for b.Loop() {
		f := c.Fork()
		f.Step()
		f.Hash()
	}
}

// TestEqualHashEqualFuture: clusters that came to one Hash in different ways, by
// running what was pending in an order drawn at random, write equal histories from
// there on when all choices are answered alike.
func TestEqualHashEqualFuture(t *testing.T) {
	for name, build := range map[string]func(c *sim.Cluster){ // each on its own
		"start": func(c *sim.Cluster) { apply(t, c, parallelSet("web", 2)) },
		"scale down": func(c *sim.Cluster) {
			apply(t, c, parallelSet("web", 3))
			settle(t, c)
			require.NoError(t, c.Scale("", "web", 1))
		},
		"update": func(c *sim.Cluster) {
			apply(t, c, parallelSet("web", 2))
			settle(t, c)
			require.NoError(t, c.SetImage("", "web", "*", "x:2"))
		},
	} {
		root := sim.New(sim.Config{Provision: true, NoLatency: true, Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}}})
		apply(t, root, fastClass)
		root.Answers(nil)
		build(root)
		type way struct {
			at    *sim.Cluster
			steps int
			seed  uint64
		}
		known, pairs := map[uint64]way{}, 0
		draws := rand.New(rand.NewPCG(1, 2))
		for seed := uint64(0); seed < 60 && pairs < 12; seed++ {
			c := root.Fork()
			for n := range 60 {
				stepAny(c, draws)
				h := c.Hash()
				if k, ok := known[h]; ok && (k.seed != seed) && n%5 == 0 && !sameRecords(k.at, c) {
					pairs++
					a, b := future(k.at), future(c)
					if !assert.Equal(t, a, b, "%s: seed %d, event %d, and seed %d, event %d:\n%s", name, k.seed, k.steps, seed, n, unlike(k.at, c)) {
						return
					}
				} else if !ok {
					known[h] = way{c.Fork(), n, seed}
				}
			}
		}
		assert.Greater(t, pairs, 5, name)
	}
}

// stepAny runs one of the events that are due within a millisecond.
func stepAny(c *sim.Cluster, draws *rand.Rand) {
	e := c.Host().Engine()
	events := e.Events()
	n := 0
	for n < len(events) && events[n].At <= max(events[0].At, e.Now())+engine.Time(time.Millisecond) {
		n++
	}
	if n > 0 {
		c.StepOf(events[draws.IntN(n)].Seq)
	}
}

// sameRecords reports whether the last writes of two clusters are the same.
func sameRecords(a, b *sim.Cluster) bool {
	return a.Host().Server().Version() == b.Host().Server().Version() && a.Now().Equal(b.Now()) && a.Host().Engine().Latest() == b.Host().Engine().Latest()
}

// future returns what a cluster writes from here on, without names.
func future(c *sim.Cluster) []string {
	f := c.Fork()
	began := f.Now()
	var lines []string
	f.OnRecord(func(rec *apiserver.Record) {
		if rec.Kind != apiserver.Event {
			lines = append(lines, fmt.Sprint(apiserver.WallTime(rec.Time).Sub(began), rec.Type, rec.Kind, rec.By, apiserver.Content(rec.Object)))
		}
	})
	for range 400 {
		f.Step()
	}
	return append(lines, fmt.Sprint(f.Hash()))
}
