package plugin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/statefulsim/statefulsim/volume/match"

	"github.com/statefulsim/statefulsim/sim/state"
)

// Storage is what the volume plugins and the default spread read of the API,
// with what the scheduler assumes to be written.
type Storage interface {
	Claim(namespace, name string) *corev1.PersistentVolumeClaim
	Class(name string) *storagev1.StorageClass
	Volumes() *match.Index
	// Limited reports whether any object says how many volumes a node takes, or
	// that a driver must be there; only then the next three are asked.
	Limited() bool
	CSINode(node string) *storagev1.CSINode
	CSIDriver(name string) *storagev1.CSIDriver
	// Attachments returns those to a node, by name.
	Attachments(node string) map[string]*storagev1.VolumeAttachment
	// DefaultSelector returns the pods that a pod is to be spread among (C2).
	DefaultSelector(pod *corev1.Pod) Selection
}

// Selection is a selector with its text, which names it. The zero Selection
// selects nothing.
type Selection struct {
	_        state.Immutable
	selector labels.Selector
	text     string
}

// Select returns the selection of a selector.
func Select(s labels.Selector) Selection { return Selection{selector: s, text: s.String()} }

// Cycle is one scheduling cycle of a pod: what the prefilters found, and what
// the filters and scores need of it. It reads the cluster, which must not change
// meanwhile.
type Cycle struct {
	cluster *Cluster
	storage Storage
	pod     *Pod
	// tally, unless it is nil, spares the prefilters a look at every claim.
	tally *ClaimTally
	// filters are the plugins whose filter has something to do.
	filters Set
	simple  bool // no filter but those of every pod

	required   nodeaffinity.RequiredNodeAffinity
	hasNodes   bool     // if the node affinity names the nodes that count
	nodeNames  []string // sorted; with hasNodes
	volumes    volumeState
	restricted restrictState
	topologies []volumeTopology
	spread     spreadFilter
	affinity   affinityFilter

	soft      []constraint // once softKnown
	softErr   error
	softKnown bool
	defaults  [2]constraint // memory for soft
}

// NewCycle returns a cycle of a pod.
func NewCycle(c *Cluster, s Storage, pod *Pod) *Cycle {
	return new(Cycle).Reset(c, s, pod)
}

// Reset makes the memory of a cycle that is over a new one, which is returned.
func (c *Cycle) Reset(cl *Cluster, s Storage, pod *Pod) *Cycle {
	*c = Cycle{cluster: cl, storage: s, pod: pod}
	return c
}

// Use has the prefilters believe a tally of the pod's claims.
func (c *Cycle) Use(t *ClaimTally) { c.tally = t }

// Pod returns the pod.
func (c *Cycle) Pod() *Pod { return c.pod }

// PreFilter runs the prefilters (RunPreFilterPlugins). If it succeeds the cycle
// can filter. Every rejection here ends upstream's loop over the prefilters.
func (c *Cycle) PreFilter() Status {
	c.filters = basic
	for _, step := range [...]struct {
		id  ID
		run func(*Cycle) Status
	}{
		{NodeAffinity, (*Cycle).preFilterNodeAffinity},
		{NodePorts, (*Cycle).preFilterPorts},
		{VolumeRestrictions, (*Cycle).preFilterRestrictions},
		{NodeVolumeLimits, (*Cycle).preFilterLimits},
		{VolumeBinding, (*Cycle).preFilterVolumes},
		{VolumeZone, (*Cycle).preFilterZones},
		{PodTopologySpread, (*Cycle).preFilterSpread},
		{InterPodAffinity, (*Cycle).preFilterAffinity},
	} {
		if step.id == VolumeRestrictions && c.tally.Waits() {
			return unresolvable(ImmediateBinding, reasonUnbound)
		}
		switch s := step.run(c); s.Code {
		case Success:
			c.filters = c.filters.With(step.id)
		case Skip:
		case Error:
			s.Reason = fmt.Sprintf("running PreFilter plugin %q: %s", step.id, s.Reason)
			return s
		default:
			return s
		}
	}
	c.simple = c.filters == basic && c.pod.Spec.NodeName == ""
	return Status{}
}

// basic are the filters that no pod skips.
const basic Set = 1<<NodeName | 1<<NodeUnschedulable | 1<<TaintToleration | 1<<NodeResourcesFit

