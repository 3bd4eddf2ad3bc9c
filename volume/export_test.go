package volume

import (
	"maps"
	"slices"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Naive is a binder that resyncs as upstream does: everything, every 15 s. It
// is the oracle of the restless.
type Naive struct {
	*Binder
	started bool
}

const wakeNaive = 0xff << 56

func (n *Naive) Observe(env *controller.Env, rec *apiserver.Record) {
	if !n.started {
		n.started = true
		n.schedule(env)
	}
	n.Binder.Observe(env, rec)
}

func (n *Naive) Wake(env *controller.Env, arg uint64) {
	if arg != wakeNaive {
		n.Binder.Wake(env, arg)
		return
	}
	n.tick(env)
	for _, key := range slices.SortedFunc(maps.Keys(n.cache.claims), apiserver.Key.Compare) {
		n.queueClaim(env, key)
	}
	for _, name := range n.cache.volumes.Names() {
		n.queueVolume(env, name)
	}
	n.schedule(env)
}

func (n *Naive) schedule(env *controller.Env) {
	n.resync.armed = true // its own ticks never come
	next := (env.Now()/engine.Time(resyncPeriod) + 1) * engine.Time(resyncPeriod)
	env.WakeAt(next, engine.Retry, wakeNaive)
}
