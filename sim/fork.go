package sim

import (
	"maps"
	"slices"
)

// Fork returns an independent copy of the cluster as it is now: run on alike,
// both give equal histories, and neither sees the other. Watches and OnRecord
// stay with the original; the history is shared up to here.
func (c *Cluster) Fork() *Cluster {
	f := *c
	f.host = c.host.Fork()
	f.kubelets = maps.Clone(c.kubelets)
	f.history.recs = slices.Clip(c.history.recs)
	f.latest, f.watchers = nil, nil
	return &f
}
