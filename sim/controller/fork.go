package controller

import (
	"maps"
	"slices"
)

// Fork returns an independent copy of everything: the engine, the server, the
// world and the actors. Run on alike, both give equal histories, and neither
// sees the other.
func (h *Host) Fork() *Host {
	f := *h
	f.engine = h.engine.Fork()
	f.server = h.server.Fork(f.engine)
	if h.world != nil {
		f.world = h.world.Fork()
	}
	f.actors = slices.Clone(h.actors)
	for i := range f.actors {
		a := &f.actors[i]
		a.env = &Env{View{&f, ActorID(i)}}
		a.events = a.events.fork()
		if a.actor != nil {
			a.actor = a.actor.Fork()
		}
	}
	f.subs = slices.Clone(h.subs)
	for i := range f.subs {
		f.subs[i].pending = slices.Clone(h.subs[i].pending)
	}
	for kind := range f.byKind {
		f.byKind[kind] = slices.Clone(h.byKind[kind])
	}
	f.byNode = maps.Clone(h.byNode)
	f.flights, f.free = slices.Clone(h.flights), slices.Clone(h.free)
	f.fresh, f.faults = slices.Clone(h.fresh), slices.Clone(h.faults)
	return &f
}
