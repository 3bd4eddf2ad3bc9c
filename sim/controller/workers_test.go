package controller_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// sleeper asks for syncs of each Service after spans.
type sleeper struct {
	namer
	spans map[string][]time.Duration
}

func (s *sleeper) Observe(env *controller.Env, rec *apiserver.Record) {
	for _, d := range s.spans[rec.Key.Name] {
		s.AddAfter(env, rec.Key, d, engine.Progress)
	}
}

func (s *sleeper) Wake(env *controller.Env, arg uint64) { s.Workers.Wake(env, s, arg) }

func (s *sleeper) Step(v controller.View, key apiserver.Key, _ int, _ [][]apiserver.Result) (controller.Plan, int) {
	s.syncs = append(s.syncs, fmt.Sprintf("%v %s", v.Now().Sub(0), key.Name))
	return controller.Plan{}, 0
}

// A key waits for the earliest of its times alone; another key of the same time
// keeps its place; and when the time has come, the key may wait again.
func TestKeyWaitsForItsEarliestTime(t *testing.T) {
	const s = time.Second
	h := newHost(controller.Latency{})
	a := &sleeper{spans: map[string][]time.Duration{"a": {9 * s}, "b": {9 * s, 3 * s, 5 * s}, "c": {9 * s}}}
	h.Add(a)
	for _, name := range []string{"a", "b", "c"} {
		createService(t, h, name)
	}
	run(h)
	assert.Equal(t, []string{"3s b", "9s a", "9s c"}, a.syncs)

	a.spans["b"] = []time.Duration{4 * s}
	createService(t, h, "d") // is not asked for
	h.Do("test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Service, Key: apiserver.Key{Namespace: "default", Name: "b"}})
	run(h)
	assert.Equal(t, []string{"3s b", "9s a", "9s c", "13s b"}, a.syncs)
}

// A copy waits by itself: what it is asked for does not count for the original.
func TestForkedKeyWaitsByItself(t *testing.T) {
	h := newHost(controller.Latency{})
	a := &sleeper{spans: map[string][]time.Duration{"a": {5 * time.Second}}}
	id := h.Add(a)
	key := createService(t, h, "a")
	h.Step() // the record is delivered
	copied := h.Fork()
	copied.Actor(id).(*sleeper).spans = map[string][]time.Duration{"a": {2 * time.Second}}
	copied.Do("test", apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Service, Key: key})
	run(copied)
	run(h)
	assert.Equal(t, []string{"2s a"}, copied.Actor(id).(*sleeper).syncs)
	assert.Equal(t, []string{"5s a"}, h.Actor(id).(*sleeper).syncs)
}
