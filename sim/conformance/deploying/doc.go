// Package deploying holds packages sim/replicaset and sim/deployment against
// upstream's controllers as they run in the controller manager, with informers,
// queues and event broadcasters, both at once.
//
// Both sides work on a server of sim/apiserver of their own, with the same seed and
// hence the same UIDs and names, so that only the controllers differ. A random
// script of a user's requests is played to both: Deployments of all strategies that
// are scaled, paused, given other images, rolled back by annotation, changed in every
// number; ReplicaSets of their own, relabelled, deleted with and without their pods;
// pods that become ready, fail, change their labels, are deleted or belong to nobody;
// and requests of the controllers that fail. Upstream runs in a testing/synctest
// bubble, whose clock shows what the virtual clock shows. At each rest the
// Deployments and ReplicaSets with their status, the pods with their owners and the
// Events must be equal, times included.
//
// Normalised:
//
//   - Versions are left out. Events count once, whatever their count, without their
//     order: how many syncs a change causes depends on when the informers bring it. Those
//     about a pod do not name it: after ten they are combined, and which is the
//     eleventh is a race; combined ones are left out. Upstream's get names of their
//     own, since two of one instant would have the same.
//   - Upstream's index of pods lists in the order of a map. It is wrapped, and lists by
//     name; so does ours, where it is a choice, under the strategy First.
//   - When a progress deadline is found to be over, in the second after it or at its end,
//     depends on which timer a conflict has replaced: those times are left out.
//   - What races between upstream's informers and its workers is played again, up to
//     twenty times, until upstream does what ours does.
package deploying
