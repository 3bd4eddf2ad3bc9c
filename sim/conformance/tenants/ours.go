package tenants

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/ephemeralvolume"
	"github.com/statefulsim/statefulsim/sim/resourcequota"
	"github.com/statefulsim/statefulsim/sim/rootca"
	"github.com/statefulsim/statefulsim/sim/serviceaccount"
)

// The controllers, by the names under which they write.
const (
	accountsName  = "service-account-controller"
	publisherName = "root-ca-cert-publisher"
	volumesName   = "ephemeral-volume-controller"
	quotasName    = "resourcequota-controller"
)

// beginning is how long the controllers run before the first step: the rests stay
// away from what happens every five minutes.
const beginning = 5 * time.Second

// maxEvents bounds the events between two rests.
const maxEvents = 200_000

// ours plays a script to our controllers and returns what is to be seen at each
// rest.
func ours(s script) string {
	e := engine.New(engine.Strategy{Mode: engine.First})
	h := controller.NewHost(e, newServer(e), controller.Latency{}, nil)
	h.Do(apiserver.User, defaultNamespace)
	for _, a := range []controller.Actor{serviceaccount.New(), rootca.New(), ephemeralvolume.New(), resourcequota.New()} {
		h.Add(a)
	}
	var d diary
	run(h, beginning)
	for i, st := range s.steps {
		if st.op == "fail" {
			h.Fail(controller.Fault{By: st.name, Any: true, Err: errFault})
		} else if req, ok := st.request(h.Server()); ok {
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
	panic("tenants: no end of events")
}
