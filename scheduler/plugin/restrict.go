package plugin

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

const (
	reasonDisk        = "node(s) had no available disk"
	reasonOncePodUsed = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)

// restrictState is what VolumeRestrictions keeps for a cycle.
type restrictState struct {
	oncePod   []string // the pod's ReadWriteOncePod claims
	conflicts int      // uses of them by pods on nodes
	hasDisks  bool
}

// preFilterRestrictions is VolumeRestrictions.PreFilter. It is the first to
// notice a claim that does not exist (C10).
func (c *Cycle) preFilterRestrictions() Status {
	s := restrictState{}
	for i := range c.pod.Spec.Volumes {
		s.hasDisks = s.hasDisks || isDisk(&c.pod.Spec.Volumes[i])
	}
	for _, name := range c.pod.claims {
		pvc := c.storage.Claim(c.pod.Namespace, name)
		if pvc == nil {
			return unresolvable(VolumeRestrictions, fmt.Sprintf("persistentvolumeclaim %q not found", name))
		}
		if !slices.Contains(pvc.Spec.AccessModes, corev1.ReadWriteOncePod) || slices.Contains(s.oncePod, name) {
			continue
		}
		s.oncePod = append(s.oncePod, name)
		if c.cluster.InUse(c.pod.Namespace, name) {
			s.conflicts++
		}
	}
	c.restricted = s
	if !s.hasDisks && s.conflicts == 0 {
		return Status{Code: Skip}
	}
	return Status{}
}

// filterRestrictions is VolumeRestrictions.Filter (M3). Another namespace's
// claim of the same name is not told apart when victims are tried, as upstream.
func (c *Cycle) filterRestrictions(n *Node) Status {
	if c.restricted.hasDisks && hasDiskConflict(c.pod.Pod, n.pods) {
		return unschedulable(VolumeRestrictions, reasonDisk)
	}
	if c.restricted.conflicts > 0 {
		return unschedulable(VolumeRestrictions, reasonOncePodUsed)
	}
	return Status{}
}

func (c *Cycle) shiftRestrictions(p *Pod, delta int) {
	for _, name := range p.claims {
		if slices.Contains(c.restricted.oncePod, name) {
			c.restricted.conflicts += delta
		}
	}
}

func isDisk(v *corev1.Volume) bool {
	return v.GCEPersistentDisk != nil || v.AWSElasticBlockStore != nil || v.RBD != nil || v.ISCSI != nil
}

func hasDiskConflict(pod *corev1.Pod, others []*Pod) bool {
	for i := range pod.Spec.Volumes {
		if !isDisk(&pod.Spec.Volumes[i]) {
			continue
		}
		for _, o := range others {
			for j := range o.Spec.Volumes {
				if isSameDisk(&pod.Spec.Volumes[i], &o.Spec.Volumes[j]) {
					return true
				}
			}
		}
	}
	return false
}

// isSameDisk reports whether two volumes are one disk that cannot be shared
// (isVolumeConflict).
func isSameDisk(a, b *corev1.Volume) bool {
	switch {
	case a.GCEPersistentDisk != nil && b.GCEPersistentDisk != nil:
		x, y := a.GCEPersistentDisk, b.GCEPersistentDisk
		return x.PDName == y.PDName && !(x.ReadOnly && y.ReadOnly)
	case a.AWSElasticBlockStore != nil && b.AWSElasticBlockStore != nil:
		return a.AWSElasticBlockStore.VolumeID == b.AWSElasticBlockStore.VolumeID
	case a.ISCSI != nil && b.ISCSI != nil:
		return a.ISCSI.IQN == b.ISCSI.IQN && !(a.ISCSI.ReadOnly && b.ISCSI.ReadOnly)
	case a.RBD != nil && b.RBD != nil:
		x, y := a.RBD, b.RBD
		shared := slices.ContainsFunc(x.CephMonitors, func(m string) bool { return slices.Contains(y.CephMonitors, m) })
		return shared && x.RBDPool == y.RBDPool && x.RBDImage == y.RBDImage && !(x.ReadOnly && y.ReadOnly)
	}
	return false
}
