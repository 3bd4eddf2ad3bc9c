// Package nodelifecycle is the node lifecycle controller: it says that a node is
// silent, taints nodes by what their conditions say, and has the pods of a silent
// one say that they are not ready (pkg/controller/nodelifecycle).
//
//	monitor.go     the passes: which nodes come and go, how the zones are
//	health.go      one node in a pass: signs of life, conditions, taints, pods
//	zone.go        zones, and the queues for NoExecute taints with their limits
//	noschedule.go  NoSchedule taints and old labels, at every change of a node
//	taint.go       the way to other taints
//	pods.go        MarkPodsNotReady
//
// Nothing of it ticks while all is well. Upstream looks at every node each 5 s and
// at its queues each 100 ms; here a pass takes place only if there is something
// that it would find, and at the tick at which upstream's would. Renewals of
// Leases that a [Heartbeats] computes are not written: the controller asks for
// them. Others, by anybody else, count as they are written.
//
// Rules held: N1 to N3.
//
// Deviations from Kubernetes:
//   - Deviation: a node that is known to be silent and says so is not looked at
//     again until it or its Lease changes; upstream reads its Lease at each tick.
//   - Deviation: retries of taints and conditions come without upstream's pauses
//     of 20 and 100 ms.
//   - Deviation: a zone whose nodes are all excluded from disruption checks keeps
//     its limit from pass to pass.
package nodelifecycle
