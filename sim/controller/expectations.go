package controller

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Expectations are what a controller waits to see before it counts the objects
// of an owner again: so many that it has created, and those that it has deleted
// (UIDTrackingControllerExpectations). The zero value expects nothing.
type Expectations struct {
	of map[apiserver.Key]expectation
}

// expectation is what one owner waits for. Counts may fall below zero.
type expectation struct {
	creations, deletions int
	names                map[apiserver.Key]bool // whose deletion is expected
	since                engine.Time
}

// expectationsTimeout is when an owner no longer waits (ExpectationsTimeout).
const expectationsTimeout = 5 * time.Minute

// AreMet reports whether nothing is waited for, or has been for too long
// (SatisfiedExpectations).
func (x *Expectations) AreMet(owner apiserver.Key, now engine.Time) bool {
	e, ok := x.of[owner]
	return !ok || e.creations <= 0 && e.deletions <= 0 || now.Sub(e.since) > expectationsTimeout
}

// Expect replaces what is expected of an owner (SetExpectations, ExpectDeletions).
func (x *Expectations) Expect(owner apiserver.Key, now engine.Time, creations int, deletions []apiserver.Key) {
	if x.of == nil {
		x.of = map[apiserver.Key]expectation{}
	}
	e := expectation{creations: creations, since: now, names: x.of[owner].names}
	if deletions != nil {
		e.names = make(map[apiserver.Key]bool, len(deletions))
		for _, key := range deletions {
			e.names[key] = true
		}
		e.deletions = len(e.names)
	}
	x.of[owner] = e
}

// Created counts creations that were seen, or that will not be.
func (x *Expectations) Created(owner apiserver.Key, n int) {
	if e, ok := x.of[owner]; ok {
		e.creations -= n
		x.of[owner] = e
	}
}

// Deleted counts a deletion that was seen, or that will not be, once.
func (x *Expectations) Deleted(owner, key apiserver.Key) {
	if e, ok := x.of[owner]; ok && e.names[key] {
		delete(e.names, key)
		e.deletions--
		x.of[owner] = e
	}
}

// ExpectCounts replaces what is expected of an owner whose deletions are counted
// whatever their names (ControllerExpectations, SetExpectations).
func (x *Expectations) ExpectCounts(owner apiserver.Key, now engine.Time, creations, deletions int) {
	if x.of == nil {
		x.of = map[apiserver.Key]expectation{}
	}
	x.of[owner] = expectation{creations: creations, deletions: deletions, since: now}
}

// DeletedAny counts deletions that were seen, or that will not be, of one whose
// deletions have no names (DeletionObserved of ControllerExpectations).
func (x *Expectations) DeletedAny(owner apiserver.Key, n int) {
	if e, ok := x.of[owner]; ok {
		e.deletions -= n
		x.of[owner] = e
	}
}

// Drop forgets what is expected of an owner (DeleteExpectations).
func (x *Expectations) Drop(owner apiserver.Key) { delete(x.of, owner) }
