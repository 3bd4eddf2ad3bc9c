// Package nodes holds what acts on nodes that fail against the real ones, whole:
// the node lifecycle controller, taint eviction and the garbage collector of pods of
// kube-controller-manager, each alone and all together.
//
// There are no kubelets: a script renews Leases and writes statuses as they would,
// for the nodes that are not silent at the moment. It adds and removes nodes, taints
// and pods, and has requests fail, before they are carried out or after. At every
// rest, ten seconds apart, the nodes' conditions and taints with their times, the
// pods and the Events have to be the same.
//
// The periods, rates and the quarantine are a little off their defaults on
// both sides, so that none of them ends together with a tick: which comes first
// would be chance.
package nodes
