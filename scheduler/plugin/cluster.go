package plugin

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// Cluster is the scheduler's cache: the nodes with their pods, and counts over
// all of them that change with each pod, so that no cycle walks over the pods.
// Every method costs O(what changed). Use NewCluster.
type Cluster struct {
	nodes   map[string]*Node `state:"incidental" why:"follows from the nodes and pods"`
	order   []*Node          `state:"incidental" why:"follows from the nodes and pods"` // in the order of upstream's node tree; valid unless stale
	table   table            `state:"incidental" why:"follows from the nodes and pods"` // by place in order; as valid
	stale   bool             `state:"incidental" why:"follows from the nodes and pods"`
	zones   []zone           // of the node tree, in the order of their first node
	free    []int            `state:"incidental" why:"follows from the nodes and pods"` // indices of nodes that are gone
	indices int              `state:"incidental" why:"follows from the nodes and pods"`

	zoned       int                          `state:"incidental" why:"follows from the nodes and pods"` // nodes with a zone label
	softTainted int                          `state:"incidental" why:"follows from the nodes and pods"` // nodes with a PreferNoSchedule taint
	imaged      int                          `state:"incidental" why:"follows from the nodes and pods"` // nodes with any image
	images      map[string]image             `state:"incidental" why:"follows from the nodes and pods"` // those that any node has
	termed      map[*Node]struct{}           `state:"incidental" why:"follows from the nodes and pods"`
	termedAnti  int                          `state:"incidental" why:"follows from the nodes and pods"` // pods with required anti-affinity terms
	claims      map[claim]int                `state:"incidental" why:"follows from the nodes and pods"` // how many pods on nodes that exist use a claim
	matching    map[counterKey]*counter      `state:"incidental" why:"follows from the nodes and pods"` // pods by selector, for the spread
	byPair      map[pair][]*counter          `state:"incidental" why:"follows from the nodes and pods"` // counters by one label that they require
	labelled    map[pair]int                 `state:"incidental" why:"follows from the nodes and pods"` // how many pods have a label, but for those that name the pod
	anyLabels   map[string][]*counter        `state:"incidental" why:"follows from the nodes and pods"` // counters without such a label, by namespace
	namespaces  map[string]*corev1.Namespace `state:"incidental" why:"follows from the nodes and pods"`
}

// zone is a branch of upstream's node tree.
type zone struct {
	key   string
	names []string
}

// image is an image that nodes have. Its size is what the first of them said
// (addNodeImageStates).
type image struct {
	bytes int64
	nodes int
}

// claim names a PersistentVolumeClaim.
type claim struct{ namespace, name string }

// NewCluster returns a cluster without nodes.
func NewCluster() *Cluster {
	return &Cluster{
		nodes: map[string]*Node{}, images: map[string]image{}, termed: map[*Node]struct{}{},
		claims: map[claim]int{}, matching: map[counterKey]*counter{}, byPair: map[pair][]*counter{}, labelled: map[pair]int{},
		anyLabels: map[string][]*counter{}, namespaces: map[string]*corev1.Namespace{},
	}
}

// Nodes returns the nodes in the order in which they are tried: the zones take
// turns (nodeTree.list). The caller must not change the slice.
func (c *Cluster) Nodes() []*Node {
	if !c.stale {
		return c.order
	}
	c.order, c.stale = make([]*Node, 0, len(c.nodes)), false
	for i, more := 0, true; more; i++ {
		more = false
		for _, z := range c.zones {
			if i < len(z.names) {
				c.order = append(c.order, c.nodes[z.names[i]])
				more = true
			}
		}
	}
	sorted := slices.Clone(c.order)
	slices.SortFunc(sorted, func(a, b *Node) int { return strings.Compare(a.name, b.name) })
	for i, n := range sorted {
		n.rank = i
	}
	c.table = newTable(c.order)
	return c.order
}

// Node returns a node that exists, or nil.
func (c *Cluster) Node(name string) *Node {
	if n := c.nodes[name]; n != nil && n.Node != nil {
		return n
	}
	return nil
}

// SetNode adds a node or takes over a newer state of it.
func (c *Cluster) SetNode(node *corev1.Node) {
	n := c.node(node.Name)
	old := n.Node
	if old != nil && isSameNode(old, node) {
		n.Node = node // a heartbeat
		return
	}
	c.countNode(n, -1)
	wasZone := n.zone
	n.set(node)
	c.touch(n)
	c.countNode(n, 1)
	if old == nil {
		for _, p := range n.pods {
			c.countClaims(p, 1)
		}
	}
	if old == nil || zoneKey(old) != zoneKey(node) {
		if old != nil {
			c.unplant(old)
		}
		c.plant(node)
	}
	if wasZone != n.zone {
		c.moveCounts(n, wasZone)
	}
}

// isSameNode reports whether two states of a node differ in nothing that a
// plugin reads.
func isSameNode(a, b *corev1.Node) bool {
	return a.Spec.Unschedulable == b.Spec.Unschedulable && shared.Equal(a.Labels, b.Labels) &&
		equality.Semantic.DeepEqual(a.Spec.Taints, b.Spec.Taints) &&
		equality.Semantic.DeepEqual(a.Status.Allocatable, b.Status.Allocatable) &&
		equality.Semantic.DeepEqual(a.Status.Images, b.Status.Images)
}

