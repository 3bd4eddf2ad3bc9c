package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Now returns the virtual time, in UTC.
func (c *Cluster) Now() time.Time { return apiserver.WallTime(c.host.Engine().Now()) }

// Step runs the next event, which moves the clock to its time. It returns false
// if none is pending.
func (c *Cluster) Step() bool {
	ok := c.host.Step()
	if ok {
		c.collect()
	}
	return ok
}

// Run runs everything that happens within a span of virtual time and leaves
// the clock at its end. It is bounded by Limits.Steps alone.
func (c *Cluster) Run(d time.Duration) error {
	e := c.host.Engine()
	end := e.Now().Add(d)
	for n := uint64(0); ; n++ {
		ev, ok := e.Peek()
		if !ok || ev.At > end {
			break
		}
		if n >= c.cfg.limits().Steps {
			return c.bounded("Run", n)
		}
		c.Step()
	}
	e.AdvanceTo(end)
	return nil
}

// RunUntil runs until done returns true, which is asked before the first event
// and after each. It returns an error if the cluster comes to a stop before,
// or at a limit; the error says what the cluster was waiting for.
func (c *Cluster) RunUntil(done func() bool) error {
	l := c.cfg.limits()
	end := c.host.Engine().Now().Add(l.Time)
	for n := uint64(0); !done(); n++ {
		ev, ok := c.host.Engine().Peek()
		switch {
		case !ok:
			return &StuckError{Reason: "nothing is left to happen", Waiting: c.Waiting()}
		case n >= l.Steps || ev.At > end:
			return c.bounded("RunUntil", n)
		}
		c.Step()
	}
	return nil
}

// Outcome is how a cluster came to rest.
type Outcome uint8

// The outcomes.
const (
	// Quiescent: nothing is under way and nothing will be tried again.
	Quiescent Outcome = iota + 1
	// Retrying: nothing changes any more, but something is tried again and
	// again; Settled.Waiting says what.
	Retrying
)

func (o Outcome) String() string {
	return map[Outcome]string{Quiescent: "quiescent", Retrying: "retrying"}[o]
}

// Settled is the result of Settle.
type Settled struct {
	Outcome Outcome
	// Waiting is what is unfinished, in a fixed order. A quiescent cluster may
	// have unfinished things, too, which only a change from outside can help.
	Waiting []controller.Wait
}

// Settle runs until the cluster rests: no progress is pending, and every retry
// that was pending has run once and has brought nothing new. It returns an
// error at a limit.
func (c *Cluster) Settle() (Settled, error) {
	l := c.cfg.limits()
	e := c.host.Engine()
	end := e.Now().Add(l.Time)
	seen := map[uint64]bool{} // canonical states of objects since the call
	var last uint64           // the newest event when things had last changed
	left := 0                 // retries up to that one which have not run since
	rested := false
	for n := uint64(0); ; n++ {
		if e.Pending(engine.Progress) == 0 {
			if e.Pending(engine.Retry) == 0 {
				return Settled{Quiescent, c.Waiting()}, nil
			}
			if !rested {
				rested, last, left = true, e.Latest(), e.Pending(engine.Retry)
			}
			if left == 0 {
				return Settled{Retrying, c.Waiting()}, nil
			}
		}
		ev, _ := e.Peek()
		if n >= l.Steps || ev.At > end {
			return Settled{}, c.bounded("Settle", n)
		}
		if rested && ev.Class == engine.Retry && ev.Seq <= last {
			left--
		}
		before := c.host.Server().Version()
		c.Step()
		if rested && c.host.Server().Version() != before && c.isNews(seen) {
			rested = false
		}
	}
}

// isNews reports whether the last step wrote a state that was not seen before
// since Settle began, its counters aside.
func (c *Cluster) isNews(seen map[uint64]bool) bool {
	news := false
	for _, rec := range c.latest {
		if rec.Kind == apiserver.Event {
			continue
		}
		h := apiserver.Canonical(rec.Object)
		if !seen[h] {
			seen[h] = true
			news = true
		}
	}
	return news
}

// Waiting lists what the cluster has not finished and why, by kind and key.
func (c *Cluster) Waiting() []controller.Wait { return c.host.Waiting() }

// StuckError says that a run ended before what it was run for.
type StuckError struct {
	Reason  string
	Waiting []controller.Wait
}

func (e *StuckError) Error() string {
	var b strings.Builder
	b.WriteString(e.Reason)
	for i, w := range e.Waiting {
		if i == 10 {
			fmt.Fprintf(&b, "; and %d more", len(e.Waiting)-i)
			break
		}
		fmt.Fprintf(&b, "; %s %s: %s", w.Kind, w.Key, w.Reason)
	}
	return b.String()
}

func (c *Cluster) bounded(what string, steps uint64) error {
	return &StuckError{
		Reason:  fmt.Sprintf("%s reached its limit after %d events at %s (seed %d)", what, steps, c.Now().Format(time.RFC3339), c.cfg.Seed),
		Waiting: c.Waiting(),
	}
}
