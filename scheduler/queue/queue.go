package queue

import (
	"fmt"
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Unschedulable pods are looked at each 30 s, and those that have waited for
// more than 5 minutes are tried again (C7).
const (
	flushPeriod = 30 * time.Second
	flushAfter  = 5 * time.Minute
)

// Queue is the scheduling queue. Use New.
type Queue struct {
	entries  map[apiserver.Key]*Entry
	active   heap
	backoff  heap
	errors   heap
	claims   map[apiserver.Key][]*Entry `state:"incidental" why:"an index of the entries"` // pods that were unschedulable once, by the claims they use
	rejected [32]int                    // unschedulable pods by rejecting plugin
	waiting  int                        // unschedulable pods
	flushes  int                        // those of them that a flush is for
	seq      uint64                     `state:"incidental" why:"the entries' ranks say it"`
}

// New returns an empty queue.
func New() *Queue {
	return &Queue{
		entries: map[apiserver.Key]*Entry{}, claims: map[apiserver.Key][]*Entry{},
		active: heap{place: active}, backoff: heap{place: backoff}, errors: heap{place: errorBackoff},
	}
}

// Get returns a queued pod, or nil.
func (q *Queue) Get(key apiserver.Key) *Entry { return q.entries[key] }

// Add queues a pod. A pod with scheduling gates is held.
func (q *Queue) Add(now engine.Time, pod *plugin.Pod) {
	q.seq++
	e := &Entry{Key: apiserver.KeyOf(pod), Pod: pod, since: now, seq: q.seq}
	if old := q.entries[e.Key]; old != nil {
		q.Delete(e.Key)
	}
	q.entries[e.Key] = e
	q.activate(e)
}

// Renew takes over a newer state of a queued pod.
func (q *Queue) Renew(e *Entry, pod *plugin.Pod) {
	if !slices.Equal(e.Pod.Claims(), pod.Claims()) {
		q.forget(e)
	}
	if e.place == unschedulable {
		q.unfile(e)
		e.Pod = pod
		q.file(e)
		return
	}
	e.Pod, e.priority = pod, pod.Priority
	if h := q.heap(e.place); h != nil {
		h.fix(e)
	}
}

// Delete forgets a pod, if it is there.
func (q *Queue) Delete(key apiserver.Key) {
	if e := q.entries[key]; e != nil {
		q.lift(e)
		q.forget(e)
		delete(q.entries, key)
	}
}

// Done ends the attempt of a popped pod: one that was not put back is forgotten.
func (q *Queue) Done(e *Entry) {
	if q.entries[e.Key] != e {
		q.forget(e)
	}
}

// Ready reports whether Pop would find a pod.
func (q *Queue) Ready(now engine.Time) bool {
	return len(q.active.items)+len(q.backoff.items) > 0 ||
		len(q.errors.items) > 0 && !q.errors.items[0].isBackingOff(now)
}

// Pop takes the next pod to be tried out of the queue, or returns nil. Whoever
// pops it gives it to Retry or forgets it. If no pod is due the first one in
// backoff is taken, but none that failed by an error.
func (q *Queue) Pop(now engine.Time) *Entry {
	for _, h := range []*heap{&q.backoff, &q.errors} {
		for len(h.items) > 0 && !h.items[0].isBackingOff(now) {
			q.active.push(h.pop())
		}
	}
	var e *Entry
	switch {
	case len(q.active.items) > 0:
		e = q.active.pop()
	case len(q.backoff.items) > 0:
		e = q.backoff.pop()
	default:
		return nil
	}
	delete(q.entries, e.Key)
	return e
}

// Retry puts a popped pod back after an attempt that failed (C7,
// AddUnschedulablePodIfNotPresent): for good if plugins rejected it, into its
// backoff after an error.
func (q *Queue) Retry(now engine.Time, e *Entry) {
	if q.entries[e.Key] != nil {
		return
	}
	if e.Rejectors == 0 {
		e.errors++
	} else {
		e.unschedulable++
		e.errors = 0
	}
	q.seq++
	e.since, e.seq, e.flushed, e.expiry = now, q.seq, 0, 0
	q.entries[e.Key] = e
	if e.Rejectors == 0 {
		q.requeue(now, e)
		return
	}
	q.file(e)
}

// Wakes reports whether any unschedulable pod was rejected by one of the
// plugins.
func (q *Queue) Wakes(plugins plugin.Set) bool {
	for id := plugin.ID(0); int(id) < len(q.rejected); id++ {
		if plugins.Has(id) && q.rejected[id] > 0 {
			return true
		}
	}
	return false
}

// Waiting returns how many pods are unschedulable.
func (q *Queue) Waiting() int { return q.waiting }

// Using returns the unschedulable pods that use a claim. The slice is the
// caller's.
func (q *Queue) Using(claim apiserver.Key) []*Entry {
	var list []*Entry
	for _, e := range q.claims[claim] {
		if e.place == unschedulable {
			list = append(list, e)
		}
	}
	return list
}

// Tallied calls visit with the pods that have a tally and use a claim.
func (q *Queue) Tallied(claim apiserver.Key, visit func(*Entry)) {
	for _, e := range q.claims[claim] {
		if e.Tally != nil {
			visit(e)
		}
	}
}

// Unschedulable returns the unschedulable pods by key.
func (q *Queue) Unschedulable() []*Entry {
	if q.waiting == 0 {
		return nil
	}
	list := make([]*Entry, 0, q.waiting)
	for _, e := range q.entries { // sorted below
		if e.place == unschedulable {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b *Entry) int { return a.Key.Compare(b.Key) })
	return list
}

// All returns all queued pods by key.
func (q *Queue) All() []*Entry {
	list := make([]*Entry, 0, len(q.entries))
	for _, e := range q.entries { // sorted below
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *Entry) int { return a.Key.Compare(b.Key) })
	return list
}

