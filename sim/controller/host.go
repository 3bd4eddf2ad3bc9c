package controller

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// ActorID numbers the actors of a host, from 0 in the order of Add.
type ActorID uint32

// The kinds of engine events that a host runs.
const (
	kindDeliver uint8 = iota + 1 // Arg: the subscription's index
	kindArrive                   // Arg: the flight's index
	kindWake                     // Arg: the actor's
	kindSeries                   // the actor's recorder brings its Events up to date
)

// Host is the executor: it owns the engine, the API server and the actors, and
// turns what actors ask for into events. All of its state is plain data.
type Host struct {
	engine  *engine.Engine
	server  *apiserver.Server
	latency Latency
	actors  []hosted
	subs    []subscription
	byKind  [apiserver.Behaving][]int // indices of subs
	byNode  map[string]int            // node name → index of the subscription to its pods
	flights []flight
	free    []uint32
	fresh   []*apiserver.Record
	world   World // use World
	muted   bool  // Events are not recorded
	faults  []Fault

	sharedWorld bool // with a fork, until one of them needs it
}

// Fault makes requests fail before the server sees them. The zero value of a
// field matches everything.
type Fault struct {
	By    string // the component
	Verb  apiserver.Verb
	Any   bool // whatever the verb
	Kind  apiserver.Kind
	Key   apiserver.Key
	Err   error
	Count int // how many requests fail; 0 means one
}

func (f *Fault) matches(by string, req *apiserver.Request) bool {
	return (f.By == "" || f.By == by) && (f.Any || f.Verb == req.Verb) &&
		(f.Kind == 0 || f.Kind == req.Kind) && (f.Key == (apiserver.Key{}) || f.Key == req.Key)
}

// World is what exists outside the API and is shared by the actors: the
// machines, the files on the network, the processes that run. Plain data.
type World interface {
	// Fork returns an independent copy.
	Fork() World
}

// hosted is an actor with what the host keeps of it.
type hosted struct {
	actor  Actor     // nil after Remove
	heeds  Selective // the actor, if it is one
	name   string
	env    *Env
	key    engine.Key
	events *recorder
	series bool // a kindSeries is pending
	// Forks share an actor and a recorder until one of them needs it.
	sharedActor, sharedEvents bool
	cursor                    [apiserver.Behaving]uint64
}

// subscription is one watch: of a kind by its cursor into the server's log, or
// of a node's pods by a queue of its own.
type subscription struct {
	actor   ActorID
	kind    apiserver.Kind
	node    string   // set for a NodeScoped watch of pods
	next    uint64   // position in the kind's log; unused with node
	heeded  []uint64 // of a Selective: the positions from next on that matter
	pending []*apiserver.Record
	listed  int // of pending: what existed when the watch began, due at once
	armed   bool
	held    engine.Time // nothing is delivered before
	ended   bool
}

// flight is a request on its way.
type flight struct {
	actor   ActorID
	token   uint64
	discard bool // an Event: nobody waits for the answer
	req     apiserver.Request
}

// NewHost returns a host without actors. The world may be nil if no actor asks
// for it.
func NewHost(e *engine.Engine, s *apiserver.Server, l Latency, w World) *Host {
	return &Host{engine: e, server: s, latency: l, world: w, byNode: map[string]int{}}
}

// Engine returns the host's engine.
func (h *Host) Engine() *engine.Engine { return h.engine }

// Server returns the host's API server, for reading. Writes go through Do.
func (h *Host) Server() *apiserver.Server { return h.server }

// World returns what the host was given as its world.
func (h *Host) World() World {
	if h.sharedWorld {
		h.world, h.sharedWorld = h.world.Fork(), false
	}
	return h.world
}

