package controller

import (
	"fmt"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Actor is a process of the cluster: a controller, the scheduler, a kubelet.
// It observes the API through the watch of its Env, decides, and acts by
// requests. All of its state is plain data of its own, which package state copies
// for a fork.
//
// The host calls one method at a time, never concurrently. An Actor reads
// nothing but its own state, what it is handed, and the Env, which it must not
// keep. Waiting and Heeds change nothing.
type Actor interface {
	// Name is the component, "statefulset-controller": the author of its
	// writes and the source of its Events.
	Name() string
	// Watches lists the kinds whose records it observes.
	Watches() []apiserver.Kind
	// Observe delivers one watch record, after the view has moved on to it.
	// Records of one kind come in the order of their versions; kinds are
	// independent of each other.
	Observe(env *Env, rec *apiserver.Record)
	// Respond delivers the answer to the request that was sent with token.
	Respond(env *Env, token uint64, res apiserver.Result)
	// Wake is called at the time that Env.WakeAt asked for.
	Wake(env *Env, arg uint64)
	// Waiting lists what the actor cannot finish and why, in a fixed order.
	Waiting(env *Env) []Wait
}

// NodeScoped is an Actor whose watch of pods is narrowed to those bound to one
// node, and whose watch of nodes to that node, as a kubelet's are. Such a watch
// is delivered but cannot be read through the View.
type NodeScoped interface {
	Actor
	NodeName() string
}

// Selective is an Actor that does not act on every record of what it watches.
// Its view moves past the records that it does not heed, at the time when they
// would have been delivered, and at no cost.
type Selective interface {
	Actor
	// Heeds reports whether Observe would do anything with a record. It
	// depends on the record and on what the actor has observed: when that
	// changes an answer, the actor calls Env.Reheed.
	Heeds(rec *apiserver.Record) bool
}

// Reporter is an Actor whose Events name another source than its Name: in the
// controller manager some recorders have a name of their own.
type Reporter interface {
	Actor
	EventSource() string
}

// Wait is something unfinished.
type Wait struct {
	Kind   apiserver.Kind
	Key    apiserver.Key
	Reason string // "0/3 nodes are available: …"
}

// Env is what an actor acts through. Its View is embedded.
type Env struct {
	View
}

// Send sends a request. It reaches the server after the latency of an API
// call, and Respond is then called with token and the answer.
func (e *Env) Send(token uint64, req apiserver.Request) { e.host.send(e.actor, token, req) }

// Watch begins to watch a kind that Watches does not list, of those without
// behaviour, too: its objects are observed as Added, at once, and then every
// change. A kind that is watched already is left alone.
func (e *Env) Watch(kind apiserver.Kind) {
	if !e.host.actors.Read(int(e.actor)).isWatching(kind) {
		e.host.watch(e.actor, kind)
	}
}

// Reheed asks Heeds again about every record of a kind that is written and not
// delivered yet. An actor that begins to heed more than before calls it, and
// reads what was delivered already from its View. It is not for the kind whose
// record is being observed.
func (e *Env) Reheed(kind apiserver.Kind) { e.host.reheed(e.actor, kind) }

// WakeAt calls Wake(arg) at a time; a time in the past means now. A wake-up
// cannot be taken back: an actor that no longer needs it ignores it.
func (e *Env) WakeAt(at engine.Time, class engine.Class, arg uint64) {
	e.host.engine.Schedule(engine.Event{At: at, Kind: kindWake, Actor: uint32(e.actor), Class: class, Arg: arg})
}

// WakeAfter is WakeAt, a span from now.
func (e *Env) WakeAfter(d time.Duration, class engine.Class, arg uint64) {
	e.WakeAt(e.Now().Add(d), class, arg)
}

// Note records an Event as the component's event recorder would: counted,
// aggregated and limited (A10). It is written asynchronously.
func (e *Env) Note(n Note) { e.host.note(e.actor, n) }

// World returns what the actors share outside the API.
func (e *Env) World() World { return e.host.World() }

// Span returns a latency from the range r, for the object named by key. It is
// a pure function of seed, actor, concern, key and the current time.
func (v View) Span(c engine.Concern, key engine.Key, r Range) time.Duration {
	return v.host.engine.Span(c, key^v.host.actors.Read(int(v.actor)).key, uint64(v.Now()), r.Min, r.Max)
}

// Range is a span of time between Min and Max, both included.
type Range struct{ Min, Max time.Duration }

// Validate reports a range that is negative or ends before it begins.
func (r Range) Validate() error {
	switch {
	case r.Min < 0:
		return fmt.Errorf("Min: %v is negative", r.Min)
	case r.Max < r.Min:
		return fmt.Errorf("Max: %v is less than Min, %v", r.Max, r.Min)
	}
	return nil
}

// Note is an Event to be recorded.
type Note struct {
	About   apiserver.Object // what it regards
	Type    string           // Normal or Warning
	Reason  string
	Message string
	// Action belongs to the events.k8s.io API, which the scheduler uses; a note
	// with an Action is recorded in that form.
	Action string
}