// Wake moves an unschedulable pod because something may have helped it: into
// its backoff, or if that is over to the pods to be tried.
func (q *Queue) Wake(now engine.Time, e *Entry) {
	if e.place == unschedulable {
		q.lift(e)
		q.requeue(now, e)
	}
}

// Activate moves a pod to those to be tried, whatever its backoff.
func (q *Queue) Activate(e *Entry) {
	if e.place != active {
		q.lift(e)
		q.activate(e)
	}
}

// RetryDue returns when the first pod that failed by an error is due.
func (q *Queue) RetryDue() (engine.Time, bool) {
	if len(q.errors.items) == 0 {
		return 0, false
	}
	return q.errors.items[0].backoffEnd() + second, true
}

// FlushDue returns when the first unschedulable pod is to be flushed. Only pods
// count that another attempt could help; the others wait for their event. It
// costs nothing if there are none.
func (q *Queue) FlushDue() (engine.Time, bool) {
	due := engine.Never
	if q.flushes == 0 {
		return due, false
	}
	for _, e := range q.entries { // a minimum does not depend on the order
		if e.isFlushable() {
			due = min(due, e.flushDue())
		}
	}
	return due, due != engine.Never
}

func (e *Entry) isFlushable() bool { return e.place == unschedulable && e.isFlushedThere() }

// isFlushedThere is isFlushable of an entry that is, or was, unschedulable.
func (e *Entry) isFlushedThere() bool { return !e.held && e.Rejectors&plugin.Unannounced != 0 }

// flushDue returns when an entry that is unschedulable now is to be flushed.
func (e *Entry) flushDue() engine.Time {
	const period = engine.Time(flushPeriod)
	return (max(e.since, e.flushed).Add(flushAfter)/period + 1) * period
}

// Flush wakes the pods that have been unschedulable for too long (C7).
func (q *Queue) Flush(now engine.Time) {
	for _, e := range q.Unschedulable() {
		if e.isFlushable() && e.flushDue() <= now {
			e.flushed = now
			q.Wake(now, e)
		}
	}
}

func (q *Queue) requeue(now engine.Time, e *Entry) {
	switch {
	case !e.isBackingOff(now):
		q.activate(e)
	case q.hold(e):
		q.file(e)
	case e.Rejectors == 0:
		q.errors.push(e)
	default:
		q.backoff.push(e)
	}
}

func (q *Queue) activate(e *Entry) {
	if q.hold(e) {
		q.file(e)
		return
	}
	q.active.push(e)
}

// hold is the PreEnqueue of SchedulingGates and DefaultPreemption (C1).
func (q *Queue) hold(e *Entry) bool {
	gated := len(e.Pod.Spec.SchedulingGates) > 0
	if gated {
		e.Rejectors = e.Rejectors.With(plugin.SchedulingGates)
	}
	e.held = gated || e.Preempting
	return e.held
}

// file makes an entry unschedulable.
func (q *Queue) file(e *Entry) {
	e.place = unschedulable
	q.waiting++
	if e.isFlushedThere() {
		q.flushes++
	}
	for id := range q.rejected {
		if e.Rejectors.Has(plugin.ID(id)) {
			q.rejected[id]++
		}
	}
	if e.filed {
		return // a pod that is tried again and again is filed once
	}
	e.filed = true
	for _, name := range e.Pod.Claims() {
		key := apiserver.Key{Namespace: e.Key.Namespace, Name: name}
		q.claims[key] = append(q.claims[key], e)
	}
}

func (q *Queue) unfile(e *Entry) {
	e.place = nowhere
	q.waiting--
	if e.isFlushedThere() {
		q.flushes--
	}
	for id := range q.rejected {
		if e.Rejectors.Has(plugin.ID(id)) {
			q.rejected[id]--
		}
	}
}

// forget takes an entry from the claims that it uses.
func (q *Queue) forget(e *Entry) {
	if !e.filed {
		return
	}
	e.filed, e.Tally = false, nil
	for _, name := range e.Pod.Claims() {
		key := apiserver.Key{Namespace: e.Key.Namespace, Name: name}
		list := q.claims[key]
		i := slices.Index(list, e)
		if list = slices.Delete(list, i, i+1); len(list) == 0 {
			delete(q.claims, key)
		} else {
			q.claims[key] = list
		}
	}
}

// lift takes an entry out of its place.
func (q *Queue) lift(e *Entry) {
	if e.place == unschedulable {
		q.unfile(e)
	} else if h := q.heap(e.place); h != nil {
		h.remove(e)
	} else {
		panic(fmt.Sprintf("queue: %v is in no place", e.Key))
	}
}

func (q *Queue) heap(p place) *heap {
	switch p {
	case active:
		return &q.active
	case backoff:
		return &q.backoff
	case errorBackoff:
		return &q.errors
	}
	return nil
}
