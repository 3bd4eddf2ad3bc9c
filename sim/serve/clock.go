package serve

import (
	"math"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Pace is how many seconds of the cluster pass in a second of the machine's
// clock, which in a bubble of testing/synctest is the bubble's. The zero Pace is
// real time.
type Pace float64

// Paces beside a number.
const (
	// Paused: nothing happens by itself. Requests are answered.
	Paused Pace = -1
	// RealTime is a second for a second.
	RealTime Pace = 1
)

// Eager is as fast as possible: whenever no client is being answered and none has
// something to read, the cluster goes on to its next event. Where nothing is
// left but retries, they come one by one, a few dozen a second.
var Eager = Pace(math.Inf(1))

// Eager's patience: for how long nobody must have asked for anything before the
// cluster goes on, if somebody watches, and how far apart retries are.
const (
	patience = 300 * time.Microsecond
	retries  = 20 * time.Millisecond
)

// again is when a request is looked at again that waits for something, as
// upstream's admission does.
const again = 100 * time.Millisecond

// slice is the longest span that the cluster is run for at a time: between two
// of them requests are answered.
const slice = time.Second

// clock says what time it should be in the cluster.
type clock struct {
	pace  Pace
	wall  time.Time // when it was set
	start time.Time // and to what
	fault error     // why it stands still
}

func (k *clock) set(pace Pace, now time.Time) {
	if pace == 0 {
		pace = RealTime
	}
	k.pace, k.wall, k.start = pace, time.Now(), now
}

// eager reports whether the cluster does not go by the machine's clock.
func (k *clock) eager() bool { return math.IsInf(float64(k.pace), 1) }

// ticks reports whether it does.
func (k *clock) ticks() bool { return k.fault == nil && k.pace > 0 && !k.eager() }

// due is what the cluster's clock should show.
func (k *clock) due() time.Time {
	return k.start.Add(time.Duration(float64(time.Since(k.wall)) * float64(k.pace)))
}

// until is how long it is, by the machine's clock, to a moment of the cluster's.
func (k *clock) until(at time.Time) time.Duration {
	span := float64(at.Sub(k.start))/float64(k.pace) - float64(time.Since(k.wall))
	return time.Duration(min(max(math.Ceil(span), 0), float64(time.Hour)))
}

// present brings the cluster to the present, or a slice nearer to it if things
// have happened meanwhile.
func (s *Server) present() {
	if !s.clock.ticks() {
		return
	}
	due := s.clock.due()
	behind := due.Sub(s.cluster.Now())
	if at, _, ok := s.cluster.Next(); ok && !at.After(due) {
		behind = min(behind, slice)
	}
	if behind > 0 {
		s.run(behind)
	}
}

// run lets a span of time pass. If a run comes to a limit, the clock stands
// still, and /readyz says why.
func (s *Server) run(d time.Duration) {
	if s.clock.fault == nil {
		s.clock.fault = s.cluster.Run(d)
	}
}

// pass waits for a span of the cluster's time, and reports whether it can pass.
func (s *Server) pass(d time.Duration) bool {
	s.mu.Lock()
	k := s.clock
	if k.fault == nil && k.eager() {
		s.run(d)
		s.journal.publish()
	}
	s.mu.Unlock()
	switch {
	case k.fault != nil || k.pace == Paused:
		return false
	case k.eager():
		return true
	}
	select {
	case <-time.After(k.until(k.due().Add(d))):
		return true
	case <-s.ending:
		return false
	}
}

// SetPace sets how the clock goes from now on.
func (s *Server) SetPace(p Pace) {
	s.own(func(c *sim.Cluster) { s.clock.set(p, c.Now()) })
}

// drive moves the clock until the server is closed. Between two looks it waits
// until something is due, or somebody has come.
func (s *Server) drive() {
	defer close(s.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, ok := s.advance()
		if ok {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-s.ending:
			return
		case <-s.kick:
		case <-timer.C:
		}
	}
}

// advance lets happen what is due, and returns when to come again; false means
// when somebody has come.
func (s *Server) advance() (time.Duration, bool) {
	quiet := s.quiet()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.journal.publish()
	if s.clock.eager() {
		return s.advanceEagerly(quiet)
	}
	s.present()
	at, _, ok := s.cluster.Next()
	if !ok || !s.clock.ticks() {
		return 0, false
	}
	return s.clock.until(at), true
}

// quiet reports whether no client is being answered, or has something to read,
// and none has come meanwhile.
func (s *Server) quiet() bool {
	if s.journal.watched() == 0 && s.asked.Load() == 0 {
		return true
	}
	before := s.moves.Load()
	if s.asked.Load() > 0 || s.journal.behind() {
		return false
	}
	time.Sleep(patience)
	return s.moves.Load() == before && s.asked.Load() == 0 && !s.journal.behind()
}

// advanceEagerly runs events until one has written something, or comes later
// than the others.
func (s *Server) advanceEagerly(quiet bool) (time.Duration, bool) {
	at, class, ok := s.cluster.Next()
	switch {
	case !ok || s.clock.fault != nil:
		return 0, false
	case !quiet:
		return patience, true
	}
	if class == engine.Retry {
		if since := time.Since(s.clock.wall); since < retries {
			return retries - since, true
		}
		s.clock.wall = time.Now()
	}
	s.run(max(at.Sub(s.cluster.Now()), 0))
	return 0, true
}
