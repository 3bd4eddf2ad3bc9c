package sim

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Pending returns the events that are about to happen, in the order in which they
// will. It is for those who search other orders, with StepOf.
func (c *Cluster) Pending() []Event {
	defer c.end(c.look("Pending"))
	list := c.host.Engine().Events()
	events := make([]Event, len(list))
	for i, ev := range list {
		by, what := c.host.Describe(ev)
		events[i] = Event{Seq: ev.Seq, By: by, What: what, At: apiserver.WallTime(ev.At), Cause: ev.Cause,
			Background: ev.Class == engine.Background, Incidental: c.host.IsIncidental(ev)}
	}
	return events
}

// StepOf runs a pending event out of its turn. The clock moves to its time, unless
// that is past: what is passed over by that happens late. It returns false if no such
// event is pending.
func (c *Cluster) StepOf(seq uint64) bool {
	c.drive("StepOf")
	defer c.done()
	ok := c.host.StepOf(seq)
	if ok {
		c.collect()
	}
	return ok
}

// ExactHash is Hash, but tells two clusters apart of which something happens
// periodically at different times from now on, once it happens: the retries of a
// kubelet, the binder's walks. It is for those who search every order, and would rather
// see a state twice.
func (c *Cluster) ExactHash() uint64 {
	defer c.end(c.look("ExactHash"))
	return c.hash(true)
}

// Answers has all choices from here on answered otherwise: an unseeded cluster takes
// the first of the legal outcomes, and the shortest of all latencies, but for the
// answers of a trail, which come first. From then on no seed names the history: it is
// for those who search, in forks, and save what they chose (Choices).
func (c *Cluster) Answers(trail []uint64) {
	c.drive("Answers")
	defer c.done()
	c.host.Engine().Answer(engine.Strategy{Mode: engine.Replay, Trail: trail, Keep: true})
}

// Reseed has all choices and latencies from here on answered by another seed. It is for
// those who search many futures, in forks that share their past: no single seed names
// the history any more.
func (c *Cluster) Reseed(seed uint64) {
	c.drive("Reseed")
	defer c.done()
	c.host.Engine().Reseed(seed)
}

// Latest returns the records that the last event, or the last request from outside,
// has written. They are shared and must not be changed, and the slice is good until the
// next event.
func (c *Cluster) Latest() []*apiserver.Record {
	defer c.end(c.look("Latest"))
	return c.latest
}

// Ran returns the component whose event ran last, "kubelet" for each node's.
func (c *Cluster) Ran() string {
	defer c.end(c.look("Ran"))
	return c.host.Last()
}

// Newest returns, for each object of a kind in a namespace (empty means all), the record
// of its newest state, by namespace and name. It is for those who look after every event:
// the objects are shared and must not be changed.
func (c *Cluster) Newest(kind apiserver.Kind, namespace string) []*apiserver.Record {
	defer c.end(c.look("Newest"))
	return c.host.Server().Newest(kind, namespace)
}

// String is "statefulset-controller: create Pod default/web-0".
func (e Event) String() string { return fmt.Sprintf("%s: %s", e.By, e.What) }
