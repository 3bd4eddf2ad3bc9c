package whole

import (
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/statefulset"
)

// maxEvents bounds the events between two moments of a script.
const maxEvents = 200_000

// ours plays a script to our controller.
func ours(s script, gates apiserver.Gates) diary {
	e := engine.New(engine.Strategy{Mode: engine.First}) // the shortest pauses after conflicts
	h := controller.NewHost(e, newServer(e, gates), controller.Latency{}, nil)
	h.Add(&late{Controller: statefulset.New(gates)})
	return s.play(mine{h})
}

// late is our controller with answers that come a while after the server has
// carried out what was asked, as upstream's do (see lag).
type late struct {
	*statefulset.Controller
	answers []answer
	count   uint64
}

type answer struct {
	id, token uint64
	result    apiserver.Result
}

// lateID marks the wake-ups of late in the top byte; the controller has others.
const lateID uint64 = 0xff << 56

// Respond implements controller.Actor.
func (l *late) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	l.count++
	l.answers = append(l.answers, answer{l.count, token, res})
	env.WakeAfter(lag, engine.Progress, lateID|l.count)
}

// Wake implements controller.Actor.
func (l *late) Wake(env *controller.Env, arg uint64) {
	if arg&lateID != lateID {
		l.Controller.Wake(env, arg)
		return
	}
	i := slices.IndexFunc(l.answers, func(a answer) bool { return a.id == arg&^lateID })
	a := l.answers[i]
	l.answers = slices.Delete(l.answers, i, i+1)
	l.Controller.Respond(env, a.token, a.result)
}

// mine is our side of a script.
type mine struct{ host *controller.Host }

func (w mine) look(f func(*apiserver.Server))              { f(w.host.Server()) }
func (w mine) user(req apiserver.Request) apiserver.Result { return w.host.Do(apiserver.User, req) }
func (w mine) now() time.Time                              { return apiserver.WallTime(w.host.Engine().Now()) }
func (w mine) fail(f controller.Fault)                     { w.host.Fail(f) }
func (w mine) heal()                                       { w.host.Relent() }

func (w mine) until(at time.Time) {
	end := apiserver.VirtualTime(at)
	for range maxEvents {
		if ev, ok := w.host.Engine().Peek(); !ok || ev.At > end {
			w.host.Engine().AdvanceTo(end)
			return
		}
		w.host.Step()
	}
	panic("whole: no end of events")
}
