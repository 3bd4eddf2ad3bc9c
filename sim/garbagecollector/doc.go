// Package garbagecollector deletes what has lost its owners: the generic
// garbage collector of kube-controller-manager as a [controller.Actor].
//
// It keeps a graph of who owns whom, by UID, from the watch records of the
// kinds it is given. Two queues work on it, each with twenty workers:
//
//   - attempts to delete: an object all of whose owners are gone is deleted
//     (S38), with its UID and version as preconditions; an object that waits
//     for its dependents is released when the last one that blocks it is gone
//     (S39);
//   - attempts to orphan: the dependents of an object deleted with that
//     propagation lose their reference to it, then its finalizer goes (S40).
//
// An owner that is referred to but was not seen yet is a virtual node: a live
// GET tells whether it exists. No decision trusts the graph alone; each begins
// with a live GET of the object and of its owners, as upstream, but for owners
// that are known to be absent.
//
// The order in which dependents are queued is a choice (concern "gc-order"):
// upstream's is that of a Go map. Nothing orders them by their ordinal.
//
// Rules held: S38, S39, S40; the queue's backoff is S1's.
//
// Deviation: owners of kinds that nobody can watch (those without behaviour)
// are looked up when a dependent appears, and not polled after that; upstream
// watches all kinds. Their dependents outlive them until they are written
// again.
//
// Deviation: the conflicts of a finalizer's removal are retried at once, four
// times in all; upstream sleeps 10, 50 and 250 ms between.
//
// Deviation: its Events come from the component generic-garbage-collector, the
// name of its account; upstream's recorder says garbage-collector-controller.
package garbagecollector
