package controller

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Journal is the memo of a sync that is written as a plain function: what the
// function has read so far, and the answers to its requests, in order. The zero
// Journal is that of a sync that has not begun.
type Journal struct {
	entries []entry `state:"log"`
}

// entry is something that a sync has learnt, and when.
type entry struct {
	at    engine.Time
	value any
}

// Replay runs such a sync (durable execution, as workflow engines have it): the
// function is called again from its beginning with every answer, finds in the
// journal what it has learnt before, and goes on from there. So a long sync
// reads from top to bottom as its documentation does, and is plain data all the
// same between two requests.
//
// The function must be a function of what the Replay tells it: it reads through
// Read, asks through Do and Side, takes the time from Now, and touches what is
// outside of it in Once alone. What it is handed is shared, and it changes copies.
type Replay struct {
	view    View
	journal Journal
	next    int // entries that this run has come by
	plan    Plan
}

// suspended ends a run that has to wait for an answer.
type suspended struct{}

// Resume is the Step of a Machine whose memo is a Journal. The sync's error
// becomes that of the Plan.
func Resume(v View, j Journal, results [][]apiserver.Result, sync func(*Replay) error) (plan Plan, memo Journal) {
	r := &Replay{view: v, journal: j}
	if results != nil {
		answers := make([]apiserver.Result, len(results))
		for i := range results {
			answers[i] = results[i][0]
		}
		r.learn(answers)
	} else {
		r.learn(nil)
	}
	r.next = 1 // the beginning
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(suspended); !ok {
				panic(p)
			}
			plan, memo = r.plan, r.journal
		}
	}()
	err := sync(r)
	r.plan.Err = err
	return r.plan, r.journal
}

func (r *Replay) learn(value any) {
	r.journal.entries = append(r.journal.entries, entry{r.view.Now(), value})
}

// isLive reports whether the run has come to where it has never been.
func (r *Replay) isLive() bool { return r.next == len(r.journal.entries) }

// Now returns the time at this point of the sync.
func (r *Replay) Now() engine.Time { return r.journal.entries[r.next-1].at }

// Read returns what f reads, of the view or of the controller's own memory, as of
// when the sync first came here. It must not be changed later.
func Read[T any](r *Replay, f func(View) T) T {
	if r.isLive() {
		r.learn(f(r.view))
	}
	value, _ := r.journal.entries[r.next].value.(T)
	r.next++
	return value
}

// Object returns an object of the view, or the nil of its type.
func Object[T apiserver.Object](r *Replay, kind apiserver.Kind, key apiserver.Key) T {
	return Read(r, func(v View) T {
		obj, _ := v.Get(kind, key).(T)
		return obj
	})
}

// Once does something to the controller's memory, when the sync first comes here.
func (r *Replay) Once(f func(now engine.Time)) {
	if r.isLive() {
		f(r.view.Now())
	}
}

// Note records an Event.
func (r *Replay) Note(n Note) {
	if r.isLive() {
		r.plan.Notes = append(r.plan.Notes, n)
	}
}

// Do sends a request and returns the answer.
func (r *Replay) Do(req apiserver.Request) apiserver.Result {
	return r.Side(1, func(int) apiserver.Request { return req })[0]
}

// Side sends n requests side by side and returns the answers to all of them.
func (r *Replay) Side(n int, request func(i int) apiserver.Request) []apiserver.Result {
	if n == 0 {
		return nil
	}
	if r.isLive() {
		r.plan.Chains = make([][]apiserver.Request, n)
		for i := range n {
			r.plan.Chains[i] = []apiserver.Request{request(i)}
		}
		panic(suspended{})
	}
	answers := r.journal.entries[r.next].value.([]apiserver.Result)
	r.next++
	return answers
}

// After has the key looked at again a span after the end of the sync. Of two
// spans the shorter one counts.
func (r *Replay) After(d time.Duration, class engine.Class) {
	d = max(d, 1)
	if r.plan.After == 0 || d < r.plan.After {
		r.plan.After, r.plan.Class = d, class
	}
}
