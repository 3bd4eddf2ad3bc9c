package sim

import "slices"

// Fork returns an independent copy of the cluster as it is now: run on alike,
// both give equal histories, and neither sees the other. Watches and OnRecord
// stay with the original; the history is shared up to here.
func (c *Cluster) Fork() *Cluster {
	f := *c
	f.host = c.host.Fork()
	f.history.recs = slices.Clip(c.history.recs)
	f.latest, f.watchers = nil, nil
	f.digests = c.digests.fork()
	return &f
}
