package deploying

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/deployment"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/replicaset"
)

// beginning is how long the controllers run before the first step. It keeps the
// rests away from what comes at whole seconds.
const beginning = 1300 * time.Millisecond

// maxEvents bounds the events between two rests.
const maxEvents = 200_000

// ours plays a script to our controllers and returns what is to be seen at each
// rest.
func ours(s script) string {
	e := engine.New(engine.Strategy{Mode: engine.First})
	h := controller.NewHost(e, apiserver.New(e, serverConfig), controller.Latency{}, nil)
	for _, req := range s.before() {
		must(h.Do("user", req))
	}
	h.Add(replicaset.New())
	h.Add(deployment.New())
	var d diary
	run(h, beginning)
	for i, st := range s.steps {
		if st.verb == "fail" {
			h.Fail(controller.Fault{By: st.name, Verb: st.fails, Kind: st.kind, Key: st.victim(h.Server()), Err: errFault, Count: int(st.number)})
		} else if req, ok := st.request(h.Server(), e.Now()); ok {
			d.note(i, h.Do(apiserver.User, req))
		}
		run(h, st.pause)
		d.rest(h.Server())
	}
	return d.String()
}

// run lets all events happen up to a span from now.
func run(h *controller.Host, d time.Duration) {
	until := h.Engine().Now().Add(d)
	for range maxEvents {
		if ev, ok := h.Engine().Peek(); !ok || ev.At > until {
			h.Engine().AdvanceTo(until)
			return
		}
		h.Step()
	}
	panic("deploying: no end of events")
}
