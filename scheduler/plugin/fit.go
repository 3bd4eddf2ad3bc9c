package plugin

import (
	"maps"
	"slices"
)

// filterFit is NodeResourcesFit.Filter (fitsRequest): all resources that do not
// suffice, beyond help if even the empty node has too little.
func (c *Cycle) filterFit(n *Node) Status {
	if fits(&c.pod.request, n) {
		return Status{}
	}
	return insufficient(&c.pod.request, n)
}

// fits reports whether the resources that most pods ask for suffice; if not,
// or for other resources, insufficient knows.
func fits(r *Resource, n *Node) bool {
	return len(n.pods) < n.allocatable.Pods && r.EphemeralStorage == 0 && r.Scalar == nil &&
		(r.MilliCPU == 0 || r.MilliCPU <= n.allocatable.MilliCPU-n.requested.MilliCPU) &&
		(r.Memory == 0 || r.Memory <= n.allocatable.Memory-n.requested.Memory)
}

// Passes reports whether a node passes all filters, if that can be told at a
// glance; false means nothing.
func (c *Cycle) Passes(n *Node) bool { return c.simple && n.plain && fits(&c.pod.request, n) }

func insufficient(r *Resource, n *Node) Status {
	var reasons []string
	code := Unschedulable
	check := func(name string, want, allocatable, requested int64) {
		if want == 0 || want <= allocatable-requested {
			return
		}
		reasons = append(reasons, "Insufficient "+name)
		if want > allocatable {
			code = Unresolvable
		}
	}
	if len(n.pods)+1 > n.allocatable.Pods {
		reasons = append(reasons, "Too many pods")
	}
	check("cpu", r.MilliCPU, n.allocatable.MilliCPU, n.requested.MilliCPU)
	check("memory", r.Memory, n.allocatable.Memory, n.requested.Memory)
	check("ephemeral-storage", r.EphemeralStorage, n.allocatable.EphemeralStorage, n.requested.EphemeralStorage)
	for _, name := range slices.Sorted(maps.Keys(r.Scalar)) {
		check(string(name), r.Scalar[name], n.allocatable.Scalar[name], n.requested.Scalar[name])
	}
	if len(reasons) == 0 {
		return Status{}
	}
	return Status{Code: code, Plugin: NodeResourcesFit, Reason: reasons[0], More: reasons[1:]}
}

// scoreFit is LeastAllocated over CPU and memory, with equal weights (C3).
// Pods without requests count as 100m and 200Mi for each container.
func (c *Cycle) scoreFit(n *Node) int64 {
	var score, weights int64
	if a := n.allocatable.MilliCPU; a != 0 {
		score += leastAllocated(n.nonZero.milliCPU+c.pod.scored.milliCPU, a)
		weights++
	}
	if a := n.allocatable.Memory; a != 0 {
		score += leastAllocated(n.nonZero.memory+c.pod.scored.memory, a)
		weights++
	}
	if weights == 0 {
		return 0
	}
	return score / weights
}

func leastAllocated(requested, allocatable int64) int64 {
	if requested > allocatable {
		return 0
	}
	return (allocatable - requested) * maxScore / allocatable
}
