package engine

import (
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/state"
)

// Time is a point on the virtual clock, in nanoseconds since the start of the
// simulation. The zero Time is the start.
type Time int64

// Never is later than every time that an event can have.
const Never Time = 1<<63 - 1

// Add returns the time d after t.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns the span from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Class says what a pending event means for the question whether a system has
// come to rest.
type Class uint8

const (
	// Progress is work that is under way: as long as any is pending, the
	// system has not settled.
	Progress Class = iota
	// Retry is another attempt at something that failed or had to wait.
	Retry
	// Background is housekeeping that changes nothing anybody waits for.
	Background

	classes = 3
)

// Event is one pending occurrence. What Kind, Actor and Arg mean is the
// business of whoever runs the events.
type Event struct {
	At    Time
	Seq   uint64 // assigned by Schedule; unique and ascending
	Cause uint64 // the Seq of the event that was running then, or 0: assigned, too
	Arg   uint64
	Actor uint32
	Kind  uint8
	Class Class
}

func (a Event) before(b Event) bool {
	if a.At != b.At {
		return a.At < b.At
	}
	return a.Seq < b.Seq
}

// Engine holds the clock, the pending events and the answers to choices.
// Use New; the zero Engine answers every choice as seed 0 does.
type Engine struct {
	now      Time
	seq      uint64
	steps    uint64
	owner    *state.Owner
	queue    state.Box[queue]
	pending  [classes]int
	strategy Strategy
	asked    Tally    // by question
	taken    []Choice `state:"log"`
	spans    []Concern
	running  uint64 // the Seq of the event that is running, or 0
	keeps    bool
	kept     []Event `state:"log"` // all that were scheduled, by Seq
}

// New returns an engine at time zero that answers choices by s.
func New(s Strategy) *Engine {
	o := state.NewOwner()
	return &Engine{owner: o, strategy: s.clone(), asked: NewTally(o), queue: state.NewBox(o, queue{})}
}

// Fork returns an independent copy: run on alike, both give equal histories.
func (e *Engine) Fork() *Engine { return state.Copy(e.owner.Fork(), e) }

// Owner is who may change the state of the engine's cluster.
func (e *Engine) Owner() *state.Owner { return e.owner }

// Now returns the virtual time: that of the event which Next returned last, or
// later if AdvanceTo was called.
func (e *Engine) Now() Time { return e.now }

// Steps returns how many events Next has returned.
func (e *Engine) Steps() uint64 { return e.steps }

// Pending returns how many events of class c are waiting.
func (e *Engine) Pending(c Class) int { return e.pending[c] }

// Len returns how many events are waiting.
func (e *Engine) Len() int { return e.queue.Read().n }

// Schedule adds ev to the queue and returns its sequence number. A time in the
// past means now. Seq is overwritten.
func (e *Engine) Schedule(ev Event) uint64 {
	e.seq++
	ev.Seq, ev.Cause = e.seq, e.running
	ev.At = max(ev.At, e.now)
	e.pending[ev.Class]++
	e.queue.Write().add(&ev)
	if e.keeps {
		e.kept = append(e.kept, ev)
	}
	return ev.Seq
}

// Peek returns the next event without removing it.
func (e *Engine) Peek() (Event, bool) {
	if ev := e.queue.Write().next(); ev != nil {
		return *ev, true
	}
	return Event{}, false
}

// Next removes the earliest event, moves the clock to it and returns it.
func (e *Engine) Next() (Event, bool) {
	q := e.queue.Write()
	if q.n == 0 {
		return Event{}, false
	}
	ev := q.take()
	e.begin(&ev)
	return ev, true
}

// NextOf removes the pending event with sequence number seq, whatever its
// place in the queue, and moves the clock to its time unless that is past. It
// returns false if no such event is pending. The cost is O(pending).
func (e *Engine) NextOf(seq uint64) (Event, bool) {
	ev, ok := e.queue.Write().remove(seq)
	if ok {
		e.begin(&ev)
	}
	return ev, ok
}

// Cancel removes the pending events that match, as if they had never been planned.
// The cost is O(pending) for each.
func (e *Engine) Cancel(match func(Event) bool) {
	var seqs []uint64
	e.Each(func(ev Event) { // each is removed by itself: order cannot matter
		if match(ev) {
			seqs = append(seqs, ev.Seq)
		}
	})
	for _, seq := range seqs {
		ev, _ := e.queue.Write().remove(seq)
		e.pending[ev.Class]--
	}
}

// Events returns a copy of the pending events, earliest first.
func (e *Engine) Events() []Event {
	q := e.queue.Read()
	evs := make([]Event, 0, q.n)
	q.each(func(ev *Event) { evs = append(evs, *ev) }) // sorted below
	slices.SortFunc(evs, func(a, b Event) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return evs
}

// Each calls visit with every pending event, in no order that means anything.
func (e *Engine) Each(visit func(Event)) {
	e.queue.Read().each(func(ev *Event) { visit(*ev) })
}

// Running returns the sequence number of the event that Next returned last, until
// End; or 0. What is scheduled meanwhile has it as its cause.
func (e *Engine) Running() uint64 { return e.running }

// End says that an event is over: what happens now has its cause outside.
func (e *Engine) End() { e.running = 0 }

// KeepEvents has every event that will be scheduled be kept, for Origin. It is for
// an engine that is new.
func (e *Engine) KeepEvents() { e.keeps = true }

// Origin returns an event, past or pending, as it was scheduled; false if it was
// not kept.
func (e *Engine) Origin(seq uint64) (Event, bool) {
	if seq == 0 || seq > uint64(len(e.kept)) {
		return Event{}, false
	}
	return e.kept[seq-1], true
}

// Latest returns the sequence number that was given out last.
func (e *Engine) Latest() uint64 { return e.seq }

// AdvanceTo moves the clock forward to t. It panics if that would pass over a
// pending event, which is an error of the caller.
func (e *Engine) AdvanceTo(t Time) {
	if ev := e.queue.Write().next(); ev != nil && ev.At < t {
		panic("engine: AdvanceTo would pass over a pending event")
	}
	e.now = max(e.now, t)
}

// begin moves the clock to an event that was taken from the queue.
func (e *Engine) begin(ev *Event) {
	e.running = ev.Seq
	e.pending[ev.Class]--
	e.steps++
	e.now = max(e.now, ev.At)
}
