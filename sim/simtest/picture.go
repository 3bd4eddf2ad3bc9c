package simtest

import (
	"errors"
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// named is what a picture needs of a test.
type named interface{ Name() string }

// picture writes the history of a cluster that has failed as a page, up to the
// violation if there is one, with what was done, and returns where it is, in words.
func picture(tb named, c *sim.Cluster, cause error, done []trace.Mark) string {
	recs := c.History()
	var v *Violation
	if errors.As(cause, &v) && v.Row <= len(recs) {
		recs = recs[:v.Row]
	}
	t := trace.Timeline{Title: tb.Name(), Marks: done}
	if len(recs) > 0 && recs[len(recs)-1].Cause != 0 {
		t.CauseOf = func(event uint64) uint64 { ev, _ := c.Event(event); return ev.Cause }
	}
	now := engine.Time(c.Now().Sub(apiserver.WallTime(0)))
	if cause != nil {
		at := now
		if v != nil && len(recs) > 0 {
			at = recs[len(recs)-1].Time
		}
		t.Marks = append(t.Marks[:len(t.Marks):len(t.Marks)], trace.Mark{At: at, Text: firstLines(cause.Error(), 1), Misfortune: true})
	}
	for _, w := range c.Waiting() {
		if lines := c.Why(w.Kind, w.Key.Namespace, w.Key.Name).Lines(); len(lines) > 0 {
			t.Why = append(t.Why, trace.Explanation{At: now, Kind: w.Kind, Key: w.Key, Lines: lines})
		}
	}
	file, err := trace.Save(unboxed(tb), recs, t)
	if err != nil {
		return fmt.Sprintf("A picture could not be written: %v", err)
	}
	return "A picture of it, for a browser: " + file
}

// unboxed returns the test itself.
func unboxed(tb named) named {
	if b, ok := tb.(*boxed); ok {
		return b.TB
	}
	return tb
}
