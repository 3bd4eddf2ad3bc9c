package controller

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// subscription is one watch: of a kind by its cursor into the server's log, or
// of a node's pods by a queue of its own.
type subscription struct {
	actor   ActorID
	kind    apiserver.Kind
	node    string        // set for a NodeScoped watch of pods
	next    uint64        // position in the kind's log; unused with node
	heeded  queue[uint64] // of a Selective: the positions from next on that matter
	pending queue[*apiserver.Record]
	listed  int    // of pending: what existed when the watch began, due at once
	since   uint64 // the version of that list
	armed   bool
	held    engine.Time // nothing is delivered before
	ended   bool
	lags    [2]lag // of the slots asked for last, by parity
}

// lag is how late a watch is in one slot of time (see due).
type lag struct{ after, span engine.Time } // after: the slot's number plus one

// Hold delays all deliveries of a kind to an actor until a time: its view stays
// as it is until then. It replaces an earlier Hold, also one that ends later.
func (h *Host) Hold(id ActorID, kind apiserver.Kind, until engine.Time) {
	for i := range h.subs.Len() {
		if s := h.subs.Read(i); s.actor != id || s.kind != kind {
			continue
		}
		s := h.subs.Write(i)
		sooner := until < s.held
		if s.held = until; sooner {
			h.rearm(i)
		}
	}
}

// rearm has the next record of a watch delivered when it is due, although the
// delivery that is armed comes later: that one will find nothing left to do.
func (h *Host) rearm(i int) {
	s := h.subs.Write(i)
	if rec := h.peek(s); rec != nil && !s.ended {
		h.armAt(i, h.due(s, rec))
	}
}

// publish arms the watches of the kinds that were just written.
func (h *Host) publish() {
	to := h.routes.Read()
	for _, rec := range h.server.Drain() {
		h.fresh = append(h.fresh, rec)
		subs := to.to(rec.Kind)
		if len(subs) == 0 {
			h.server.Trim(rec.Kind, h.server.Log(rec.Kind).End()) // nobody will read it
		}
		for _, i := range subs {
			if heeds := h.actors.Read(int(h.subs.Read(i).actor)).heeds(); heeds != nil {
				if !heeds.Heeds(rec) {
					continue
				}
				h.subs.Write(i).heeded.push(h.server.Log(rec.Kind).Position(rec))
			}
			h.arm(i)
		}
		if pod, ok := rec.Object.(*corev1.Pod); ok && pod.Spec.NodeName != "" {
			h.publishTo(to.byNode, pod.Spec.NodeName, rec)
		} else if rec.Kind == apiserver.Node {
			h.publishTo(to.selves, rec.Key.Name, rec)
		}
	}
}

// publishTo queues a record for the watch that a node has to itself, if it has.
func (h *Host) publishTo(watches map[string]int, node string, rec *apiserver.Record) {
	i, ok := watches[node]
	if !ok {
		return
	}
	if heeds := h.actors.Read(int(h.subs.Read(i).actor)).heeds(); heeds != nil && !heeds.Heeds(rec) {
		return
	}
	h.subs.Write(i).pending.push(rec)
	h.arm(i)
}

// arm has the next record of a watch delivered when it is due.
func (h *Host) arm(i int) {
	s := h.subs.Read(i)
	if s.armed {
		return
	}
	if rec := h.peek(s); rec != nil {
		h.armAt(i, h.due(h.subs.Write(i), rec))
	}
}

func (h *Host) armAt(i int, at engine.Time) {
	if at == engine.Never {
		return // until it is released
	}
	s := h.subs.Write(i)
	s.armed = true
	h.engine.Schedule(engine.Event{At: at, Kind: kindDeliver, Actor: uint32(s.actor), Arg: uint64(i), Class: classOf(s.kind)})
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
	if s.pending.len() > 0 {
		return s.pending.first()
	}
	switch {
	case s.node != "":
		return nil
	case !h.actors.Read(int(s.actor)).selective:
		return h.server.Log(s.kind).At(s.next)
	case s.heeded.len() > 0:
		return h.server.Log(s.kind).At(s.heeded.first())
	}
	return nil
}