// RemoveNode forgets a node. The pods that are still said to run on it stay.
func (c *Cluster) RemoveNode(name string) {
	n := c.nodes[name]
	if n == nil || n.Node == nil {
		return
	}
	c.unplant(n.Node)
	c.countNode(n, -1)
	for _, p := range n.pods {
		c.countClaims(p, -1)
	}
	wasZone := n.zone
	n.set(nil)
	if wasZone != "" {
		c.moveCounts(n, wasZone)
	}
	c.drop(n)
}

// AddPod adds a pod to the node where it runs or is assumed to.
func (c *Cluster) AddPod(p *Pod) {
	n := c.node(p.node)
	n.addPod(p)
	c.touch(n)
	c.countPod(n, p, 1)
}

// RemovePod removes a pod from the node that it names.
func (c *Cluster) RemovePod(pod *corev1.Pod) {
	n := c.nodes[pod.Spec.NodeName]
	if n == nil {
		return
	}
	if p := n.removePod(pod); p != nil {
		c.touch(n)
		c.countPod(n, p, -1)
		c.drop(n)
	}
}

// Replace takes over a newer state of a pod on a node.
func (c *Cluster) Replace(old *Pod, p *Pod) {
	n := c.nodes[old.node]
	if n != nil && old.facts == p.facts && p.terms == nil {
		if i := slices.Index(n.pods, old); i >= 0 {
			n.pods[i] = p
			if !isCountedAlike(old.Pod, p.Pod) {
				if !shared.Equal(old.Labels, p.Labels) {
					c.countLabels(old.Pod, -1)
					c.countLabels(p.Pod, 1)
				}
				c.countMatches(n, old.Pod, -1)
				c.countMatches(n, p.Pod, 1)
			}
			return
		}
	}
	c.RemovePod(old.Placed())
	c.AddPod(p)
}

// SetNamespace takes over a state of a namespace; nil means that it is gone.
func (c *Cluster) SetNamespace(name string, ns *corev1.Namespace) {
	if ns == nil {
		delete(c.namespaces, name)
		return
	}
	c.namespaces[name] = ns
}

// InUse reports whether a pod on any node that exists uses a claim.
func (c *Cluster) InUse(namespace, name string) bool { return c.claims[claim{namespace, name}] > 0 }

func (c *Cluster) labelsOf(namespace string) map[string]string {
	if ns := c.namespaces[namespace]; ns != nil {
		return ns.Labels
	}
	return nil
}

// node returns the node of a name, made if need be.
func (c *Cluster) node(name string) *Node {
	n := c.nodes[name]
	if n == nil {
		n = &Node{name: name}
		if last := len(c.free) - 1; last >= 0 {
			n.index = c.free[last]
			c.free = c.free[:last]
		} else {
			n.index = c.indices
			c.indices++
		}
		c.nodes[name] = n
	}
	return n
}

// drop forgets a node without object and pods.
func (c *Cluster) drop(n *Node) {
	if n.Node == nil && len(n.pods) == 0 {
		delete(c.nodes, n.name)
		delete(c.termed, n)
		c.free = append(c.free, n.index)
	}
}

// countNode counts a node's own properties.
func (c *Cluster) countNode(n *Node, sign int) {
	if n.softTaints {
		c.softTainted += sign
	}
	if n.hasZone {
		c.zoned += sign
	}
	if len(n.images) > 0 {
		c.imaged += sign
	}
	for name, bytes := range n.images { // each by itself
		i, known := c.images[name]
		if !known {
			i.bytes = bytes
		}
		if i.nodes += sign; i.nodes == 0 {
			delete(c.images, name)
		} else {
			c.images[name] = i
		}
	}
}

// countPod counts a pod that came to a node or left it.
func (c *Cluster) countPod(n *Node, p *Pod, sign int) {
	if p.hasAffinity() {
		if n.withTerms > 0 {
			c.termed[n] = struct{}{}
		} else {
			delete(c.termed, n)
		}
	}
	if p.hasRequiredAnti() {
		c.termedAnti += sign
	}
	if n.Node != nil {
		c.countClaims(p, sign)
	}
	c.countLabels(p.Pod, sign)
	c.countMatches(n, p.Pod, int32(sign))
}

// countClaims counts the claims that a pod uses. Pods whose node is gone do not
// count (RemoveNode and updateNodeInfoSnapshotList of upstream's cache).
func (c *Cluster) countClaims(p *Pod, sign int) {
	for _, name := range p.claims {
		key := claim{p.Namespace, name}
		if c.claims[key] += sign; c.claims[key] == 0 {
			delete(c.claims, key)
		}
	}
}

func (c *Cluster) plant(node *corev1.Node) {
	c.stale = true
	key := zoneKey(node)
	for i := range c.zones {
		if c.zones[i].key == key {
			c.zones[i].names = append(c.zones[i].names, node.Name)
			return
		}
	}
	c.zones = append(c.zones, zone{key, []string{node.Name}})
}

func (c *Cluster) unplant(node *corev1.Node) {
	c.stale = true
	key := zoneKey(node)
	for i := range c.zones {
		z := &c.zones[i]
		if z.key != key {
			continue
		}
		z.names = slices.DeleteFunc(z.names, func(name string) bool { return name == node.Name })
		if len(z.names) == 0 {
			c.zones = slices.Delete(c.zones, i, i+1)
		}
		return
	}
}
