package controller

import (
	"fmt"
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
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
	actors  state.List[hosted]
	subs    state.List[subscription]
	routes  state.Box[routes]
	flights state.Box[flights]
	fresh   []*apiserver.Record
	world   state.Box[World]
	muted   bool // Events are not recorded
	faults  []Fault
	calls   []Call `state:"log"` // of actors, if somebody listens
	listens bool

	env     Env     // of the actor that acts
	last    ActorID `state:"incidental" why:"history"` // whose event ran last
	running activity
}

// flights are the requests on their way, by index.
type flights struct {
	list []flight
	free []uint32
}

// take removes a flight and returns it.
func (f *flights) take(i uint32) flight {
	taken := f.list[i]
	f.list[i] = flight{}
	f.free = append(f.free, i)
	return taken
}

// add returns the index of a new flight.
func (f *flights) add(fl flight) uint32 {
	if n := len(f.free); n > 0 {
		i := f.free[n-1]
		f.free = f.free[:n-1]
		f.list[i] = fl
		return i
	}
	f.list = append(f.list, fl)
	return uint32(len(f.list) - 1)
}

// activity is what an actor is doing in the event that runs.
type activity struct {
	actor ActorID
	does  uint8 // the kind of the event; 0 between events
}

// Fault makes requests fail, before the server sees them or after. The zero value of a
// field matches everything.
type Fault struct {
	By    string // the component
	Verb  apiserver.Verb
	Any   bool // whatever the verb
	Kind  apiserver.Kind
	Key   apiserver.Key
	Err   error
	Lost  bool // the server has carried the request out: the answer is lost
	Count int  // how many requests fail; 0 means one
}

func (f *Fault) matches(by string, req *apiserver.Request) bool {
	return (f.By == "" || f.By == by) && (f.Any || f.Verb == req.Verb) &&
		(f.Kind == 0 || f.Kind == req.Kind) && (f.Key == (apiserver.Key{}) || f.Key == req.Key)
}

// World is what exists outside the API and is shared by the actors: the
// machines, the files on the network, the processes that run. Plain data, which
// package state copies.
type World any

// hosted is an actor with what the host keeps of it.
type hosted struct {
	actor     state.Box[Actor]
	selective bool // the actor is a Selective
	gone      bool // after Remove
	cut       bool // from the API server: see Cut
	name      string
	key       engine.Key
	events    state.Box[recorder]
	series    bool // a kindSeries is pending
	cursor    [apiserver.Behaving]uint64
	watches   [apiserver.Behaving]bool // which kinds the View can show
	// beyond are the cursors into the kinds without behaviour that it watches.
	beyond map[apiserver.Kind]uint64
}

// isWatching reports whether the View can show a kind.
func (hd *hosted) isWatching(kind apiserver.Kind) bool {
	if kind < apiserver.Behaving {
		return hd.watches[kind]
	}
	_, ok := hd.beyond[kind]
	return ok
}

// seen returns up to which version the actor has seen a kind.
func (hd *hosted) seen(kind apiserver.Kind) uint64 {
	if kind < apiserver.Behaving {
		return hd.cursor[kind]
	}
	return hd.beyond[kind]
}

// see moves the View of a kind on to a version. It begins to show the kind.
func (hd *hosted) see(kind apiserver.Kind, version uint64) {
	if kind < apiserver.Behaving {
		hd.watches[kind], hd.cursor[kind] = true, version
		return
	}
	if hd.beyond == nil {
		hd.beyond = map[apiserver.Kind]uint64{}
	}
	hd.beyond[kind] = version
}

// heeds returns the actor if it is a Selective, to be asked, or nil.
func (hd *hosted) heeds() Selective {
	if !hd.selective {
		return nil
	}
	return (*hd.actor.Read()).(Selective)
}

