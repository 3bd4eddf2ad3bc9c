// Package scheduler is the default scheduler, as a [controller.Actor]: it
// chooses a node for each pod without one, binds the pod to it, and says why if
// it cannot.
//
// One scheduling cycle runs at a time; it takes the pod with the highest
// priority from the queue (package queue), filters and scores the nodes (package
// plugin), assumes the pod to run on the best one, and leaves the binding to a
// cycle that runs beside the next ones. A cycle decides at one instant: its
// latency passes before it, and what happens meanwhile is seen by it.
//
// [Explain] needs none of this: it says for a pod and the objects around it why each
// node is refused, or how it scores.
//
// Rules held here, by their numbers in sim/RULES.md: C1–C5 and the reasons of
// C10 (package plugin), C7 (package queue), C9–C12, M3 and §0.7.
//
// Deviations:
//
//   - Pod groups, dynamic resources, CSI volume limits, CSIStorageCapacity and
//     node declared features are not modelled; their plugins reject nothing.
//     Opportunistic batching is left out, which decides the same. For the
//     system's default spread, ReplicaSets and ReplicationControllers select
//     nothing.
//   - A new node, and an event of a volume that is not reserved for one of its
//     claims, do not wake a pod that waits for an immediate claim. Upstream tries
//     all such pods again, in vain, and records one more FailedScheduling.
//   - A pod's failing status patch goes to the pod of that name, as upstream's;
//     the binding alone names the UID.
//   - The flush after five minutes is for pods that it could help: those that
//     topology spread or inter-pod affinity rejected. For all others an event
//     announces whatever could help them; upstream tries them again, in vain, and
//     records one more FailedScheduling.
//   - A volume that is to be bound to a claim is chosen when the pod's node is,
//     of all that are equally good; upstream's choice falls out of map order.
//   - Preemption runs all its requests one after the other.
//   - A preempted pod that waits for its volumes is deleted like any other;
//     upstream cancels its binding in memory.
package scheduler
