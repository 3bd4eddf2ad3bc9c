package plugin

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Node is a node with the pods that run on it or are assumed to, and what the
// plugins want to know of both (NodeInfo).
type Node struct {
	// What almost every cycle reads stands together.
	pods        []*Pod
	allocatable Resource `state:"immutable"`
	requested   Resource
	nonZero     nonZero
	index       int  // place in the counters of the Cluster
	rank        int  // place among the names; valid after Cluster.Nodes
	place       int  // in the order of the nodes; as valid
	plain       bool // exists, and neither cordoned nor tainted against pods
	hasZone     bool
	hasHost     bool // the label of the host name
	softTaints  bool // any PreferNoSchedule
	hardTaints  bool // any NoSchedule or NoExecute

	*corev1.Node // nil while only pods of the node are known
	name         string
	zone         string           // label of the topology zone
	images       map[string]int64 `state:"immutable"` // bytes by name; nil if none
	withTerms    int              // pods with inter-pod affinity terms
}

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// Pods returns the pods on the node. The caller must not change the slice.
func (n *Node) Pods() []*Pod { return n.pods }

// set takes over a state of the node's object, or nil.
func (n *Node) set(node *corev1.Node) {
	n.Node = node
	n.allocatable, n.images, n.plain = Resource{}, nil, false
	n.hardTaints, n.softTaints, n.zone, n.hasZone, n.hasHost = false, false, "", false, false
	if node == nil {
		return
	}
	n.allocatable = resourceOf(node.Status.Allocatable)
	n.zone, n.hasZone = node.Labels[corev1.LabelTopologyZone]
	_, n.hasHost = node.Labels[corev1.LabelHostname]
	for i := range node.Spec.Taints {
		switch node.Spec.Taints[i].Effect {
		case corev1.TaintEffectPreferNoSchedule:
			n.softTaints = true
		default:
			n.hardTaints = true
		}
	}
	n.plain = !n.hardTaints && !node.Spec.Unschedulable
	if len(node.Status.Images) > 0 {
		n.images = map[string]int64{}
	}
	for i := range node.Status.Images {
		for _, name := range node.Status.Images[i].Names {
			if _, twice := n.images[name]; !twice {
				n.images[name] = node.Status.Images[i].SizeBytes
			}
		}
	}
}

func (n *Node) addPod(p *Pod) {
	n.pods = append(n.pods, p)
	n.count(p, 1)
}

// removePod removes a pod by its UID and returns it, or nil.
func (n *Node) removePod(pod *corev1.Pod) *Pod {
	i := slices.IndexFunc(n.pods, func(p *Pod) bool { return p.Pod == pod }) // mostly, and quickly found
	if i < 0 {
		i = slices.IndexFunc(n.pods, func(p *Pod) bool { return p.UID == pod.UID && p.Name == pod.Name && p.Namespace == pod.Namespace })
	}
	if i < 0 {
		return nil
	}
	p, last := n.pods[i], len(n.pods)-1
	n.pods[i] = n.pods[last]
	n.pods[last] = nil
	n.pods = n.pods[:last]
	n.count(p, -1)
	return p
}

func (n *Node) count(p *Pod, sign int) {
	n.requested.add(&p.request, int64(sign))
	n.nonZero.milliCPU += int64(sign) * p.nonZero.milliCPU
	n.nonZero.memory += int64(sign) * p.nonZero.memory
	if p.hasAffinity() {
		n.withTerms += sign
	}
}

// clone returns a copy whose pods can be added and removed.
func (n *Node) clone() *Node {
	c := *n
	c.pods = slices.Clone(n.pods)
	c.requested = n.requested.clone()
	return &c
}

// zoneKey is the zone in which upstream's node tree files a node (GetZoneKey).
func zoneKey(node *corev1.Node) string {
	zone, ok := node.Labels[corev1.LabelTopologyZone]
	if !ok {
		zone = node.Labels[corev1.LabelFailureDomainBetaZone]
	}
	region, ok := node.Labels[corev1.LabelTopologyRegion]
	if !ok {
		region = node.Labels[corev1.LabelFailureDomainBetaRegion]
	}
	if zone == "" && region == "" {
		return ""
	}
	return region + ":\x00:" + zone
}
