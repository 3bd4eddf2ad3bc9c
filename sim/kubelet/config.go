package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
)

// Config says what a node is like. Only Node is required.
type Config struct {
	// Node is the node's name.
	Node string
	// HostIP is the node's address. Empty means the InternalIP of the Node
	// object, and 192.0.2.1 if it has none.
	HostIP string
	// PodCIDR is the range of the node's pod addresses (IPv4). Empty means
	// spec.podCIDR of the Node object, and without one a /24 of 10.244.0.0/14
	// that the world hands out in the order in which nodes first need it.
	PodCIDR string
	// FirstIP is the first pod address that is used. Empty means the one after
	// the gateway, which is the first of the range.
	FirstIP string
	// ClusterDomain and ClusterDNS go into a pod's resolv.conf (D9). Empty
	// means cluster.local and 10.96.0.10.
	ClusterDomain, ClusterDNS string
	// HostPaths are directories on the node's disk, beside those of every Linux
	// machine, for hostPath volumes that want theirs to exist.
	HostPaths []string `state:"immutable"`
	// Registers is the Node that the kubelet registers when it comes up and
	// there is none; nil means that it registers none.
	Registers *corev1.Node
	// Latency is how long the node's work takes.
	Latency Latency
}

// Latency says how long a node takes for each piece of work. The zero Latency
// is none: everything happens at one instant, in the order of causes.
type Latency struct {
	// Sync is from the arrival of a change to the start of the pod's worker.
	Sync controller.Range
	// Mount is one mount of one volume, Unmount that of all volumes of a pod.
	Mount, Unmount controller.Range
	// Sandbox is the creation of a pod's sandbox and network, and StopSandbox
	// their end.
	Sandbox, StopSandbox controller.Range
	// Pull is the download of an image that the node does not have, Check the
	// question to the registry whether the one it has is current.
	Pull, Check controller.Range
	// Start is the creation and start of a container.
	Start controller.Range
	// Stop is from a signal to the end of a process that obeys it.
	Stop controller.Range
	// Relist is the look at the runtime after the kubelet itself did
	// something, Notice the time until it sees by itself that something
	// happened (PLEG, K21).
	Relist, Notice controller.Range
	// Boot is from the start of the kubelet process to its first request.
	Boot controller.Range
	// JitterPercent is by how much a retry may be late, in percent of its
	// delay. Upstream's is 50 (wait.Jitter in pod_workers.go).
	JitterPercent int
}

// Realistic returns the latencies of an ordinary node: a pod runs after one or
// two seconds.
func Realistic() Latency {
	const ms = time.Millisecond
	return Latency{
		Sync:          controller.Range{Min: ms / 5, Max: 2 * ms},
		Mount:         controller.Range{Min: 60 * ms, Max: 250 * ms},
		Unmount:       controller.Range{Min: 80 * ms, Max: 300 * ms},
		Sandbox:       controller.Range{Min: 200 * ms, Max: 500 * ms},
		StopSandbox:   controller.Range{Min: 50 * ms, Max: 150 * ms},
		Pull:          controller.Range{Min: 500 * ms, Max: 1500 * ms},
		Check:         controller.Range{Min: 100 * ms, Max: 400 * ms},
		Start:         controller.Range{Min: 80 * ms, Max: 250 * ms},
		Stop:          controller.Range{Min: 20 * ms, Max: 200 * ms},
		Relist:        controller.Range{Min: 5 * ms, Max: 30 * ms},
		Notice:        controller.Range{Min: 20 * ms, Max: 1000 * ms},
		Boot:          controller.Range{Min: 100 * ms, Max: 300 * ms},
		JitterPercent: 50,
	}
}

const (
	// minimumGrace is what a container gets at least between SIGTERM and
	// SIGKILL (K16, minimumGracePeriodInSeconds).
	minimumGrace = 2 * time.Second
	// retryPeriod is when a failed sync is tried again (backOffPeriod).
	retryPeriod = 10 * time.Second
	// resyncPeriod bounds the wait for a back-off (K21).
	resyncPeriod = 60 * time.Second
	// statusPeriod is the status manager's own resync (K21).
	statusPeriod = 10 * time.Second
	// backoffBase and backoffMax bound the back-off of pulls (K18) and of
	// restarts (K19).
	backoffBase = 10 * time.Second
	backoffMax  = 300 * time.Second
	// mountBackoffBase and mountBackoffMax bound the back-off of mounts (M4).
	mountBackoffBase = 500 * time.Millisecond
	mountBackoffMax  = 2*time.Minute + 2*time.Second
)
