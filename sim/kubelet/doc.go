// Package kubelet is the nodes of a cluster: for each a kubelet with the
// runtime beneath it, and the world outside the API that they share.
//
// A [Kubelet] is a controller.Actor that sees the pods bound to its node. Each
// pod has a worker, as upstream: a run of it (a sync) writes the status that
// the kubelet sees, and then does what is missing, one step after the other:
// mounts, sandbox, and for each container image, environment, process, hook.
// What the runtime does by itself reaches the worker through a relist (PLEG);
// every kubelet has its own latencies, and nothing is periodic while nothing
// can change. The owner of the host reaches Stop, Crash, Restart, Exit and
// FailProbe through Host.Actor and Host.Env.
//
//	admission.go    does the node take the pod
//	worker.go       when a sync begins, how it ends, when it is tried again
//	plan.go         what a sync does: sandbox, init containers, containers
//	action.go       its steps, one after the other
//	mount.go        volumes; content.go: those made from API objects; hostpath.go;
//	                expand.go: their growth; disk.go: those that are attached before
//	start.go        back-off, process, hooks; environment.go, containerconfig.go: what
//	                it is started with; image.go: pulls; registry.go, pullsecret.go: who
//	                gets an image; imagegc.go
//	probe.go        probes, and which of their ticks matter
//	kill.go         SIGTERM, SIGKILL, preStop, the order of sidecars
//	terminate.go    the end of a pod
//	status.go       the status; phase.go, condition.go; statuswriter.go: its way to the API
//	adopt.go        a node that goes on from what the API says of it
//	fault.go        Stop, Crash, Restart, Exit, FailProbe
//
// The [World] is the ground truth: which process runs where, which addresses
// and images are in use, which files lie on which volume. It also answers for
// the containers: reading and writing their files, asking them over HTTP. What
// a container does is a [Workload], found by image.
//
// Rules held: §0.8, K14, K16 to K22, the write sequences of RULES.md §4, M1, M4, M11, D9
// (hosts and resolv.conf), V16 (the file system's growth), the node's side of N2, N5 and N6, A9 (a grace period
// can only get shorter) and A11 (whole seconds).
//
// Deviations from Kubernetes:
//   - Deviation: without a Node object a pod is always admitted. The Node is
//     read at each admission; upstream watches it.
//   - Deviation: a status is read and patched in one request, and the last read
//     before the final deletion is left out.
//   - Deviation: the status manager writes the statuses of different pods side
//     by side; upstream one after the other.
//   - Deviation: healthy pods are not resynced each 60 to 90 s, and the ticks of
//     1 s of PLEG and of the work queue are the latencies Notice and Sync.
//   - Deviation: the worker waits for mounts without the pause that upstream
//     makes after each 2 m 3 s.
//   - Deviation: unmounting always succeeds.
//   - Deviation: an image volume, a device, a resize of a running pod, static
//     pods, ephemeral containers, node-pressure eviction, garbage collection of
//     containers, profiles of seccomp and AppArmor and the variables of Services
//     are left out. A restart policy rule RestartAllContainers restarts the
//     container alone.
//   - Deviation: images are collected when one is pulled, not every 5 minutes.
//   - Deviation: pull secrets are read when a pull needs them; upstream watches them.
//   - Deviation: nobody answers over HTTP at a node's own address, so pods with
//     hostNetwork do not.
//   - Deviation: kube-root-ca.crt and service account tokens are made up.
//   - Deviation: a crashed machine gives its pod addresses back at once.
package kubelet
