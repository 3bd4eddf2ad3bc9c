package plugin

import (
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// Event is something that happened in the cluster and might help a pod that
// could not be scheduled (ClusterEvent).
type Event struct {
	Resource Resourced
	Action   Action
	Node     Change[*corev1.Node]
	Volume   Change[*corev1.PersistentVolume]
	Pod      Change[*corev1.Pod] // not the waiting pod, unless the Resource is TargetPod
	Claim    string              // its name, which the waiting pod uses
	CSINode  Change[*storagev1.CSINode]
}

// Change is an object before and after; nil where it does not exist.
type Change[T any] struct{ Old, New T }

// Resourced is what an event is about.
type Resourced uint8

// What events are about. A TargetPod is the waiting pod itself.
const (
	NodeEvent Resourced = iota
	AssignedPod
	TargetPod
	ClaimEvent
	VolumeEvent
	ClassEvent
	CSINodeEvent
	AttachmentEvent
)

// Action is what happened: one bit.
type Action uint16

// The actions.
const (
	Add Action = 1 << iota
	Delete
	Update // of a claim, volume, class or CSINode
	UpdateAllocatable
	UpdateNodeLabel
	UpdateTaint
	UpdatePodLabel
	UpdateToleration
	UpdateScaleDown
	UpdateGates
)

// Interest returns the plugins that want to know of an event (EventsToRegister
// of each).
func (e *Event) Interest() Set {
	var s Set
	on := func(actions Action, ids ...ID) {
		if e.Action&actions != 0 {
			s |= SetOf(ids...)
		}
	}
	switch e.Resource {
	case NodeEvent:
		on(Add, NodeName, NodeUnschedulable, TaintToleration, NodeAffinity, NodePorts, NodeResourcesFit,
			VolumeRestrictions, VolumeBinding, VolumeZone, PodTopologySpread, InterPodAffinity)
		on(Delete, PodTopologySpread)
		on(UpdateAllocatable, NodeResourcesFit)
		on(UpdateNodeLabel, NodeAffinity, VolumeBinding, VolumeZone, PodTopologySpread, InterPodAffinity)
		on(UpdateTaint, NodeUnschedulable, TaintToleration, PodTopologySpread)
	case AssignedPod:
		on(Add|UpdatePodLabel|Delete, PodTopologySpread, InterPodAffinity)
		on(Delete, NodePorts, NodeResourcesFit, VolumeRestrictions, NodeVolumeLimits)
		on(UpdateScaleDown, NodeResourcesFit)
	case TargetPod:
		on(UpdateGates, SchedulingGates)
		on(UpdateToleration, NodeUnschedulable, TaintToleration, PodTopologySpread)
		on(UpdatePodLabel, PodTopologySpread, InterPodAffinity)
		on(UpdateScaleDown, NodeResourcesFit)
	case ClaimEvent:
		on(Add, VolumeRestrictions, NodeVolumeLimits)
		on(Add|Update, VolumeBinding, VolumeZone, ImmediateBinding)
	case VolumeEvent:
		on(Add|Update, VolumeBinding, VolumeZone)
	case ClassEvent:
		on(Add, VolumeZone)
		on(Add|Update, VolumeBinding, ImmediateBinding)
	case CSINodeEvent:
		on(Add|Update, NodeVolumeLimits)
	case AttachmentEvent:
		on(Delete, NodeVolumeLimits)
	}
	return s
}

// Unannounced are the plugins whose answer can change without an event that
// wakes the pod: a pod that is being deleted no longer counts for the spread,
// and a namespace's labels count for the inter-pod affinity.
const Unannounced Set = 1<<PodTopologySpread | 1<<InterPodAffinity

// NodeActions returns what an update of a node changed that matters to
// scheduling (NodeSchedulingPropertiesChange).
func NodeActions(old, node *corev1.Node) []Action {
	var as []Action
	if old.Spec.Unschedulable && !node.Spec.Unschedulable {
		as = append(as, UpdateTaint)
	}
	if !equality.Semantic.DeepEqual(old.Status.Allocatable, node.Status.Allocatable) {
		as = append(as, UpdateAllocatable)
	}
	if !shared.Equal(old.Labels, node.Labels) {
		as = append(as, UpdateNodeLabel)
	}
	if !equality.Semantic.DeepEqual(old.Spec.Taints, node.Spec.Taints) {
		as = append(as, UpdateTaint)
	}
	return as
}

// PodActions returns what an update of a pod changed that matters to scheduling
// (PodSchedulingPropertiesChange).
func PodActions(old, pod *Pod) []Action {
	var as []Action
	if !shared.Equal(old.Labels, pod.Labels) {
		as = append(as, UpdatePodLabel)
	}
	if isScaledDown(&old.request, &pod.request) {
		as = append(as, UpdateScaleDown)
	}
	if len(old.Spec.SchedulingGates) > 0 && len(pod.Spec.SchedulingGates) == 0 {
		as = append(as, UpdateGates)
	}
	if len(old.Spec.Tolerations) != len(pod.Spec.Tolerations) {
		as = append(as, UpdateToleration)
	}
	return as
}

func isScaledDown(old, now *Resource) bool {
	if old.MilliCPU > now.MilliCPU || old.Memory > now.Memory || old.EphemeralStorage > now.EphemeralStorage {
		return true
	}
	for name, n := range old.Scalar { // any hit is the same answer
		if n > now.Scalar[name] {
			return true
		}
	}
	return false
}

// MayHelp reports whether an event may help a pod that the given plugins
// rejected: whether any of them says so (isPodWorthRequeuing). For events of
// claims the caller has made sure that the pod uses the claim.
func (e *Event) MayHelp(c *Cluster, pod *Pod, rejectors Set) bool {
	for s, id := e.Interest()&rejectors, ID(0); id < count; id++ {
		if s.Has(id) && e.hint(id, c, pod) {
			return true
		}
	}
	return false
}

// hint is the QueueingHintFn of a plugin. Without one every event helps.
func (e *Event) hint(id ID, c *Cluster, pod *Pod) bool {
	switch e.Resource {
	case NodeEvent:
		return e.hintNode(id, c, pod)
	case AssignedPod:
		return e.hintPod(id, pod, c)
	case ClaimEvent: // of an ephemeral volume's claim VolumeBinding alone takes notice
		return id == VolumeBinding || id == ImmediateBinding || id == NodeVolumeLimits || slices.Contains(pod.claims, e.Claim)
	case VolumeEvent:
		return id != VolumeZone || e.Volume.Old == nil || !reflect.DeepEqual(topologiesOf(e.Volume.Old), topologiesOf(e.Volume.New))
	case CSINodeEvent:
		return e.CSINode.Old == nil || raisesLimit(e.CSINode.Old, e.CSINode.New)
	case AttachmentEvent:
		return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil })
	case TargetPod:
		return id != NodeUnschedulable || toleratesUnschedulable(e.Pod.New)
	}
	return true
}

