// Package plugin holds the plugins of the default scheduler as functions: each
// filter with its reasons, each score with its normalisation, and the events
// that may help a pod that a plugin rejected. A [Cluster] is the snapshot they
// read, kept up to date event by event; a [Cycle] is one pod's attempt.
//
// A cycle costs what it looks at, not what the cluster holds: counts of pods are
// kept by selector, and nodes that offer the same and bear the same load have
// one shape, which [Cycle.Sample] filters and scores once for all of them. A pod
// with wishes of its own (affinity, constraints, ports) is tried node by node.
//
// Rules held here, by their numbers in sim/RULES.md: C1 (the plugins and their
// weights), C2 (the system's default spread), C3 (resource scores), C5 (which
// nodes are equally good), the reasons of C10 (§0.6), M3 and M12.
package plugin