// Candidates returns the nodes that are to be filtered, and the reason that all
// others are rejected for: empty if there are none. The reason also names the
// plugins that have rejected a node already (findNodesThatFitPod).
func (c *Cycle) Candidates(already Set) ([]*Node, string) {
	if !c.hasNodes {
		return c.cluster.Nodes(), ""
	}
	var nodes []*Node
	for _, name := range c.nodeNames {
		if n := c.cluster.Node(name); n != nil {
			nodes = append(nodes, n)
		}
	}
	var plugins []string
	for id := range count {
		if already.With(NodeAffinity).Has(id) {
			plugins = append(plugins, id.String())
		}
	}
	slices.Sort(plugins)
	return nodes, fmt.Sprintf("node(s) didn't satisfy plugin(s) [%s]", strings.Join(plugins, " "))
}

// Filter asks whether the pod can run on a node. The first plugin that rejects
// it answers (RunFilterPlugins).
func (c *Cycle) Filter(n *Node) Status {
	if s := c.filterNode(n); s.Code != Success {
		return s
	}
	if c.filters.Has(NodeAffinity) {
		if s := c.filterNodeAffinity(n); s.Code != Success {
			return s
		}
	}
	if c.filters.Has(NodePorts) {
		if s := c.filterPorts(n); s.Code != Success {
			return s
		}
	}
	if s := c.filterFit(n); s.Code != Success {
		return s
	}
	if c.filters&constrained == 0 {
		return Status{}
	}
	return c.filterConstrained(n)
}

// constrained are the filters that most pods skip.
const constrained Set = 1<<VolumeRestrictions | 1<<NodeVolumeLimits | 1<<VolumeBinding | 1<<VolumeZone | 1<<PodTopologySpread | 1<<InterPodAffinity

func (c *Cycle) filterConstrained(n *Node) Status {
	if c.filters.Has(VolumeRestrictions) {
		if s := c.filterRestrictions(n); s.Code != Success {
			return s
		}
	}
	if c.filters.Has(NodeVolumeLimits) {
		if s := c.filterLimits(n); s.Code != Success {
			return s
		}
	}
	if c.filters.Has(VolumeBinding) {
		if s := c.filterVolumes(n); s.Code != Success {
			return s
		}
	}
	if c.filters.Has(VolumeZone) {
		if s := c.filterZones(n); s.Code != Success {
			return s
		}
	}
	if c.filters.Has(PodTopologySpread) {
		if s := c.filterSpread(n); s.Code != Success {
			return s
		}
	}
	if c.filters.Has(InterPodAffinity) {
		return c.filterAffinity(n)
	}
	return Status{}
}

// With returns a cycle that imagines pods added to a node or removed from it,
// and the node as it would then be (AddPod and RemovePod of the prefilters).
func (c *Cycle) With(n *Node, add, remove []*Pod) (*Cycle, *Node) {
	d := *c
	d.spread, d.affinity = c.spread.clone(), c.affinity.clone()
	m := n.clone()
	for _, p := range remove {
		d.Remove(m, p)
	}
	for _, p := range add {
		d.Add(m, p)
	}
	return &d, m
}

// Add imagines a pod on a node that With returned.
func (c *Cycle) Add(n *Node, p *Pod) {
	n.addPod(p)
	c.shift(n, p, 1)
}

// Remove imagines a node that With returned without a pod.
func (c *Cycle) Remove(n *Node, p *Pod) {
	n.removePod(p.Pod)
	c.shift(n, p, -1)
}

func (c *Cycle) shift(n *Node, p *Pod, delta int) {
	c.shiftRestrictions(p, delta)
	c.shiftSpread(n, p, delta)
	c.shiftAffinity(n, p, int64(delta))
}

// FitError is the sentence about a pod that no node can take (C9): the counted
// reasons, sorted as strings.
func FitError(nodes int, reasons map[string]int, after string) string {
	list := make([]string, 0, len(reasons))
	for reason, n := range reasons { // sorted below
		list = append(list, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(list)
	return FitMessage(nodes, strings.Join(list, ", "), after)
}

// FitMessage is the sentence with one text for all nodes.
func FitMessage(nodes int, why, after string) string {
	msg := "0/" + strconv.Itoa(nodes) + " nodes are available:"
	if why != "" {
		msg += " " + why + "."
	}
	if after != "" {
		msg += " " + after
	}
	return msg
}

// Fits is the Filter of the node that With returned.
func Fits(c *Cycle, n *Node) Status { return c.Filter(n) }
