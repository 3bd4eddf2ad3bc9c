package job

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// expectations are how many creations and deletions a Job's watch has still to show
// (ControllerExpectations). The zero value expects nothing.
type expectations struct {
	of map[apiserver.Key]expected
}

// expected may fall below zero.
type expected struct {
	creations, deletions int
	since                engine.Time
}

// patience is when a Job no longer waits (ExpectationsTimeout).
const patience = 5 * time.Minute

func (x *expectations) areMet(key apiserver.Key, now engine.Time) bool {
	e, ok := x.of[key]
	return !ok || e.creations <= 0 && e.deletions <= 0 || now.Sub(e.since) > patience
}

// expect replaces what is expected.
func (x *expectations) expect(key apiserver.Key, now engine.Time, creations, deletions int) {
	if x.of == nil {
		x.of = map[apiserver.Key]expected{}
	}
	x.of[key] = expected{creations, deletions, now}
}

// created counts creations that were seen, or that will not be.
func (x *expectations) created(key apiserver.Key, n int) {
	if e, ok := x.of[key]; ok {
		e.creations -= n
		x.of[key] = e
	}
}

func (x *expectations) deleted(key apiserver.Key, n int) {
	if e, ok := x.of[key]; ok {
		e.deletions -= n
		x.of[key] = e
	}
}

func (x *expectations) drop(key apiserver.Key) { delete(x.of, key) }
