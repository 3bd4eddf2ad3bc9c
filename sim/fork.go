package sim

import "github.com/statefulsim/statefulsim/sim/state"

// Fork returns an independent copy of the cluster as it is now: run on alike,
// both give equal histories, and neither sees the other. Watches and OnRecord
// stay with the original; the history is shared up to here.
func (c *Cluster) Fork() *Cluster {
	return state.Copy(c.host.Engine().Owner().Fork(), c)
}
