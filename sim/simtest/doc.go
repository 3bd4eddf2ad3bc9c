// Package simtest is a simulated cluster inside a Go test.
//
// [New] returns a cluster whose errors fail the test:
//
//	c := simtest.New(t, sim.Config{Provision: true})
//	c.Always()             // hold it to every invariant, from here on
//	c.MustApply(manifest)
//	c.MustSettle()         // nothing is stuck
//	c.Ready("web", 3)      // three pods, and their processes on the nodes
//
// The test, a [TB], is a *testing.T, B or F, or a *rapid.T. When it fails, it
// prints the last rows of the cluster's history and the command that runs it
// again, with the seed, and leaves a picture, whose path it prints: once. The
// picture is a page with the tables of every moment and why what waits does; with
// go test -artifacts it is among the test's artifacts, else in the folder
// statefulsim of the system's temporary files.
//
// An expectation passes only if what it says is true on the nodes, too:
// [T.MustSettle], [T.Ready] and [T.Images] compare the API with the processes
// that run ([sim.Cluster.Processes]). What is to wait for help from outside is
// said with [T.MustSettleWaiting]; what takes its time, with [T.Eventually].
//
// An [Invariant] is a property of every state that a cluster passes through. A
// [Monitor] checks invariants after every event, against the API's objects and,
// where it matters, against the processes on the nodes. [All] are those that
// hold as long as nothing goes wrong; [UnderFaults] are those that hold whatever
// goes wrong.
//
// [Explore] tries random histories of a world of your own, under properties of your own
// and the named promises of Kubernetes (packages model and explore).
//
// [Trial.Check] does random things to a StatefulSet, at random moments, in either
// management policy: everything that users do, nodes that crash, views that are
// late, requests that fail. No invariant may be broken, and when all is healed
// the set must become ready and updated. What it does is a [Script] of
// [Operation]s: text, one operation a line, which a failure leaves in
// testdata/simtest, as small as it can be made, to be edited and replayed.
//
// What Kubernetes itself does wrong is known here, and told apart from a defect
// of the cluster:
//
//   - a rollout that is stuck on a bad pod until a user deletes it (S29): a user
//     does;
//   - a process that runs on beside its successor after a force deletion (N6);
//   - decisions from caches that are behind (S1): an order is held against what
//     the controller had seen;
//   - a Parallel rollout with updateStrategy.rollingUpdate unset, which may
//     create and delete one pod for ever (the operation strategy avoids it);
//   - a set that is re-created at once and gets the status, with a higher
//     observedGeneration, of its predecessor.
//
// Flags of the test binary: -simtest.seed runs clusters with another seed,
// -simtest.replay runs a saved script or history, -sim.shard searches one part of several,
// -simtest.rows says how much history is
// printed.
//
// A node that crashes is silent for the API: its pods are not ready, and five
// minutes later they are evicted (N1 to N4).
package simtest