// catchUp moves the view of a Selective past the records that are due and that
// it does not heed.
func (h *Host) catchUp(i int) {
	s := h.subs.Read(i)
	if s.pending.len() > 0 || !h.actors.Read(int(s.actor)).selective {
		return
	}
	log := h.server.Log(s.kind)
	if log.At(s.next) == nil {
		return
	}
	s = h.subs.Write(i)
	for s.heeded.len() == 0 || s.next < s.heeded.first() {
		rec := log.At(s.next)
		if rec == nil || h.due(s, rec) > h.engine.Now() {
			return
		}
		s.next++
		hd := h.actors.Write(int(s.actor))
		hd.see(s.kind, max(hd.seen(s.kind), rec.Version))
	}
}

// reheed decides anew which of the records that an actor's watch has not
// delivered it heeds.
func (h *Host) reheed(id ActorID, kind apiserver.Kind) {
	for _, i := range h.routes.Read().to(kind) {
		if h.subs.Read(i).actor != id {
			continue
		}
		h.catchUp(i)
		s := h.subs.Write(i)
		log := h.server.Log(kind)
		s.heeded = queue[uint64]{}
		for pos := s.next; pos < log.End(); pos++ {
			if h.actors.Read(int(id)).heeds().Heeds(log.At(pos)) {
				s.heeded.push(pos)
			}
		}
		// What is due first may be earlier than what the watch was armed for: an
		// event more finds nothing to deliver.
		s.armed = false
		h.arm(i)
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
	slot := rec.Time / slotLength
	at := rec.Time + h.lag(s, slot)
	if slot > 0 {
		at = max(at, slot*slotLength-1+h.lag(s, slot-1))
	}
	return max(at, s.held)
}

// lag returns how late a watch is in a slot.
func (h *Host) lag(s *subscription, slot engine.Time) engine.Time {
	l := &s.lags[slot&1]
	if l.after != slot+1 {
		key := h.actors.Read(int(s.actor)).key ^ engine.Key(s.kind)<<32
		span := h.engine.Span("latency/watch", key, uint64(slot), h.latency.Watch.Min, h.latency.Watch.Max)
		*l = lag{slot + 1, engine.Time(span)}
	}
	return l.span
}

func (h *Host) deliver(i int) {
	h.subs.Write(i).armed = false
	for {
		s := h.subs.Write(i) // deliveries may add subscriptions
		if s.ended {
			return
		}
		rec := h.peek(s)
		if rec == nil {
			break
		}
		if at := h.due(s, rec); at > h.engine.Now() {
			if !s.armed {
				h.armAt(i, at)
			}
			break
		}
		hd := h.actors.Write(int(s.actor))
		if s.pending.len() > 0 {
			s.pending.pop()
			if s.listed > 0 {
				if s.listed--; s.listed == 0 && s.node == "" {
					hd.see(s.kind, s.since) // what had gone by then is not in the view
				}
			}
		} else if s.heeded.len() > 0 {
			s.next = s.heeded.pop() + 1
		} else {
			s.next++
		}
		if s.node == "" {
			hd.see(s.kind, max(hd.seen(s.kind), rec.Version))
		}
		(*hd.actor.Write()).Observe(h.act(s.actor), rec)
	}
	if s := h.subs.Read(i); s.node == "" {
		h.trim(s.kind)
	}
}

// trimmed is how long a log's tail has to be before it is looked at, and twice
// what was left of it the last time: the watches are all asked how far they are,
// which is not worth it for every record.
const trimmed = 64

// trim lets the server forget what every watch of a kind has seen.
func (h *Host) trim(kind apiserver.Kind) {
	log := h.server.Log(kind)
	if log.Len() < max(trimmed, 2*h.routes.Read().left(kind)) {
		return
	}
	least := log.End()
	for _, i := range h.routes.Read().to(kind) {
		if h.subs.Read(i).pending.len() > 0 {
			return
		}
		h.catchUp(i)
		least = min(least, h.subs.Read(i).next)
	}
	h.server.Trim(kind, least)
	h.routes.Write().leave(kind, h.server.Log(kind).Len())
}

func (h *Host) cursorOf(id ActorID, kind apiserver.Kind) uint64 {
	hd := h.actors.Read(int(id))
	if hd.selective {
		for _, i := range h.routes.Read().to(kind) {
			if h.subs.Read(i).actor == id {
				h.catchUp(i)
			}
		}
		hd = h.actors.Read(int(id))
	}
	return hd.seen(kind)
}