func (e *Event) hintNode(id ID, c *Cluster, pod *Pod) bool {
	old, node := e.Node.Old, e.Node.New
	switch id {
	case NodeUnschedulable:
		return (old == nil || old.Spec.Unschedulable) && !node.Spec.Unschedulable
	case TaintToleration:
		return (old == nil || !toleratesHardTaints(pod.Pod, old)) && toleratesHardTaints(pod.Pod, node)
	case NodeAffinity:
		return isAllowed(pod.Pod, node) && (old == nil || !isAllowed(pod.Pod, old))
	case NodeResourcesFit:
		return hintFit(old, node, pod)
	case PodTopologySpread:
		return hintSpreadNode(old, node, pod)
	case InterPodAffinity:
		return hintAffinityNode(old, node, pod)
	}
	return true
}

// hintFit: the node would hold the pod if it were empty, and has more of what
// the pod wants than before.
func hintFit(old, node *corev1.Node, pod *Pod) bool {
	was, is := &Node{}, &Node{}
	is.set(node)
	if !insufficient(&pod.request, is).OK() {
		return false
	}
	if old == nil {
		return true
	}
	was.set(old)
	r, a, b := &pod.request, &was.allocatable, &is.allocatable
	if b.Pods > a.Pods || r.MilliCPU > 0 && b.MilliCPU > a.MilliCPU || r.Memory > 0 && b.Memory > a.Memory ||
		r.EphemeralStorage > 0 && b.EphemeralStorage > a.EphemeralStorage {
		return true
	}
	for name, n := range r.Scalar { // any hit is the same answer
		if n > 0 && b.Scalar[name] > a.Scalar[name] {
			return true
		}
	}
	return false
}

func hintSpreadNode(old, node *corev1.Node, pod *Pod) bool {
	hard := hardConstraints(pod)
	had, has := old != nil && hasAllKeys(old, hard), node != nil && hasAllKeys(node, hard)
	if old == nil || node == nil {
		return had || has
	}
	if had != has {
		return true
	}
	return has && (!equality.Semantic.DeepEqual(old.Spec.Taints, node.Spec.Taints) ||
		slices.ContainsFunc(hard, func(t constraint) bool { return old.Labels[t.key] != node.Labels[t.key] }))
}

func hintAffinityNode(old, node *corev1.Node, pod *Pod) bool {
	moved := func(key string, appears bool) bool {
		was, had := old.Labels[key]
		is, has := node.Labels[key]
		if had && has {
			return was != is
		}
		return had != has && has == appears
	}
	for _, t := range pod.requiredTerms() {
		if old == nil {
			if _, ok := node.Labels[t.topologyKey]; ok {
				return true
			}
		} else if moved(t.topologyKey, true) {
			return true
		}
	}
	for _, t := range pod.requiredAntiTerms() {
		if old == nil || moved(t.topologyKey, false) {
			return true
		}
	}
	return false
}
