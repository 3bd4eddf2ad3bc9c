// Package volumes holds package volume against the controllers that it stands
// for: upstream's PersistentVolume controller, pvc-protection and
// pv-protection, as they run in the controller manager, with informers.
//
// Both sides work on a server of sim/apiserver of their own, with the same seed
// and hence the same UIDs, so that only the controllers differ. A random script
// of a user's requests (volumes and claims of all sorts, pods that use them,
// deletions, edits) is played to both; upstream runs in a testing/synctest
// bubble and sees its server through a fake clientset. After each request two
// seconds pass, now and then as many as a resync or two need, and at each rest
// the volumes, claims and Events must be equal.
//
// Normalised:
//
//   - Versions and times are left out.
//   - Events count once, whatever their count; their order is left out: the two
//     controllers and the operations run side by side.
//   - Upstream leaves open which of several equal volumes a claim gets, which
//     of several waiting claims is tried first after a resync, and which of two
//     workers and operations is first. Ours runs without latency under even
//     seeds and with some under odd ones. So upstream's outcome must be one of ours under some
//     seed (at most [seeds] are tried), and in TestTies the sets of outcomes of
//     many runs are equal.
//   - The recycler is a plugin that has nothing to do: ours is no pod (package
//     volume, Deviation), and the Event RecyclerPod is left out.
package volumes
