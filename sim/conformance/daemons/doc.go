// Package daemons holds package sim/daemonset against upstream's controller as it runs
// in the controller manager, with informers, queues and an event broadcaster.
//
// Both sides work on a server of sim/apiserver of their own, with the same seed. A
// random script is played to both: a DaemonSet with all strategies and places that is
// given other images, numbers and selectors of nodes, deleted and made again; nodes
// that come, go, are labelled and tainted; pods that are bound, become ready, fail,
// succeed, change their labels, are deleted, gone or nobody's; revisions that lose
// their label or their owner, are copied, or have taken a name; and requests of the
// controller that fail. Upstream runs in a testing/synctest bubble, whose clock shows
// what the virtual clock shows. At each rest the set with its status, its revisions,
// the pods of each node and the Events must be equal, times included.
//
// Upstream walks over nodes in the order of a map, and so chooses at random which pod
// goes first. Ours has to be able to choose the same: its choices are searched, step by
// step, until they give what upstream did.
//
// Normalised:
//
//   - Versions are left out, and the names of pods: which of those created side by
//     side gets which is a race. A pod is known by its node and its age.
//   - Events count once, whatever their count, without the names of pods in them;
//     combined ones are left out.
//   - What races between upstream's informers and its workers is played again, a few
//     times.
package daemons