// Add starts an actor: it observes, as Added, every object of the kinds it
// watches that exists already, and then every change.
func (h *Host) Add(a Actor) ActorID {
	id := ActorID(len(h.actors))
	h.actors = append(h.actors, hosted{actor: a, name: a.Name(), key: engine.KeyOf(a.Name())})
	hd := &h.actors[id]
	hd.heeds, _ = a.(Selective)
	hd.env = &Env{View{h, id}}
	recorder := newRecorder(a.Name(), "")
	hd.events = &recorder
	node := ""
	if n, ok := a.(NodeScoped); ok {
		node = n.NodeName()
		hd.key = engine.KeyOf(a.Name(), node)
		recorder = newRecorder(a.Name(), node)
	}
	for _, kind := range a.Watches() {
		sub := subscription{actor: id, kind: kind}
		i := len(h.subs)
		if kind == apiserver.Pod && node != "" {
			sub.node = node
			h.byNode = maps.Clone(h.byNode) // forks share the old one
			h.byNode[node] = i
			for _, rec := range h.server.Live(kind) {
				if rec.Object.(*corev1.Pod).Spec.NodeName == node {
					sub.pending = append(sub.pending, rec)
				}
			}
		} else {
			h.byKind[kind] = append(h.byKind[kind], i)
			sub.next = h.server.Log(kind).End()
			sub.pending = h.server.Live(kind)
		}
		sub.listed = len(sub.pending)
		h.subs = append(h.subs, sub)
		if len(sub.pending) > 0 {
			h.arm(i)
		}
	}
	return id
}

// MuteEvents says whether the Events that actors record are dropped.
func (h *Host) MuteEvents(muted bool) { h.muted = muted }

// Actor returns the actor with an ID.
func (h *Host) Actor(id ActorID) Actor { return h.actors[id].own() }

// Remove stops an actor for good: its requests under way still arrive, but it
// sees and does nothing any more.
func (h *Host) Remove(id ActorID) {
	h.actors[id].actor = nil
	for i := range h.subs {
		s := &h.subs[i]
		if s.actor != id || s.ended {
			continue
		}
		s.ended, s.pending = true, nil
		if s.node != "" {
			h.byNode = maps.Clone(h.byNode) // as in Add
			delete(h.byNode, s.node)
		} else {
			h.byKind[s.kind] = slices.DeleteFunc(slices.Clone(h.byKind[s.kind]), func(j int) bool { return j == i })
		}
	}
}

// Hold delays all deliveries of a kind to an actor until a time: its view stays
// as it is until then.
func (h *Host) Hold(id ActorID, kind apiserver.Kind, until engine.Time) {
	for i := range h.subs {
		if s := &h.subs[i]; s.actor == id && s.kind == kind {
			s.held = until
		}
	}
}

// Fail has the next requests that a fault describes fail. Several faults are
// tried in the order in which they were given.
func (h *Host) Fail(f Fault) { h.faults = append(h.faults, f) }

// Do carries out a request at once, as a user's.
func (h *Host) Do(by string, req apiserver.Request) apiserver.Result {
	res := h.server.Do(h.engine.Now(), by, req)
	h.publish()
	return res
}

// Step runs the next event and reports whether there was one.
func (h *Host) Step() bool {
	ev, ok := h.engine.Next()
	if ok {
		h.run(ev)
	}
	return ok
}

// StepOf runs the pending event with a sequence number, out of its turn.
func (h *Host) StepOf(seq uint64) bool {
	ev, ok := h.engine.NextOf(seq)
	if ok {
		h.run(ev)
	}
	return ok
}

// Drain returns the records written since the last call, in order. The slice
// is reused by the next one.
func (h *Host) Drain() []*apiserver.Record {
	recs := h.fresh
	h.fresh = h.fresh[:0]
	return recs
}

// Waiting lists what the actors cannot finish and why.
func (h *Host) Waiting() []Wait {
	var ws []Wait
	for i := range h.actors {
		if a := h.actors[i].actor; a != nil {
			ws = append(ws, a.Waiting(h.actors[i].env)...)
		}
	}
	return ws
}

func (h *Host) run(ev engine.Event) {
	switch ev.Kind {
	case kindDeliver:
		h.deliver(int(ev.Arg))
	case kindArrive:
		f := h.flights[ev.Arg]
		h.flights[ev.Arg] = flight{}
		h.free = append(h.free, uint32(ev.Arg))
		hd := &h.actors[f.actor]
		res := h.serve(hd.name, f.req)
		switch {
		case f.discard:
			if again, ok := hd.recorder().retry(f.req, res); ok {
				h.write(f.actor, again)
			}
		case hd.actor != nil:
			hd.own().Respond(hd.env, f.token, res)
		}
	case kindSeries:
		hd := &h.actors[ev.Actor]
		hd.series = false
		for _, req := range hd.recorder().tick(h.engine.Now()) {
			h.write(ActorID(ev.Actor), req)
		}
		h.follow(ActorID(ev.Actor))
	case kindWake:
		if hd := &h.actors[ev.Actor]; hd.actor != nil {
			hd.own().Wake(hd.env, ev.Arg)
		}
	default:
		panic(fmt.Sprintf("controller: unknown event %+v", ev))
	}
}

