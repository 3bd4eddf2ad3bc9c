package sim

import (
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Event is something that happened in a cluster, or that is going to: an arrival
// of a request or of what a watch delivers, or an actor that wakes up.
type Event struct {
	// Seq is its number. Events are numbered in the order in which they were
	// planned.
	Seq uint64
	// By is the component that it happens to.
	By string
	// What happens, of an event that is pending (Pending).
	What string
	// Background is set of a pending event that nobody waits for.
	Background bool
	// Incidental is set of a pending event that is about Events alone.
	Incidental bool
	// At is for when it was planned.
	At time.Time
	// Cause is the event in which it was planned; 0 means a request from outside,
	// or the cluster's beginning.
	Cause uint64
}

// Event returns an event by its number, of which a Record's Cause is one. It
// returns false for 0, and for all of them without Config.Causes.
func (c *Cluster) Event(seq uint64) (Event, bool) {
	defer c.end(c.look("Event"))
	return c.event(seq)
}

func (c *Cluster) event(seq uint64) (Event, bool) {
	by, ev, ok := c.host.Origin(seq)
	if !ok {
		return Event{}, false
	}
	return Event{Seq: seq, By: by, At: apiserver.WallTime(ev.At), Cause: ev.Cause}, true
}

// Causes returns the events that led to a record, the one in which it was written
// first, the one that nothing but a request from outside has caused last.
func (c *Cluster) Causes(rec *apiserver.Record) []Event {
	defer c.end(c.look("Causes"))
	var chain []Event
	for ev, ok := c.event(rec.Cause); ok; ev, ok = c.event(ev.Cause) {
		chain = append(chain, ev)
	}
	return chain
}

// Choices returns the choices that were made so far, and the concerns of which
// spans of time were drawn, if Config.Strategy.Keep is set.
func (c *Cluster) Choices() (made []engine.Choice, spans []engine.Concern) {
	defer c.end(c.look("Choices"))
	e := c.host.Engine()
	return slices.Clone(e.Taken()), slices.Clone(e.Spans())
}
