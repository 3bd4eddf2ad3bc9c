// Package replicaset is the ReplicaSet controller of kube-controller-manager: it
// keeps as many pods as a ReplicaSet asks for, and its status.
//
// The rules that it holds, by their numbers in the project's list:
//
//   - W1: pods that the selector does not match are released, orphans that it
//     matches are adopted, after a live read of the owner.
//   - W2: pods are created in batches of 1, 2, 4 …, 500 at most in a sync; the first
//     batch in which one fails is the last.
//   - W3: which pods go first: those without a node, Pending, not ready, of lower
//     deletion cost, doubled up on a node, ready or created lately.
//   - W4: until the watch has brought what was created and deleted (or for five
//     minutes) nothing more is; until it has brought what was written, there is no
//     sync at all.
//   - W5: the status counts active pods, and with minReadySeconds it is looked at
//     again when the next one becomes available. Once a status write has failed it
//     is tried again with what the server has.
//
// Upstream's sync lists the pods of the set. Here a roster for each counts them as
// they change, and a sync costs as much as has changed; only one that deletes pods
// walks over all of them.
//
// Left open by upstream, and chosen here: which of equal pods is deleted.
//
// Deviation: the pods that double up on a node are those of ReplicaSets and of
// nobody; upstream counts any that the family's selectors match. The releases of a
// sync come before its adoptions.
package replicaset
