// Package shared tells that two maps or lists are one in memory.
//
// Stored objects are immutable, and a successor shares with its predecessor what
// it took over as it was. So two that are one are equal, which costs next to
// nothing to see, while to compare what is in them takes longer than most
// decisions do.
//
//	shared.Equal(was.Labels, now.Labels)
//
// It models nothing of Kubernetes.
package shared