// flight is a request on its way.
type flight struct {
	actor   ActorID
	token   uint64 `state:"incidental" why:"hashed as what the actor takes it for"`
	discard bool   // an Event: nobody waits for the answer
	deaf    bool   // who asked has been restarted: nobody hears the answer
	req     apiserver.Request
	pause   time.Duration // between the times when the server looks at it, if it waits
	digest  state.Memo
}

// NewHost returns a host without actors. The world may be nil if no actor asks
// for it.
func NewHost(e *engine.Engine, s *apiserver.Server, l Latency, w World) *Host {
	o := e.Owner()
	return &Host{engine: e, server: s, latency: l, actors: state.NewList[hosted](o, 0), subs: state.NewList[subscription](o, 0),
		routes: state.NewBox(o, routes{byNode: map[string]int{}, selves: map[string]int{}}), flights: state.NewBox(o, flights{}), world: state.NewBox(o, w)}
}

// Engine returns the host's engine.
func (h *Host) Engine() *engine.Engine { return h.engine }

// Server returns the host's API server, for reading. Writes go through Do.
func (h *Host) Server() *apiserver.Server { return h.server }

// Fork returns an independent copy of everything: the engine, the server, the
// world and the actors. Run on alike, both give equal histories, and neither
// sees the other. What they hold is copied when one of them changes it (package
// state): a fork that runs on for a few events pays for those alone.
func (h *Host) Fork() *Host { return state.Copy(h.engine.Owner().Fork(), h) }

// World returns what the host was given as its world, to be changed until the
// next fork.
func (h *Host) World() World { return *h.world.Write() }

// ReadWorld returns the world for reading alone, which copies nothing.
func (h *Host) ReadWorld() World { return *h.world.Read() }

// act returns what an actor acts through, until another acts.
func (h *Host) act(id ActorID) *Env {
	h.env = Env{View{h, id}}
	return &h.env
}

// Add starts an actor: it observes, as Added, every object of the kinds it
// watches that exists already, and then every change.
func (h *Host) Add(a Actor) ActorID {
	id, o := ActorID(h.actors.Len()), h.engine.Owner()
	hd := h.actors.Append(hosted{actor: state.NewBox(o, a), name: a.Name(), key: engine.KeyOf(a.Name())})
	_, hd.selective = a.(Selective)
	source := a.Name()
	if r, ok := a.(Reporter); ok {
		source = r.EventSource()
	}
	recorder := newRecorder(source, "")
	node := ""
	if n, ok := a.(NodeScoped); ok {
		node = n.NodeName()
		hd.key = engine.KeyOf(a.Name(), node)
		recorder = newRecorder(a.Name(), node)
	}
	hd.events = state.NewBox(o, recorder)
	for _, kind := range a.Watches() {
		if kind == apiserver.Pod && node != "" {
			h.watchNode(id, node)
		} else if kind == apiserver.Node && node != "" {
			h.watchSelf(id, node)
		} else {
			h.watch(id, kind)
		}
	}
	return id
}

// SetLatency says how long everything takes from now on, and returns how long it
// took until now. What is under way takes what it was to take.
func (h *Host) SetLatency(l Latency) (was Latency) {
	was, h.latency = h.latency, l
	return was
}

// MuteEvents says whether the Events that actors record are dropped.
func (h *Host) MuteEvents(muted bool) { h.muted = muted }

// Actor returns the actor with an ID, for reading until the next event.
func (h *Host) Actor(id ActorID) Actor { return *h.actors.Read(int(id)).actor.Read() }

// Change returns the actor with an ID, to be changed until the next fork.
func (h *Host) Change(id ActorID) Actor { return *h.actors.Write(int(id)).actor.Write() }

