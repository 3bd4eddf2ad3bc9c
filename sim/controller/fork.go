package controller

import "slices"

// Fork returns an independent copy of everything: the engine, the server, the
// world and the actors. Run on alike, both give equal histories, and neither
// sees the other.
//
// Actors and the world are copied late: each host copies what it shares when it
// first uses it. So what Fork costs does not grow with what they hold, and a
// fork that runs on for a few events pays for the actors of those events alone.
func (h *Host) Fork() *Host {
	h.sharedWorld, h.sharedByNode = h.world != nil, true
	for i := range h.actors {
		h.actors[i].sharedActor, h.actors[i].sharedEvents = h.actors[i].actor != nil, true
	}
	for i := range h.flights {
		h.flights[i].req.Given = false // both will store it
	}
	f := *h
	f.engine = h.engine.Fork()
	f.server = h.server.Fork(f.engine)
	f.actors = slices.Clone(h.actors)
	envs := make([]Env, len(f.actors))
	for i := range f.actors {
		envs[i].View = View{&f, ActorID(i)}
		f.actors[i].env = &envs[i]
	}
	f.subs = slices.Clone(h.subs)
	for i := range f.subs {
		f.subs[i].pending, f.subs[i].heeded = h.subs[i].pending.fork(), h.subs[i].heeded.fork()
	}
	for kind := range f.byKind {
		f.byKind[kind] = slices.Clip(f.byKind[kind])
	}
	f.flights, f.free = slices.Clone(h.flights), slices.Clone(h.free)
	f.fresh, f.faults, f.calls = slices.Clone(h.fresh), slices.Clone(h.faults), slices.Clip(h.calls)
	return &f
}

// own returns the actor for use: not that of a fork.
func (hd *hosted) own() Actor {
	if hd.sharedActor {
		hd.actor, hd.sharedActor = hd.actor.Fork(), false
		hd.heeds, _ = hd.actor.(Selective)
	}
	return hd.actor
}

// recorder returns the event recorder for use: not that of a fork.
func (hd *hosted) recorder() *recorder {
	if hd.sharedEvents {
		own := hd.events.fork()
		hd.events, hd.sharedEvents = &own, false
	}
	return hd.events
}

// ReadWorld returns the world for reading alone, which copies nothing.
func (h *Host) ReadWorld() World { return h.world }
