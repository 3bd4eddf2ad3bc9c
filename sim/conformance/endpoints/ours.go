package endpoints

import (
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/endpointslice"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const (
	pause   = 40 * time.Second // a sync that failed is tried again, five times
	quiet   = 3 * time.Second
	between = 200 * time.Millisecond
	// maxEvents bounds the events between two rests.
	maxEvents = 200_000
)

// side is our controller on its server.
type side struct {
	host  *controller.Host
	calls []string
	moved int  // how often endpoints were in other slices than upstream's
	ended bool // before the script did
}

// mismatch says where our rest differs.
type mismatch struct {
	group     int // -1 is the beginning
	got, want rest
}

// begin lets our controller start on what there is.
func begin(s script) *side {
	e := engine.New(engine.Strategy{})
	o := &side{host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{}, nil)}
	o.host.Listen(true)
	for _, st := range s.before {
		o.user(st, 0)
	}
	o.host.Add(endpointslice.Limited(s.limit))
	o.run(pause)
	return o
}

// String lists the lines that only upstream has (-) and that only we have (+).
func (m *mismatch) String() string {
	count := map[string]int{}
	want, got := strings.Split(m.want.shape(), "\n"), strings.Split(m.got.shape(), "\n")
	for _, line := range got {
		count[line]++
	}
	var b strings.Builder
	for _, line := range want {
		if count[line]--; count[line] < 0 {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range got {
		if count[line] > 0 {
			count[line]--
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}

// follow plays a script to our controller beside upstream's rests. Where these
// have other endpoints in slices of the same sizes, which upstream leaves open,
// it moves ours and goes on, up to a change that tells our controller that the
// move was not its own.
func follow(s script, rests []rest) (o *side, m *mismatch) {
	o = begin(s)
	if m := o.compare(-1, nil, rests[0]); m != nil {
		return o, m
	}
	for i, group := range s.groups {
		if o.ended = o.moved > 0 && slices.ContainsFunc(group.steps, step.isAboutWriter); o.ended {
			return o, nil
		}
		o.run(quiet)
		o.calls = nil // of the move
		for _, f := range group.faults {
			o.host.Fail(controller.Fault{By: "endpointslice-controller", Verb: f.verb, Kind: apiserver.EndpointSlice, Err: f.err(), Count: f.count})
		}
		var answers []string
		for _, st := range group.steps {
			answers = append(answers, answered(o.user(st, between)))
		}
		o.run(pause)
		o.host.Relent()
		if m := o.compare(i, answers, rests[i+1]); m != nil {
			return o, m
		}
	}
	return o, nil
}

// user does what a step asks, if there is anything to ask, one request after
// the other.
func (o *side) user(st step, pause time.Duration) (err error) {
	for _, req := range st.requests(o.host.Server(), o.host.Engine().Now().Sub(0)) {
		if err == nil {
			err = o.host.Do(apiserver.User, req).Err
		}
		o.run(pause)
	}
	return err
}

// run lets all events happen up to a span from now.
func (o *side) run(d time.Duration) {
	e := o.host.Engine()
	until := e.Now().Add(d)
	for range maxEvents {
		if ev, ok := e.Peek(); !ok || ev.At > until {
			e.AdvanceTo(until)
			return
		}
		o.host.Step()
		o.host.Drain()
		for _, c := range o.host.Calls() {
			o.calls = append(o.calls, asked(&c.Req, c.Err))
		}
	}
	panic("endpoints: no end of events")
}

// compare holds our rest against upstream's and moves endpoints to where
// upstream has them.
func (o *side) compare(group int, answers []string, want rest) *mismatch {
	got := restOf(o.host.Server(), answers, o.calls)
	o.calls = nil
	if got.text() == want.text() {
		return nil
	}
	if got.shape() != want.shape() {
		return &mismatch{group, got, want}
	}
	o.moved++
	for i, ours := range got.slices { // both sorted alike: shapes in one order
		theirs := want.slices[i]
		next := ours.DeepCopy()
		next.Endpoints, next.Annotations, next.Labels = theirs.Endpoints, theirs.Annotations, theirs.Labels
		res := o.host.Do(apiserver.User, apiserver.Request{Verb: apiserver.Update, Kind: apiserver.EndpointSlice, Key: apiserver.KeyOf(ours), Object: next})
		if res.Err != nil {
			panic(res.Err)
		}
	}
	return nil
}