// Remove stops an actor for good: its requests under way still arrive, but it
// sees and does nothing any more.
func (h *Host) Remove(id ActorID) {
	hd, to := h.actors.Write(int(id)), h.routes.Write()
	hd.gone, hd.selective, hd.actor = true, false, state.NewBox[Actor](h.engine.Owner(), nil)
	for i := range h.subs.Len() {
		if s := h.subs.Read(i); s.actor != id || s.ended {
			continue
		}
		s := h.subs.Write(i)
		s.ended, s.pending = true, queue[*apiserver.Record]{}
		if s.node != "" {
			if s.kind == apiserver.Node {
				delete(to.selves, s.node)
			} else {
				delete(to.byNode, s.node)
			}
		} else {
			to.change(s.kind, slices.DeleteFunc(to.to(s.kind), func(j int) bool { return j == i }))
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

// Restore fills the server, which is empty, with the objects of another (see
// apiserver.Server.Restore).
func (h *Host) Restore(by string, objects []apiserver.Object) error {
	err := h.server.Restore(h.engine.Now(), by, objects)
	h.publish()
	return err
}

// Step runs the next event and reports whether there was one.
func (h *Host) Step() bool {
	ev, ok := h.engine.Next()
	if ok {
		h.run(ev)
		h.engine.End()
	}
	return ok
}

// StepOf runs the pending event with a sequence number, out of its turn.
func (h *Host) StepOf(seq uint64) bool {
	ev, ok := h.engine.NextOf(seq)
	if ok {
		h.run(ev)
		h.engine.End()
	}
	return ok
}

// Origin returns the component whose event has a sequence number, and the event as
// it was scheduled; false if the engine has not kept it.
func (h *Host) Origin(seq uint64) (by string, ev engine.Event, ok bool) {
	if ev, ok = h.engine.Origin(seq); ok {
		by = h.actors.Read(int(ev.Actor)).name
	}
	return by, ev, ok
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
	for i := range h.actors.Len() {
		if hd := h.actors.Read(i); !hd.gone {
			ws = append(ws, (*hd.actor.Read()).Waiting(h.Env(ActorID(i)))...)
		}
	}
	return ws
}

// Running returns which method of which actor the present event has called, or
// empty strings between events.
func (h *Host) Running() (method, actor string) {
	switch a := h.running; a.does {
	case kindDeliver:
		return "Observe", h.ActorName(a.actor)
	case kindArrive:
		return "Respond", h.ActorName(a.actor)
	case kindWake:
		return "Wake", h.ActorName(a.actor)
	}
	return "", ""
}

func (h *Host) run(ev engine.Event) {
	h.running, h.last = activity{ActorID(ev.Actor), ev.Kind}, ActorID(ev.Actor)
	h.dispatch(ev)
	h.running = activity{}
}

func (h *Host) dispatch(ev engine.Event) {
	switch ev.Kind {
	case kindDeliver:
		h.deliver(int(ev.Arg))
	case kindArrive:
		f := h.flights.Write().take(uint32(ev.Arg))
		hd := h.actors.Write(int(f.actor))
		res := apiserver.Result{Err: errCut}
		if !hd.cut {
			res = h.serve(hd.name, &f.req)
		}
		if res.Again {
			h.again(f)
			return
		}
		if !f.discard {
			h.hear(hd.name, f.req, res.Err)
		}
		switch {
		case f.discard:
			if again, ok := hd.events.Read().retry(f.req, res); ok {
				h.write(f.actor, again)
			}
		case !hd.gone && !f.deaf:
			(*hd.actor.Write()).Respond(h.act(f.actor), f.token, res)
		}
	case kindSeries:
		hd := h.actors.Write(int(ev.Actor))
		hd.series = false
		for _, req := range hd.events.Write().tick(h.engine.Now()) {
			h.write(ActorID(ev.Actor), req)
		}
		h.follow(ActorID(ev.Actor))
	case kindWake:
		if hd := h.actors.Write(int(ev.Actor)); !hd.gone {
			(*hd.actor.Write()).Wake(h.act(ActorID(ev.Actor)), ev.Arg)
		}
	default:
		panic(fmt.Sprintf("controller: unknown event %+v", ev))
	}
}

// serve carries out an actor's request, unless a fault has it fail.
func (h *Host) serve(by string, req *apiserver.Request) apiserver.Result {
	for i := range h.faults {
		f := &h.faults[i]
		if !f.matches(by, req) {
			continue
		}
		err, lost := f.Err, f.Lost
		if f.Count--; f.Count <= 0 {
			h.faults = slices.Delete(h.faults, i, i+1)
		}
		if lost {
			h.server.Do(h.engine.Now(), by, *req)
			h.publish()
		}
		return apiserver.Result{Err: err}
	}
	res := h.server.Do(h.engine.Now(), by, *req)
	h.publish()
	return res
}

func (h *Host) send(id ActorID, token uint64, req apiserver.Request) {
	if !req.Verb.Exists() || !req.Kind.Exists() {
		panic(fmt.Sprintf("controller: %s sends a request that no server knows: %v of %v", h.ActorName(id), req.Verb, req.Kind))
	}
	key := h.actors.Read(int(id)).key ^ engine.KeyOf(req.Key.Namespace, req.Key.Name) ^ engine.Key(req.Verb)<<56 ^ keyOf(req.Kind)
	at := h.engine.Now().Add(h.engine.Span("latency/request", key, uint64(h.engine.Now()), h.latency.Request.Min, h.latency.Request.Max))
	h.launch(at, engine.Progress, flight{actor: id, token: token, req: req})
}

func (h *Host) launch(at engine.Time, class engine.Class, f flight) {
	i := h.flights.Write().add(f)
	h.engine.Schedule(engine.Event{At: at, Kind: kindArrive, Actor: uint32(f.actor), Arg: uint64(i), Class: class})
}

// again has the server look at a request again that it has not answered yet: it
// waits from a tenth to a fifth of a second, and as long each time
// (serviceaccount, getServiceAccount).
func (h *Host) again(f flight) {
	if f.pause == 0 {
		key := h.actors.Read(int(f.actor)).key ^ engine.KeyOf(f.req.Key.Namespace, f.req.Key.Name)
		f.pause = h.engine.Span("latency/account", key, uint64(h.engine.Now()), 100*time.Millisecond, 200*time.Millisecond)
	}
	f.req.Tries++
	f.digest = state.Memo{}
	h.launch(h.engine.Now().Add(f.pause), engine.Progress, f)
}

// note hands an Event to the actor's recorder.
func (h *Host) note(id ActorID, n Note) {
	if h.muted {
		return
	}
	forgotten := func(key string, n int) int { return h.engine.Choose("events/forgotten", key, n) }
	if req, ok := h.actors.Write(int(id)).events.Write().record(h.engine.Now(), n, forgotten); ok {
		h.write(id, req)
	}
	h.follow(id)
}

// write sends a recorder's request. An actor's Events are written in the order
// in which they were noted.
func (h *Host) write(id ActorID, req apiserver.Request) {
	hd := h.actors.Write(int(id))
	now := h.engine.Now()
	lag := h.engine.Span("latency/event", hd.key, uint64(now), h.latency.Event.Min, h.latency.Event.Max)
	at := max(now.Add(lag), hd.events.Read().last)
	hd.events.Write().last = at
	h.launch(at, engine.Background, flight{actor: id, discard: true, req: req})
}

// follow has a recorder write the counts of its series when they are due.
func (h *Host) follow(id ActorID) {
	hd := h.actors.Read(int(id))
	if due := hd.events.Read().due(h.engine.Now()); !hd.series && due != engine.Never {
		h.actors.Write(int(id)).series = true
		h.engine.Schedule(engine.Event{At: due, Kind: kindSeries, Actor: uint32(id), Class: engine.Background})
	}
}

// keyOf tells kinds apart in what is drawn for a request. Those without behaviour
// go by their names, since their numbers change whenever a kind gets one.
func keyOf(kind apiserver.Kind) engine.Key {
	if kind < apiserver.Behaving {
		return engine.Key(kind) << 48
	}
	return engine.KeyOf(kind.String())
}
