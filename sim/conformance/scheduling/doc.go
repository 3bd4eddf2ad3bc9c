// Package scheduling holds our scheduler against upstream's, state by state:
// k8s.io/kubernetes v1.37.2's scheduler with its default profile, its cache,
// queue, plugins and preemption, against packages scheduler and
// scheduler/plugin. C1–C5, C9, C10, C12 and M3 of sim/RULES.md.
//
// A [State] is drawn as objects: nodes, pods on them and pods that are promised
// one, claims, volumes and classes, Services and a StatefulSet, disruption
// budgets, and the pod to schedule. [Build] puts them into an API server, which
// defaults and validates them; what it then holds is given to both. Compared are
//
//   - the prefilters' verdict, and for every node the first plugin that rejects
//     it, its code and all its reasons;
//   - for every node that passes, the sum of the weighed and normalised scores;
//   - one whole cycle, by upstream's ScheduleOne and by our actor on a host: the
//     chosen node, or the message (FitError and its diagnosis, the preemption's
//     text) to the letter and whether it is an error, the node that the pod is
//     nominated for, and the pods that are preempted.
//
// Upstream's scheduler is made once. Its informers are ours ([informer]): they
// hand over whole objects synchronously and in one goroutine, so that a state
// costs less than a millisecond.
//
// How to run it: go test ./scheduling (20,000 states in less than a
// minute; -states N for more). A failure prints the
// difference, the state as manifests, and rapid's command that replays it. With
// -survey DIR it goes on instead, and files one example of each kind of
// difference.
//
// What is normalised, and why:
//
//   - Scores are compared as distances from the best node's: ours leaves out
//     what all nodes have in common. Upstream's parts are printed.
//   - Reasons of one node are sorted: insufficient scalar resources come in the
//     order of a Go map (fitsRequest). So are victims: they are deleted side by
//     side.
//   - Of nodes with the best score any is right (C5); which of them upstream
//     has falls out of racing workers (NewSortedScoredNodes).
//   - A nomination that repeats what the pod says already is none.
//   - Upstream's feature gate SchedulerAsyncPreemption is off, so that victims
//     are deleted before the cycle ends. It changes no decision.
//   - The snapshot is built afresh for each state: a pod whose node has never
//     existed counts as a user of its ReadWriteOncePod claims until the next
//     node comes or goes (applyPVCRefCountDelta). Ours never counts it.
//
// What is not drawn, and why:
//
//   - Two pods with one host port on one node: upstream forgets the port with
//     the first of them (HostPortInfo.Remove).
//   - Pods on nodes without a start time, or with equal ones: upstream orders
//     them by the wall clock and by their place on the node (GetPodStartTime).
//   - Clusters of 100 nodes and more, where not all nodes are looked at (C4).
//   - ReplicaSets and ReplicationControllers, CSI limits and capacities, dynamic
//     resources and pod groups: deviations of package scheduler.
//   - The queue and the binding cycle.
package scheduling
