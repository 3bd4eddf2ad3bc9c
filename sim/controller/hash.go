package controller

import (
	"cmp"
	"slices"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// ArgHasher is an Actor that finds what its wake-ups and answers are about by
// numbers that say how it came to them, such as a count of all it ever asked.
// HashArg takes in what such a number stands for.
type ArgHasher interface {
	Actor
	HashArg(h *state.Hasher, arg uint64, answer bool)
}

// Parts appends the digests of the state of the host: what each actor remembers,
// the world outside the API, the events to come in their order, the requests
// under way, what each watch has still to deliver, and the faults. Events and what
// writes them do not count: no component reads them.
func (h *Host) Parts(parts []state.Part) []state.Part {
	for i := range h.actors.Len() {
		if hd := h.actors.Read(i); !hd.gone {
			parts = append(parts, state.Part{Role: uint64(i) + 1, Digest: hd.actor.Digest()})
		}
	}
	s := state.Hasher{}
	h.hashEvents(&s)
	for i := range h.subs.Len() {
		h.hashWatch(&s, i)
	}
	s.Value(&h.faults)
	return append(parts, state.Part{Role: 1 << 32, Digest: h.world.Digest()}, state.Part{Role: 1 << 33, Digest: s.Digest()})
}

// hashEvents takes in the events to come. Those of one moment happen in the order
// in which they were planned, and those that are late, too.
func (h *Host) hashEvents(s *state.Hasher) {
	var room [64]engine.Event
	events := room[:0]
	h.engine.Each(func(ev engine.Event) { // sorted below
		if h.IsIncidental(ev) {
			return
		}
		events = append(events, ev)
	})
	slices.SortFunc(events, func(a, b engine.Event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Seq, b.Seq))
	})
	for i := range events {
		h.hashEvent(s, &events[i])
	}
}

// hashEvent takes in one event to come.
func (h *Host) hashEvent(s *state.Hasher, ev *engine.Event) {
	s.Number(uint64(ev.Kind)<<40 | uint64(ev.Class)<<32 | uint64(ev.Actor))
	s.Deadline(int64(ev.At))
	if ev.Kind == kindArrive {
		f := &h.flights.Read().list[ev.Arg]
		s.Nested(f.digest.Digest(func() *state.Digest { return state.DigestOf(f, nil) }))
		h.hashArg(s, f.actor, f.token, true)
		return
	}
	if ev.Kind == kindWake {
		h.hashArg(s, ActorID(ev.Actor), ev.Arg, false)
		return
	}
	s.Number(ev.Arg)
}

func (h *Host) hashArg(s *state.Hasher, id ActorID, arg uint64, answer bool) {
	if a, ok := (*h.actors.Read(int(id)).actor.Read()).(ArgHasher); ok {
		a.HashArg(s, arg, answer)
		return
	}
	s.Number(arg)
}

// hashWatch takes in what a watch has not delivered, and when it is due.
func (h *Host) hashWatch(s *state.Hasher, i int) {
	sub := h.subs.Read(i)
	if sub.ended || sub.kind == apiserver.Event {
		return
	}
	log := h.server.Log(sub.kind)
	w := *sub // with a memory of lags of its own
	pos := uint64(0)
	rest := sub.node == "" && log.At(sub.next) != nil
	if rest {
		pos = h.caughtUp(&w)
		rest = log.At(pos) != nil
	}
	if sub.pending.len() == 0 && !rest && sub.held <= h.engine.Now() && !sub.armed {
		return
	}
	s.Number(uint64(i))
	s.Bool(w.armed)
	s.Deadline(int64(w.held))
	s.Number(uint64(w.listed))
	if w.listed > 0 {
		s.Version(w.since)
	}
	take := func(rec *apiserver.Record) {
		rec.HashState(s)
		s.Deadline(int64(h.due(&w, rec)))
	}
	for _, rec := range w.pending.all() {
		take(rec)
	}
	w.listed = 0
	for ; rest; pos++ {
		rec := log.At(pos)
		if rec == nil {
			return
		}
		take(rec)
	}
}

// caughtUp returns the position in its log that a watch is at, or would be after
// catchUp.
func (h *Host) caughtUp(s *subscription) uint64 {
	pos := s.next
	if s.pending.len() > 0 || s.node != "" || !h.actors.Read(int(s.actor)).selective {
		return pos
	}
	log := h.server.Log(s.kind)
	for s.heeded.len() == 0 || pos < s.heeded.first() {
		rec := log.At(pos)
		if rec == nil || h.due(s, rec) > h.engine.Now() {
			break
		}
		pos++
	}
	return pos
}

// HashState takes in all that Parts does but for the objects.
func (h *Host) HashState(s *state.Hasher) {
	for i := range h.actors.Len() {
		if hd := h.actors.Read(i); !hd.gone {
			s.Part(hd.name, func() { s.Value(hd.actor.Read()) })
		}
	}
	s.Part("world", func() { s.Value(h.world.Read()) })
	s.Part("events", func() { h.hashEvents(s) })
	s.Part("watches", func() {
		for i := range h.subs.Len() {
			h.hashWatch(s, i)
		}
	})
	s.Value(&h.faults)
}

// Remembered returns what Parts takes in by its types, for a test that looks at
// these.
func (h *Host) Remembered() any {
	return []any{h.actors.Each(func(hd *hosted) any { return *hd.actor.Read() }), *h.world.Read(), h.flights.Read(), h.faults}
}
