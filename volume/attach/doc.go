// Package attach is the attach/detach controller of kube-controller-manager
// ([Controller]) and the sidecar of CSI drivers that does what it asks for
// ([Attacher]): volumes are attached to the nodes where pods need them, by
// VolumeAttachments, and detached from the others.
//
//	controller.go  what it observes
//	desired.go     which volumes nodes are to have, resolve.go: those of a pod
//	actual.go      which they have, as far as the controller knows
//	reconcile.go   what is done about the difference, and what nodes are told
//	elsewhere.go   what pods are told whose volume is attached to another node
//	task.go        an operation; pending.go: its back-off, poll.go: when it looks
//	populate.go    the begin, and what is swept up later
//	attacher.go    the sidecar
//
// Rules held here, by their numbers in sim/RULES.md: M5 to M10.
//
// Upstream's reconciler looks at all volumes every 100 ms. Here it looks at those
// about which something has changed, at the time when that one would, and a
// cluster in which nothing is to be attached has no events of it. The six minutes
// of a volume that its node does not let go are counted as there, and an event
// for their end exists only while the node is not healthy.
//
// Left open by upstream, and chosen here: the order in which volumes are attached,
// detached and told to nodes, and that of pods in messages (maps); the moments of
// the loop while it finds nothing.
//
// Deviations from Kubernetes:
//
//   - Deviation: attached are CSI volumes behind claims; package csi says which
//     others would be.
//   - Deviation: the sync that asks each minute whether what is attached still is
//     (VerifyVolumesAreAttached) comes with the populator's sweep, and only after a
//     VolumeAttachment has changed that no operation waits for.
//   - Deviation: a claim is looked at when its record comes, without a queue.
//   - Deviation: one Attacher serves all drivers, under one name. It does not put a
//     finalizer on volumes, so that a volume may be deleted while it is attached.
package attach
