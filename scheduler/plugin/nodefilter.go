package plugin

import corev1 "k8s.io/api/core/v1"

const (
	reasonNodeName      = "node(s) didn't match the requested node name"
	reasonUnschedulable = "node(s) were unschedulable"
	reasonTaint         = "node(s) had untolerated taint(s)" // §0.6
)

// filterNode is the Filter of NodeName, NodeUnschedulable and TaintToleration
// (C1): what a node says of itself.
func (c *Cycle) filterNode(n *Node) Status {
	if c.pod.Spec.NodeName != "" && c.pod.Spec.NodeName != n.name {
		return unresolvable(NodeName, reasonNodeName)
	}
	if n.Spec.Unschedulable && !toleratesUnschedulable(c.pod.Pod) {
		return unresolvable(NodeUnschedulable, reasonUnschedulable)
	}
	if n.hardTaints && !toleratesHardTaints(c.pod.Pod, n.Node) {
		return unresolvable(TaintToleration, reasonTaint)
	}
	return Status{}
}

func toleratesUnschedulable(pod *corev1.Pod) bool {
	return tolerates(pod.Spec.Tolerations, &corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
}

// toleratesHardTaints reports whether a pod may run on a node in spite of its
// NoSchedule and NoExecute taints.
func toleratesHardTaints(pod *corev1.Pod, node *corev1.Node) bool {
	for i := range node.Spec.Taints {
		t := &node.Spec.Taints[i]
		if t.Effect != corev1.TaintEffectPreferNoSchedule && !tolerates(pod.Spec.Tolerations, t) {
			return false
		}
	}
	return true
}

// tolerates reports whether any toleration covers a taint (ToleratesTaint; the
// comparison operators are behind a gate that is off).
func tolerates(ts []corev1.Toleration, taint *corev1.Taint) bool {
	for i := range ts {
		t := &ts[i]
		if t.Effect != "" && t.Effect != taint.Effect || t.Key != "" && t.Key != taint.Key {
			continue
		}
		switch t.Operator {
		case "", corev1.TolerationOpEqual:
			if t.Value == taint.Value {
				return true
			}
		case corev1.TolerationOpExists:
			return true
		}
	}
	return false
}

// scoreTaints is TaintToleration.Score: the PreferNoSchedule taints that the
// pod does not tolerate, to be reversed by the normalisation.
func (c *Cycle) scoreTaints(n *Node) int64 {
	if !n.softTaints {
		return 0
	}
	var count int64
	for i := range n.Spec.Taints {
		if t := &n.Spec.Taints[i]; t.Effect == corev1.TaintEffectPreferNoSchedule && !tolerates(c.pod.Spec.Tolerations, t) {
			count++
		}
	}
	return count
}

// preFilterPorts is NodePorts.PreFilter.
func (c *Cycle) preFilterPorts() Status {
	if len(c.pod.ports) == 0 {
		return Status{Code: Skip}
	}
	return Status{}
}
