package collecting

import (
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/garbagecollector"
)

// beginning is how long the collector runs before the first step.
const beginning = 3 * time.Second

// maxEvents bounds the events between two rests.
const maxEvents = 200_000

// latency returns none, or what lets any of two things that happen at the same
// time be the first.
func latency(seed uint64) controller.Latency {
	if seed%2 == 0 {
		return controller.Latency{}
	}
	some := controller.Range{Max: maxLag}
	return controller.Latency{Request: some, Watch: some, Queue: some}
}

// side is our collector on its server.
type side struct {
	host   *controller.Host
	diary  diary
	ambush *ambush
}

// begin lets our collector start on what there is, up to the first rest.
func begin(s script, seed uint64) *side {
	e := engine.New(engine.Strategy{Seed: seed})
	o := &side{host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), latency(seed), nil)}
	o.host.Listen(true)
	for _, st := range s.before {
		o.user(st)
	}
	id := o.host.Add(garbagecollector.New(kinds))
	for _, kind := range kinds { // the first lists come in any order
		lag := e.Span("conformance/list", engine.Key(kind), 0, 0, latency(seed).Watch.Max)
		o.host.Hold(id, kind, e.Now().Add(lag))
	}
	o.run(beginning)
	o.diary.rest(o.host.Server())
	return o
}

// step plays a step, up to the next rest.
func (o *side) step(i int, st step) {
	for _, f := range st.faults {
		o.host.Fail(controller.Fault{By: collector, Verb: f.verb, Kind: f.kind, Key: f.key, Err: f.err(), Count: f.count})
	}
	o.ambush = st.ambush
	o.diary.note(i, o.user(st))
	o.run(st.pause)
	o.host.Relent()
	o.diary.rest(o.host.Server())
}

// ours plays a script to our collector.
func ours(s script, seed uint64) *side {
	o := begin(s, seed)
	for i, st := range s.steps {
		o.step(i, st)
	}
	return o
}

func (o *side) fork() *side {
	return &side{host: o.host.Fork(), diary: o.diary.fork(), ambush: o.ambush}
}

// search looks for one of our histories that is upstream's. Most often the
// first is. Otherwise it goes from rest to rest: whatever the seed decides
// depends on the time, so that a step is played in other ways by waiting a little before it.
type search struct {
	script  script
	want    []string
	plays   int // how many steps may still be played
	deepest int // how many rests were as upstream's
	closest string
}

const (
	maxPlays = 40_000
	starts   = 512 // other ways to begin
	ways     = 512 // other ways to play a step
	lags     = 16  // of the watches, which change every four times their longest
)

func (f *search) found() bool {
	if slices.Equal(ours(f.script, 0).diary.rests, f.want) {
		return true
	}
	f.plays = maxPlays
	for k := range uint64(starts) {
		if o := begin(f.script, k*2+1); f.agrees(o) && f.goesOn(o) {
			return true
		}
	}
	return false
}

func (f *search) goesOn(o *side) bool {
	i := len(o.diary.rests) - 1
	if i == len(f.script.steps) {
		return true
	}
	for k := range time.Duration(ways) {
		if f.plays--; f.plays < 0 {
			return false
		}
		next := o.fork()
		next.run(k%lags*4*maxLag + k)
		next.step(i, f.script.steps[i])
		if f.agrees(next) && f.goesOn(next) {
			return true
		}
	}
	return false
}

// agrees reports whether the last rest is as upstream's.
func (f *search) agrees(o *side) bool {
	i := len(o.diary.rests) - 1
	got, want := o.diary.rests[i], f.want[i]
	if got == want {
		f.reach(i + 1)
		return true
	}
	if i == f.deepest && (f.closest == "" || distance(got, want) < distance(f.closest, want)) {
		f.closest = got
	}
	return false
}

func (f *search) reach(rests int) {
	if rests > f.deepest {
		f.deepest, f.closest = rests, ""
	}
}

// user does what a step asks, if there is anything to ask.
func (o *side) user(st step) error {
	req, ok := st.request(o.host.Server(), &o.diary)
	if !ok {
		return nil
	}
	res := o.host.Do(apiserver.User, req)
	o.read()
	return res.Err
}

// read takes down what was written and asked for, and springs the ambush.
func (o *side) read() {
	for _, rec := range o.host.Drain() {
		o.diary.saw(rec)
	}
	for _, c := range o.host.Calls() {
		o.diary.heard(&c.Req, c.Err)
		if a := o.ambush; a != nil && a.matches(&c.Req) {
			o.ambush = nil
			o.user(a.step)
		}
	}
}

// distance counts the lines that only one of two texts has.
func distance(a, b string) int {
	count := map[string]int{}
	for _, line := range strings.Split(a, "\n") {
		count[line]++
	}
	for _, line := range strings.Split(b, "\n") {
		count[line]--
	}
	n := 0
	for _, c := range count {
		n += max(c, -c)
	}
	return n
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
		o.read()
	}
	panic("collecting: no end of events")
}
