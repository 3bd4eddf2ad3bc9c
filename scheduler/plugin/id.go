package plugin

import "math/bits"

// ID names a plugin of the default profile. The order is that of the profile
// (C1), in which prefilters, filters and scores run.
type ID uint8

// The plugins of C1 that can reject or score.
const (
	SchedulingGates ID = iota
	NodeName
	NodeUnschedulable
	TaintToleration
	NodeAffinity
	NodePorts
	NodeResourcesFit
	VolumeRestrictions
	NodeVolumeLimits
	VolumeBinding
	VolumeZone
	PodTopologySpread
	InterPodAffinity
	DefaultPreemption
	BalancedAllocation
	ImageLocality

	// ImmediateBinding is VolumeBinding where it rejects a pod because of an
	// unbound claim that does not wait for the pod's node. Only a change of the
	// claim can help such a pod.
	ImmediateBinding

	count
)

var names = [count]string{
	"SchedulingGates", "NodeName", "NodeUnschedulable", "TaintToleration", "NodeAffinity", "NodePorts",
	"NodeResourcesFit", "VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone", "PodTopologySpread",
	"InterPodAffinity", "DefaultPreemption", "NodeResourcesBalancedAllocation", "ImageLocality", "VolumeBinding",
}

// String returns upstream's name of the plugin.
func (id ID) String() string { return names[id] }

// Weight returns the factor of the plugin's scores (C1).
func (id ID) Weight() int64 {
	switch id {
	case TaintToleration:
		return 3
	case NodeAffinity, PodTopologySpread, InterPodAffinity:
		return 2
	}
	return 1
}

// Set is a set of plugins. The zero Set is empty.
type Set uint32

// SetOf returns the set of the given plugins.
func SetOf(ids ...ID) Set {
	var s Set
	for _, id := range ids {
		s |= 1 << id
	}
	return s
}

// Has reports whether id is in the set.
func (s Set) Has(id ID) bool { return s&(1<<id) != 0 }

// With returns the set with id added.
func (s Set) With(id ID) Set { return s | 1<<id }

// Len returns the number of plugins in the set.
func (s Set) Len() int { return bits.OnesCount32(uint32(s)) }
