package sim

import "github.com/statefulsim/statefulsim/sim/state"

// Fork returns an independent copy of the cluster as it is now: run on alike,
// both give equal histories, and neither sees the other. Watches and OnRecord
// stay with the original; the history is shared up to here. It can be called in
// the callbacks of OnStep, OnRecord and RunUntil, but not by an Actor or a
// Workload, which are at work on the original: there it panics.
func (c *Cluster) Fork() *Cluster {
	began := c.look("Fork")
	defer c.end(began)
	if !began && c.isMidEvent() {
		c.refuse("Fork")
	}
	return state.Copy(c.host.Engine().Owner().Fork(), c)
}
