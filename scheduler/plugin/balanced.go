package plugin

import "math"

// isBestEffort reports whether a pod requests neither CPU nor memory: then
// NodeResourcesBalancedAllocation is skipped (C3).
func isBestEffort(p *Pod) bool { return p.request.MilliCPU == 0 && p.request.Memory == 0 }

// scoreBalanced is NodeResourcesBalancedAllocation.Score (C3): how much closer
// the shares of CPU and memory come to each other by the pod.
func (c *Cycle) scoreBalanced(n *Node) int64 {
	with := balance(n, n.requested.MilliCPU+c.pod.request.MilliCPU, n.requested.Memory+c.pod.request.Memory)
	without := balance(n, n.requested.MilliCPU, n.requested.Memory)
	return maxScore/2 + (maxScore/2+with-without)/2
}

// balance is 100 less the standard deviation of the two shares, in percent
// (balancedResourceScore).
func balance(n *Node, milliCPU, memory int64) int64 {
	if n.allocatable.MilliCPU == 0 || n.allocatable.Memory == 0 {
		return maxScore
	}
	cpu := min(float64(milliCPU)/float64(n.allocatable.MilliCPU), 1)
	mem := min(float64(memory)/float64(n.allocatable.Memory), 1)
	return int64((1 - math.Abs((cpu-mem)/2)) * float64(maxScore))
}
