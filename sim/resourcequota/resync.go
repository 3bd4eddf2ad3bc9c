package resourcequota

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const (
	// resyncPeriod is the pace at which upstream counts everything again
	// (ResourceQuotaSyncPeriod).
	resyncPeriod = 5 * time.Minute
	// quiet is how long nothing has to happen in a namespace before its quotas are
	// held against the counts: a write charges a quota before it is seen itself.
	quiet = time.Second
)

// resync stands for that count of everything (enqueueAll): it knows the namespaces
// where the count may differ from what a quota says, and with none of them there is
// no tick.
type resync struct {
	doubtful map[string]bool
	moved    bool        // something was observed since the check was armed
	checks   bool        // a check is pending
	ticks    bool        // a tick is pending
	due      engine.Time // of the pending wake-up for overdue pods; 0 if none is
}

// doubt has the quotas of a namespace held against the counts, when it is quiet.
func (r *resync) doubt(env *controller.Env, c *Controller, namespace string) {
	if r.doubtful[namespace] {
		r.moved = true
		return
	}
	if c.isRight(env, namespace) {
		return
	}
	if r.doubtful == nil {
		r.doubtful = map[string]bool{}
	}
	r.doubtful[namespace] = true
	r.check(env)
}

func (r *resync) check(env *controller.Env) {
	if !r.checks {
		r.checks, r.moved = true, false
		env.WakeAfter(quiet, engine.Progress, checkTimer<<56)
	}
}

// isRight reports whether all quotas of a namespace say what is counted.
func (c *Controller) isRight(env *controller.Env, namespace string) bool {
	s := c.roster.spaces[namespace]
	if s == nil {
		return true
	}
	for name := range s.tallies { // all of them
		if q := find(env.View, apiserver.Key{Namespace: namespace, Name: name}); q != nil && !isCurrent(q, c.used(q)) {
			return false
		}
	}
	return true
}

// expect has the pods of a namespace looked at when they are overdue, which most
// will not live to see.
func (r *resync) expect(env *controller.Env, s *space) {
	at, ok := s.next()
	if !ok {
		return
	}
	if due := apiserver.VirtualTime(at) + 1; r.due == 0 || due < r.due {
		r.due = due
		env.WakeAt(due, engine.Background, dueTimer<<56)
	}
}

func (r *resync) wake(env *controller.Env, c *Controller, timer uint64) {
	switch timer {
	case checkTimer:
		r.checks = false
		if r.judge(env, c); len(r.doubtful) == 0 {
			return
		}
		if r.moved {
			r.checks, r.moved = true, false
			env.WakeAfter(quiet, engine.Progress, checkTimer<<56)
		} else if !r.ticks {
			r.ticks = true
			tick := (env.Now()/engine.Time(resyncPeriod) + 1) * engine.Time(resyncPeriod)
			env.WakeAt(tick, engine.Progress, resyncTimer<<56)
		}
	case resyncTimer:
		r.ticks = false
		r.judge(env, c)
		for _, namespace := range slices.Sorted(maps.Keys(r.doubtful)) {
			for _, name := range slices.Sorted(maps.Keys(c.roster.spaces[namespace].tallies)) {
				c.plain.Add(env, apiserver.Key{Namespace: namespace, Name: name})
			}
		}
		clear(r.doubtful) // what the syncs write is observed
	case dueTimer:
		if env.Now() >= r.due { // and not one that an earlier one has replaced
			r.due = 0
			r.expire(env, c)
		}
	}
}

// judge forgets the doubts that have turned out to be none.
func (r *resync) judge(env *controller.Env, c *Controller) {
	maps.DeleteFunc(r.doubtful, func(namespace string, _ bool) bool { return c.isRight(env, namespace) })
}

// expire counts what overdue pods do not take any more.
func (r *resync) expire(env *controller.Env, c *Controller) {
	now := apiserver.WallTime(env.Now())
	m := &c.measured[c.byKind[apiserver.Pod]]
	for _, namespace := range slices.Sorted(maps.Keys(c.roster.spaces)) {
		s := c.roster.spaces[namespace]
		late := false
		for what, due := range s.due { // each for itself
			if !now.After(due) {
				continue
			}
			if pod, ok := env.Get(what.kind, apiserver.Key{Namespace: namespace, Name: what.name}).(*corev1.Pod); ok {
				s.observe(what.kind, &m.Resource, pod, false, now)
				late = true
			}
			delete(s.due, what)
		}
		if late {
			r.doubt(env, c, namespace)
		}
		r.expect(env, s)
	}
}
