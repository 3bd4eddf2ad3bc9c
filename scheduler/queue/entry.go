package queue

import (
	"cmp"
	"time"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// The backoff after n failures is 1 s · 2ⁿ⁻¹, at most 10 s (C7).
const (
	backoffInitial = time.Second
	backoffMax     = 10 * time.Second
)

// Entry is a pod in the queue, or one that was popped and is not yet put back.
type Entry struct {
	Key apiserver.Key
	Pod *plugin.Pod
	// Rejectors are the plugins that rejected the pod last; none after an error
	// of the scheduler itself.
	Rejectors plugin.Set
	// Message is why the last attempt failed; "" before the first.
	Message string
	// Preempting keeps a pod from being tried while the preemption for it is
	// under way.
	Preempting bool

	// Tally is an account of the pod's claims, or nil. It goes when the pod leaves
	// the queue, and a fork makes its own.
	Tally *plugin.ClaimTally `state:"scratch"`

	filed         bool        // among the claims that it uses
	held          bool        // by Preempting or its scheduling gates
	since         engine.Time // when it was added, or last failed
	flushed       engine.Time // when it was last flushed
	seq           uint64      `state:"rank"` // breaks ties of since
	unschedulable int         // attempts that ended unschedulable
	errors        int         // attempts in a row that ended in an error
	expiry        engine.Time // of the backoff, a whole second; 0 if not yet known
	place         place
	priority      int32 // the pod's, at hand for the heap
	index         int   `state:"incidental" why:"an index"` // in the heap of its place
}

// place is where an entry is.
type place uint8

const (
	nowhere place = iota
	active
	backoff
	errorBackoff
	unschedulable
)

// second is the grid on which backoffs end.
const second = engine.Time(time.Second)

func align(t engine.Time) engine.Time { return t / second * second }

// backoffEnd is when the entry may be tried again (getBackoffTime): on the grid,
// so that all pods of a second compete by priority.
func (e *Entry) backoffEnd() engine.Time {
	n := e.unschedulable
	if e.errors > 0 {
		n = e.errors
	}
	if n == 0 {
		return 0
	}
	if e.expiry == 0 {
		d := backoffMax
		if n <= 4 {
			d = min(backoffInitial<<(n-1), backoffMax)
		}
		e.expiry = align(e.since.Add(d))
	}
	return e.expiry
}

func (e *Entry) isBackingOff(now engine.Time) bool {
	end := e.backoffEnd()
	return end != 0 && end >= align(now)
}

// before orders the active queue: priority, then time (PrioritySort). Both are in
// a heap.
func (e *Entry) before(o *Entry) bool {
	return cmp.Or(
		cmp.Compare(o.priority, e.priority),
		cmp.Compare(e.since, o.since),
		cmp.Compare(e.seq, o.seq),
	) < 0
}

// beforeIn orders a queue.
func (e *Entry) beforeIn(p place, o *Entry) bool {
	if p != active && e.backoffEnd() != o.backoffEnd() {
		return e.backoffEnd() < o.backoffEnd()
	}
	return e.before(o)
}
