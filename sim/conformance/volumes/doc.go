// Package volumes holds package volume against the controllers that it stands
// for: upstream's PersistentVolume controller, pvc-protection, pv-protection and
// volume-expand, as they run in the controller manager, with informers.
//
// Both sides work on a server of sim/apiserver of their own, so that only the
// controllers differ. A random script of a user's requests (volumes and claims
// of all sorts, pods that use them, deletions, edits, the scheduler's part of a
// delayed binding) is played to both; upstream runs in a testing/synctest bubble
// and sees its server through a fake clientset. After each request two seconds
// pass, now and then as many as a resync or two need. At each rest both sides
// must have answered the user alike, written the same states of volumes and
// claims in the same order, each by the same controller, and left the same
// Events. Some steps have a fault ([fault]): the binder's next write is refused,
// or the controller manager ends between two of its writes and starts again.
// TestEveryWrite has both at each write of every way to bind (V8).
//
// Upstream leaves open which of several equal volumes a claim gets, which of
// several waiting claims is tried first after a resync, and which of two workers
// and operations is first. In upstream's bubble each request and each delivery
// takes a span of its own by the script's seed ([world]); what is left to Go is
// the order of maps. Ours has such spans as well, and [search] looks for
// upstream's outcome among our seeds, from rest to rest. A script whose outcome
// is not found is played to upstream again a few times: another outcome of
// upstream is as good, and the only one is binding. TestTies counts the
// outcomes of many runs on both sides.
//
// Normalised:
//
//   - Versions and times are left out; UIDs are written as names.
//   - Events count once, whatever their count; their order is left out: the two
//     controllers and the operations run side by side.
//   - The recycler is a plugin that has nothing to do: ours is no pod (package
//     volume, Deviation), and the Event RecyclerPod is left out.
//   - Events of upstream that have one name, since a bubble's clock gave one
//     nanosecond to several, get names of their own.
//   - A list has the order of keys, in which ours begins, too. A real
//     informer's has none.
//
// Left out: what a binder that begins syncs twice, because its first resync came
// after a worker had begun ([volumeInformer]). Ours syncs it once.
package volumes
