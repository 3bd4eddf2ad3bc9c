// Package collecting holds package garbagecollector against the one that it
// stands for: upstream's NewGarbageCollector, run as the controller manager runs
// it, with its graph builder, its metadata informers and twenty workers a queue.
//
//	go test .                                   3,000 histories
//	go test . -states 20000 -seed 2 -timeout 1h
//	go test . -run TestHistories -rapid.seed=N  one history that failed, again
//
// The histories of a seed are always the same.
//
// Both sides work on a server of sim/apiserver of their own, so that only the
// collectors differ. A random script is played to both. It begins with objects
// that own each other, as they are when the collector starts: several owners,
// blocking or not, owners that were never there or that are a later object of
// the name, references that lie about kind or name, owners in another namespace,
// owners of kinds that nobody knows, circles, a StatefulSet with its pods,
// revision and claims. Then a user creates, deletes with each propagation and
// grace, changes owners and finalizers; requests of the collector fail; and
// behind a request of the collector a user touches, changes or deletes its
// object. Upstream runs in a testing/synctest bubble. At each rest these are
// equal: every object with its references, finalizers and deletion, the Events,
// what the collector's writes changed, and the writes that it asked for, with
// their propagation, preconditions and answers. [scenes] are what the histories
// have to reach (S38, S39, S40, A9). TestOrders compares the orders in which the
// dependents of a set go.
//
// # What is normalised
//
//   - Versions and times are left out; UIDs are written as names. Names of
//     upstream's Events get a suffix: they hold the time, which stands still.
//   - What happens between two rests is compared as a set. The order among
//     dependents is that of a Go map upstream (graph_builder.go,
//     processGraphChanges; S38), and how often the same is asked for depends on how
//     soon an answer is seen. Reads are left out: who first learns that an owner
//     is absent (absentOwnerCache) is open.
//   - What is open shows in the outcome, too: whether a circle is noticed, or an
//     owner goes before a dependent that does not block it. So upstream's rest
//     must be one of ours: [search] tries other latencies, at most so many. The
//     first try is upstream's in all but a few of a hundred histories.
//   - Requests of upstream's take a time of their own, at most [maxLag], as those
//     of ours do. Without it the scheduler of Go decides, and may let one worker
//     be overtaken by all others. For the same reason the first lists of two kinds
//     come one after the other, in any order: ours takes in a list at once.
//   - A write that changes nothing does not count: the server compares for
//     upstream, as the real one does for all (package apiserver, Deviation).
//   - Upstream's pause after a conflict of a finalizer's removal is spent (package
//     garbagecollector, Deviation).
//
// Not drawn: owners of kinds that exist and that the collector does not watch
// (package garbagecollector, Deviation); references of one object to several
// objects that succeeded each other under one key, and a user or a failure that
// meets the first of two equal requests of one instant (unmistakable): which of
// two such requests comes first is open upstream, and not to be told apart in
// ours, where equal requests of one instant are under way for equally long; and
// reads or deletions that are answered NotFound although the object is there,
// which no server does.
package collecting
