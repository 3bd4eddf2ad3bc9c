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
func (c *Cluster) Now() time.Time {
	defer c.end(c.look("Now"))
	return c.now()
}

func (c *Cluster) now() time.Time { return apiserver.WallTime(c.host.Engine().Now()) }

// Next returns when the next event is due and of which class it is, and false
// if none is pending: until then a Run does nothing but move the clock.
func (c *Cluster) Next() (at time.Time, class engine.Class, ok bool) {
	defer c.end(c.look("Next"))
	ev, ok := c.host.Engine().Peek()
	if !ok {
		return time.Time{}, 0, false
	}
	return apiserver.WallTime(ev.At), ev.Class, true
}

// after is the moment a span from now, or the end of all time.
func (c *Cluster) after(d time.Duration) engine.Time {
	now := c.host.Engine().Now()
	if d > engine.Never.Sub(now) {
		return engine.Never
	}
	return now.Add(d)
}

// Step runs the next event, which moves the clock to its time. It returns false
// if none is pending.
func (c *Cluster) Step() bool {
	c.drive("Step")
	defer c.done()
	return c.step()
}

func (c *Cluster) step() bool {
	ok := c.host.Step()
	if ok {
		c.collect()
	}
	return ok
}

// Run runs everything that happens within a span of virtual time and leaves
// the clock at its end. It is bounded by Limits, but for Limits.Time (and for ten
// seconds or less by its span alone, as long as the clock moves). A negative span, or
// one beyond the end of the clock (292 years), is an error.
func (c *Cluster) Run(d time.Duration) error {
	c.drive("Run")
	defer c.done()
	_, err := c.await("Run", d, func() bool { return false })
	return err
}

// Await is Run, but ends as soon as done returns true: it is asked before
// the first event, after each, and when the clock has come to the end of the
// span. Await returns what it was told last. It panics if done is nil.
func (c *Cluster) Await(d time.Duration, done func() bool) (bool, error) {
	if done == nil {
		panic("sim: Await: done is nil")
	}
	c.drive("Await")
	defer c.done()
	return c.await("Await", d, func() bool { return c.asks("the predicate of Await", done) })
}

func (c *Cluster) await(call string, d time.Duration, done func() bool) (bool, error) {
	e := c.host.Engine()
	end := c.after(d)
	switch {
	case d < 0:
		return false, fmt.Errorf("cannot run for %v", d)
	case end == engine.Never:
		return false, fmt.Errorf("cannot run for %v from %s: the clock ends before", d, c.now().Format(time.RFC3339))
	}
	l := c.cfg.limits()
	c.progress.begin(c)
	c.progress.brief = d <= briefRun
	for n := uint64(0); !done(); n++ {
		ev, ok := e.Peek()
		if !ok || ev.At > end {
			e.AdvanceTo(end)
			return done(), nil
		}
		if n >= l.Steps {
			return false, c.bounded(call, n)
		}
		if err := c.overfull(call, l); err != nil {
			return false, err
		}
		c.step()
		if why := c.progress.check(c, &ev); why != "" {
			return false, c.endless(call, n+1, why)
		}
	}
	return true, nil
}

// RunUntil runs until done returns true, which is asked before the first event
// and after each. It returns an error if the cluster comes to a stop before,
// or at a limit; the error says what the cluster was waiting for. Done looks at
// the cluster as a callback of OnStep does. It panics if done is nil.
func (c *Cluster) RunUntil(done func() bool) error {
	if done == nil {
		panic("sim: RunUntil: done is nil")
	}
	c.drive("RunUntil")
	defer c.done()
	l := c.cfg.limits()
	end := c.after(l.Time)
	c.progress.begin(c)
	for n := uint64(0); !c.asks("the predicate of RunUntil", done); n++ {
		ev, ok := c.host.Engine().Peek()
		switch {
		case !ok:
			return &StuckError{Reason: "nothing is left to happen", Waiting: c.waiting()}
		case n >= l.Steps || ev.At > end:
			return c.bounded("RunUntil", n)
		}
		if err := c.overfull("RunUntil", l); err != nil {
			return err
		}
		c.step()
		if why := c.progress.check(c, &ev); why != "" {
			return c.endless("RunUntil", n+1, why)
		}
	}
	return nil
}

// asks asks whether a run has come to what it is for.
func (c *Cluster) asks(inside string, done func() bool) bool {
	c.guard.inside = inside
	is := done()
	c.guard.inside = ""
	return is
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
	c.drive("Settle")
	defer c.done()
	l := c.cfg.limits()
	e := c.host.Engine()
	end := c.after(l.Time)
	seen := map[uint64]bool{} // canonical states of objects since the call
	var last uint64           // the newest event when things had last changed
	left := 0                 // retries up to that one which have not run since
	rested := false
	c.progress.begin(c)
	for n := uint64(0); ; n++ {
		if e.Pending(engine.Progress) == 0 {
			if e.Pending(engine.Retry) == 0 {
				return Settled{Quiescent, c.waiting()}, nil
			}
			if !rested {
				rested, last, left = true, e.Latest(), e.Pending(engine.Retry)
			}
			if left == 0 {
				return Settled{Retrying, c.waiting()}, nil
			}
		}
		ev, _ := e.Peek()
		if n >= l.Steps || ev.At > end {
			return Settled{}, c.bounded("Settle", n)
		}
		if err := c.overfull("Settle", l); err != nil {
			return Settled{}, err
		}
		if rested && ev.Class == engine.Retry && ev.Seq <= last {
			left--
		}
		before := c.host.Server().Version()
		c.step()
		if why := c.progress.check(c, &ev); why != "" {
			return Settled{}, c.endless("Settle", n+1, why)
		}
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
		h := apiserver.Content(rec.Object)
		if !seen[h] {
			seen[h] = true
			news = true
		}
	}
	return news
}

// Waiting lists what the cluster has not finished and why, by kind and key. The
// reason says so if it hangs on something that is not modelled (Unmodelled).
func (c *Cluster) Waiting() []controller.Wait {
	defer c.end(c.look("Waiting"))
	return c.waiting()
}

func (c *Cluster) waiting() []controller.Wait {
	outer := c.guard.inside
	c.guard.inside = "Waiting of an Actor"
	waits := c.host.Waiting()
	c.guard.inside = outer
	return c.explained(waits)
}

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
		Reason:  fmt.Sprintf("%s reached its limit after %d events at %s (seed %d)", what, steps, c.now().Format(time.RFC3339), c.cfg.Seed),
		Waiting: c.waiting(),
	}
}

// endless ends a run of which nothing comes.
func (c *Cluster) endless(what string, steps uint64, why string) error {
	return &StuckError{
		Reason:  fmt.Sprintf("%s reached its limit after %d events at %s (seed %d): %s", what, steps, c.now().Format(time.RFC3339), c.cfg.Seed, why),
		Waiting: c.waiting(),
	}
}
