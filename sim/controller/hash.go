package controller

import (
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// PendingHash is a hash of what is about to happen, with times relative to now:
// which events (by kind, actor and class), what the requests under way ask for,
// and what each watch has still to deliver. Events of class Background and what
// exactly an actor will do when it wakes do not count.
func (h *Host) PendingHash(c *apiserver.Census) uint64 {
	var sum uint64 // order among events of one instant does not count
	h.engine.Each(func(ev engine.Event) {
		if ev.Class == engine.Background {
			return
		}
		x := apiserver.Blend(uint64(max(ev.At, h.engine.Now())-h.engine.Now()), uint64(ev.Kind), uint64(ev.Class), uint64(ev.Actor))
		switch ev.Kind {
		case kindArrive:
			x = apiserver.Blend(x, h.flights.Read().list[ev.Arg].hash(c))
		case kindDeliver:
			x = apiserver.Blend(x, ev.Arg)
		}
		sum += x
	})
	for i := range h.subs.Len() {
		if s := h.subs.Read(i); !s.ended && s.kind != apiserver.Event {
			sum += h.backlog(i, c)
		}
	}
	return sum
}

// hash is a hash of what a request asks for.
func (f *flight) hash(c *apiserver.Census) uint64 {
	r := &f.req
	return apiserver.Blend(uint64(r.Verb), uint64(r.Kind), uint64(r.Subresource), c.Key(r.Key), c.Name(r.Node), c.ID(string(r.UID)))
}

// backlog is a hash of what a watch has not delivered.
func (h *Host) backlog(i int, c *apiserver.Census) uint64 {
	if h.subs.Read(i).node == "" {
		h.catchUp(i)
	}
	s := h.subs.Read(i)
	var x uint64
	add := func(rec *apiserver.Record) {
		x = apiserver.Blend(x, uint64(i)+1, c.Name(string(rec.Type)), c.Key(rec.Key))
	}
	for _, rec := range s.pending.all() {
		add(rec)
	}
	if s.node == "" {
		log := h.server.Log(s.kind)
		for pos := s.next; pos < log.End(); pos++ {
			add(log.At(pos))
		}
	}
	return x
}
