// Package disrupting holds package sim/disruption against upstream's disruption
// controller as it runs in the controller manager, with informers, queues and an
// event broadcaster. Evictions are sim/apiserver's on both sides.
//
// Both sides work on a server of sim/apiserver of their own, with the same seed and
// hence the same UIDs, so that only the controllers differ. A random script of
// a user's requests is played to both: budgets of all sorts, pods that come, become
// ready, change their labels, are evicted or deleted; the controllers that the pods
// say they belong to (of the four kinds that have a scale, of one that has none, of
// one that nobody knows, of another UID, not there); budgets that are told of an
// eviction that never happens, and pods of a preemption that does not. Upstream runs
// in a testing/synctest bubble, whose clock shows what the virtual clock shows.
// Between the requests pass one or two seconds, or what the two timeouts of two minutes
// need, and at each rest the budgets with their status, the pods with their
// condition and the Events must be equal, times included.
//
// Normalised:
//
//   - Versions are left out. Events count once, whatever their count, without their
//     order: how many syncs a change causes depends on when the informers bring it.
//   - Where several budgets select a pod, and where several pods have no controller
//     that can be found, upstream takes one in the order of a map. Its listers are wrapped: it
//     takes the first by name, and so does ours, where both are choices, under the
//     strategy First.
//   - Whether upstream sees an eviction in the budget before it sees the deletion
//     of the pod, and so looks again after two minutes, is a race of its informers:
//     where it differs it is played again, up to twenty times.
package disrupting
