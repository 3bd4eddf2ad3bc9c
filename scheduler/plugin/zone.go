package plugin

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/statefulsim/statefulsim/volume/match"
)

const reasonZone = "node(s) had no available volume zone"

// volumeTopology is a zone or region label of a volume, with the values it
// allows.
type volumeTopology struct {
	key    string
	values []string
}

func topologyLabels() [4]string {
	return [4]string{
		corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion,
		corev1.LabelTopologyZone, corev1.LabelTopologyRegion,
	}
}

// preFilterZones is VolumeZone.PreFilter (getPVbyPod).
func (c *Cycle) preFilterZones() Status {
	for _, name := range c.pod.claims {
		pvc := c.storage.Claim(c.pod.Namespace, name)
		switch {
		case pvc == nil:
			return unresolvable(VolumeZone, fmt.Sprintf("persistentvolumeclaim %q not found", name))
		case pvc.Spec.VolumeName == "":
			if s := c.unboundZone(pvc); s.Code != Skip {
				return s
			}
			continue
		}
		pv := c.storage.Volumes().Get(pvc.Spec.VolumeName)
		if pv == nil {
			return unresolvable(VolumeZone, fmt.Sprintf("persistentvolume %q not found", pvc.Spec.VolumeName))
		}
		c.topologies = append(c.topologies, topologiesOf(pv)...)
	}
	if len(c.topologies) == 0 {
		return Status{Code: Skip}
	}
	return Status{}
}

// unboundZone says what an unbound claim means: Skip if its volume will be
// chosen for the node.
func (c *Cycle) unboundZone(pvc *corev1.PersistentVolumeClaim) Status {
	name := match.ClassOfClaim(pvc)
	if name == "" {
		return unresolvable(VolumeZone, "PersistentVolumeClaim had no pv name and storageClass name")
	}
	class := c.storage.Class(name)
	switch {
	case class == nil:
		return unresolvable(VolumeZone, fmt.Sprintf("storageclass.storage.k8s.io %q not found", name))
	case class.VolumeBindingMode == nil:
		return unresolvable(VolumeZone, fmt.Sprintf("VolumeBindingMode not set for StorageClass %q", name))
	case *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer:
		return Status{Code: Skip}
	}
	return unresolvable(VolumeZone, "PersistentVolume had no name")
}

func topologiesOf(pv *corev1.PersistentVolume) []volumeTopology {
	var ts []volumeTopology
	if len(pv.Labels) == 0 {
		return nil
	}
	for _, key := range topologyLabels() {
		value, ok := pv.Labels[key]
		if !ok {
			continue
		}
		values := strings.Split(value, "__")
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
		if !slices.Contains(values, "") {
			ts = append(ts, volumeTopology{key, values})
		}
	}
	return ts
}

// filterZones is VolumeZone.Filter. A node without any such label is no
// conflict.
func (c *Cycle) filterZones(n *Node) Status {
	keys := topologyLabels()
	if !slices.ContainsFunc(keys[:], func(key string) bool { _, ok := n.Labels[key]; return ok }) {
		return Status{}
	}
	for _, t := range c.topologies {
		value, ok := n.Labels[t.key]
		if !ok {
			switch t.key {
			case corev1.LabelFailureDomainBetaZone:
				value, ok = n.Labels[corev1.LabelTopologyZone]
			case corev1.LabelFailureDomainBetaRegion:
				value, ok = n.Labels[corev1.LabelTopologyRegion]
			}
		}
		if !ok || !slices.Contains(t.values, value) {
			return unresolvable(VolumeZone, reasonZone)
		}
	}
	return Status{}
}