// serve carries out an actor's request, unless a fault has it fail.
func (h *Host) serve(by string, req apiserver.Request) apiserver.Result {
	for i := range h.faults {
		f := &h.faults[i]
		if !f.matches(by, &req) {
			continue
		}
		err := f.Err
		if f.Count--; f.Count <= 0 {
			h.faults = slices.Delete(h.faults, i, i+1)
		}
		return apiserver.Result{Err: err}
	}
	res := h.server.Do(h.engine.Now(), by, req)
	h.publish()
	return res
}

// publish arms the watches of the kinds that were just written.
func (h *Host) publish() {
	for _, rec := range h.server.Drain() {
		h.fresh = append(h.fresh, rec)
		if rec.Kind >= apiserver.Behaving || len(h.byKind[rec.Kind]) == 0 {
			h.server.Trim(rec.Kind, h.server.Log(rec.Kind).End()) // nobody will read it
		}
		if rec.Kind >= apiserver.Behaving {
			continue
		}
		for _, i := range h.byKind[rec.Kind] {
			s := &h.subs[i]
			if heeds := h.actors[s.actor].heeds; heeds != nil {
				if !heeds.Heeds(rec) {
					continue
				}
				s.heeded = append(s.heeded, h.server.Log(rec.Kind).Position(rec))
			}
			h.arm(i)
		}
		if pod, ok := rec.Object.(*corev1.Pod); ok && pod.Spec.NodeName != "" {
			if i, ok := h.byNode[pod.Spec.NodeName]; ok {
				h.subs[i].pending = append(h.subs[i].pending, rec)
				h.arm(i)
			}
		}
	}
}

func (h *Host) arm(i int) {
	s := &h.subs[i]
	rec := h.peek(s)
	if s.armed || rec == nil {
		return
	}
	s.armed = true
	h.engine.Schedule(engine.Event{At: h.due(s, rec), Kind: kindDeliver, Actor: uint32(s.actor), Arg: uint64(i), Class: classOf(s.kind)})
}

// classOf is Background for the objects that no decision depends on.
func classOf(k apiserver.Kind) engine.Class {
	if k == apiserver.Event {
		return engine.Background
	}
	return engine.Progress
}

// peek returns the next record of a watch, or nil.
func (h *Host) peek(s *subscription) *apiserver.Record {
	if len(s.pending) > 0 {
		return s.pending[0]
	}
	switch {
	case s.node != "":
		return nil
	case h.actors[s.actor].heeds == nil:
		return h.server.Log(s.kind).At(s.next)
	case len(s.heeded) > 0:
		return h.server.Log(s.kind).At(s.heeded[0])
	}
	return nil
}

// catchUp moves the view of a Selective past the records that are due and that
// it does not heed.
func (h *Host) catchUp(s *subscription) {
	if len(s.pending) > 0 || h.actors[s.actor].heeds == nil {
		return
	}
	log, hd := h.server.Log(s.kind), &h.actors[s.actor]
	for len(s.heeded) == 0 || s.next < s.heeded[0] {
		rec := log.At(s.next)
		if rec == nil || h.due(s, rec) > h.engine.Now() {
			return
		}
		s.next++
		hd.cursor[s.kind] = max(hd.cursor[s.kind], rec.Version)
	}
}

// due is when a record reaches a watch: a function of the time it was written
// and the watch alone, so that unrelated records never delay each other, and
// monotone, so that a stream stays in order. Time is cut into slots; each has a
// latency of its own, and no record overtakes the end of the slot before.
func (h *Host) due(s *subscription, rec *apiserver.Record) engine.Time {
	if s.listed > 0 {
		return max(h.engine.Now(), s.held)
	}
	slotLength := engine.Time(max(4*h.latency.Watch.Max, 1))
	key := h.actors[s.actor].key ^ engine.Key(s.kind)<<32
	lag := func(slot engine.Time) engine.Time {
		return engine.Time(h.engine.Span("latency/watch", key, uint64(slot), h.latency.Watch.Min, h.latency.Watch.Max))
	}
	slot := rec.Time / slotLength
	at := rec.Time + lag(slot)
	if slot > 0 {
		at = max(at, slot*slotLength-1+lag(slot-1))
	}
	return max(at, s.held)
}

func (h *Host) deliver(i int) {
	h.subs[i].armed = false
	for {
		s := &h.subs[i] // deliveries may add subscriptions
		if s.ended {
			return
		}
		rec := h.peek(s)
		if rec == nil || h.due(s, rec) > h.engine.Now() {
			break
		}
		hd := &h.actors[s.actor]
		if len(s.pending) > 0 {
			s.pending = s.pending[1:]
			s.listed = max(s.listed-1, 0)
		} else if len(s.heeded) > 0 {
			s.next = s.heeded[0] + 1
			s.heeded = s.heeded[1:]
		} else {
			s.next++
		}
		if s.node == "" {
			hd.cursor[s.kind] = max(hd.cursor[s.kind], rec.Version)
		}
		hd.own().Observe(hd.env, rec)
	}
	h.arm(i)
	if h.subs[i].node == "" {
		h.trim(h.subs[i].kind)
	}
}

// trim lets the server forget what every watch of a kind has seen.
func (h *Host) trim(kind apiserver.Kind) {
	log := h.server.Log(kind)
	least := log.End()
	for _, i := range h.byKind[kind] {
		if len(h.subs[i].pending) > 0 {
			return
		}
		h.catchUp(&h.subs[i])
		least = min(least, h.subs[i].next)
	}
	h.server.Trim(kind, least)
}

func (h *Host) cursorOf(id ActorID, kind apiserver.Kind) uint64 {
	if h.actors[id].heeds != nil {
		for _, i := range h.byKind[kind] {
			if h.subs[i].actor == id {
				h.catchUp(&h.subs[i])
			}
		}
	}
	return h.actors[id].cursor[kind]
}

func (h *Host) send(id ActorID, token uint64, req apiserver.Request) {
	key := h.actors[id].key ^ engine.KeyOf(req.Key.Namespace, req.Key.Name) ^ engine.Key(req.Verb)<<56 ^ engine.Key(req.Kind)<<48
	at := h.engine.Now().Add(h.engine.Span("latency/request", key, uint64(h.engine.Now()), h.latency.Request.Min, h.latency.Request.Max))
	h.launch(at, engine.Progress, flight{actor: id, token: token, req: req})
}

func (h *Host) launch(at engine.Time, class engine.Class, f flight) {
	var i uint32
	if n := len(h.free); n > 0 {
		i = h.free[n-1]
		h.free = h.free[:n-1]
		h.flights[i] = f
	} else {
		i = uint32(len(h.flights))
		h.flights = append(h.flights, f)
	}
	h.engine.Schedule(engine.Event{At: at, Kind: kindArrive, Actor: uint32(f.actor), Arg: uint64(i), Class: class})
}

// note hands an Event to the actor's recorder.
func (h *Host) note(id ActorID, n Note) {
	if h.muted {
		return
	}
	if req, ok := h.actors[id].recorder().record(h.engine.Now(), n); ok {
		h.write(id, req)
	}
	h.follow(id)
}

// write sends a recorder's request. An actor's Events are written in the order
// in which they were noted.
func (h *Host) write(id ActorID, req apiserver.Request) {
	hd := &h.actors[id]
	now := h.engine.Now()
	lag := h.engine.Span("latency/event", hd.key, uint64(now), h.latency.Event.Min, h.latency.Event.Max)
	at := max(now.Add(lag), hd.events.last)
	hd.recorder().last = at
	h.launch(at, engine.Background, flight{actor: id, discard: true, req: req})
}

// follow has a recorder write the counts of its series when they are due.
func (h *Host) follow(id ActorID) {
	hd := &h.actors[id]
	if due := hd.events.due(h.engine.Now()); !hd.series && due != engine.Never {
		hd.series = true
		h.engine.Schedule(engine.Event{At: due, Kind: kindSeries, Actor: uint32(id), Class: engine.Background})
	}
}
