package plugin

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/statefulsim/statefulsim/volume/csi"
	"github.com/statefulsim/statefulsim/volume/match"
)

const reasonVolumeCount = "node(s) exceed max volume count"

// preFilterLimits is NodeVolumeLimits.PreFilter: most clusters limit nothing.
func (c *Cycle) preFilterLimits() Status {
	if !c.storage.Limited() || len(c.pod.all) == 0 && !slices.ContainsFunc(c.pod.Spec.Volumes, func(v corev1.Volume) bool {
		name, _ := replaced(&v)
		return name != ""
	}) {
		return Status{Code: Skip}
	}
	return Status{}
}

// replaced returns the built-in plugin of a volume that stands in the pod and that a
// CSI driver has replaced, and what tells the volume from others
// (IsInlineMigratable, TranslateInTreeInlineVolumeToCSI).
func replaced(v *corev1.Volume) (name, handle string) {
	switch {
	case v.GCEPersistentDisk != nil:
		return "kubernetes.io/gce-pd", "projects/UNSPECIFIED/zones/UNSPECIFIED/disks/" + v.GCEPersistentDisk.PDName
	case v.AWSElasticBlockStore != nil:
		return "kubernetes.io/aws-ebs", v.AWSElasticBlockStore.VolumeID
	case v.AzureDisk != nil:
		return "kubernetes.io/azure-disk", v.AzureDisk.DataDiskURI
	case v.Cinder != nil:
		return "kubernetes.io/cinder", v.Cinder.VolumeID
	case v.PortworxVolume != nil:
		return "kubernetes.io/portworx-volume", v.PortworxVolume.VolumeID
	}
	return "", ""
}

// disksOf adds the volumes of a pod to a set (filterAttachableVolumes).
func (c *Cycle) disksOf(node *storagev1.CSINode, p *Pod, set map[disk]bool) {
	for _, name := range p.all {
		if d, ok := c.diskOf(node, p.Namespace, name); ok {
			set[d] = true
		}
	}
	for i := range p.Spec.Volumes {
		if name, handle := replaced(&p.Spec.Volumes[i]); isMigrated(node, name) {
			set[disk{csi.DriverOf(name), handle}] = true
		}
	}
}

// disk is a volume as a limit counts it: one that is not made yet goes by its
// claim.
type disk struct{ driver, handle string }

// filterLimits is NodeVolumeLimits.Filter (M12): with the pod's volumes a node must
// not have more of a driver than its CSINode says. Counted are those of the pods on
// the node, and what is still attached.
func (c *Cycle) filterLimits(n *Node) Status {
	node := c.storage.CSINode(n.name)
	fresh := map[disk]bool{}
	c.disksOf(node, c.pod, fresh)
	missing := ""
	for d := range fresh { // the first by name: upstream meets them in the order of a map
		if c.misses(node, d.driver) && (missing == "" || d.driver < missing) {
			missing = d.driver
		}
	}
	if missing != "" {
		return unschedulable(NodeVolumeLimits, fmt.Sprintf("%s CSI driver is not installed on the node", missing))
	}
	limits := limitsOf(node)
	if len(limits) == 0 {
		return Status{}
	}
	used := c.disksOn(n, node)
	counts, added := map[string]int{}, map[string]int{}
	for d := range used { // sums
		counts[d.driver]++
	}
	for d := range c.disksLeft(n) { // sums
		if !used[d] {
			counts[d.driver]++
		}
	}
	for d := range fresh { // sums; one that is only attached still counts once more
		if !used[d] {
			added[d.driver]++
		}
	}
	for driver, more := range added { // any hit is the same answer
		if limit, ok := limits[driver]; ok && counts[driver]+more > int(limit) {
			return unschedulable(NodeVolumeLimits, reasonVolumeCount)
		}
	}
	return Status{}
}

// disksOn returns the volumes of the pods on a node.
func (c *Cycle) disksOn(n *Node, node *storagev1.CSINode) map[disk]bool {
	used := map[disk]bool{}
	for _, p := range n.pods {
		c.disksOf(node, p, used)
	}
	return used
}

// disksLeft returns the volumes that are attached to a node
// (getNodeVolumeAttachmentInfo).
func (c *Cycle) disksLeft(n *Node) map[disk]bool {
	there := map[disk]bool{}
	for _, a := range c.storage.Attachments(n.name) { // into a set
		if a.Spec.Attacher == "" || a.Spec.Source.PersistentVolumeName == nil {
			continue
		}
		if pv := c.storage.Volumes().Get(*a.Spec.Source.PersistentVolumeName); pv != nil && pv.Spec.CSI != nil {
			there[disk{a.Spec.Attacher, pv.Spec.CSI.VolumeHandle}] = true
		}
	}
	return there
}

// diskOf returns the CSI volume of a claim (getCSIDriverInfo): of one that is not
// bound the one that its class will make.
func (c *Cycle) diskOf(node *storagev1.CSINode, namespace, claim string) (disk, bool) {
	pvc := c.storage.Claim(namespace, claim)
	if pvc == nil {
		return disk{}, false
	}
	if pv := c.storage.Volumes().Get(pvc.Spec.VolumeName); pvc.Spec.VolumeName != "" && pv != nil {
		v, ok := csi.Of(pv)
		return disk{v.Driver, v.Handle}, ok && v.Driver != "" && v.Handle != ""
	}
	name := match.ClassOfClaim(pvc)
	if name == "" {
		return disk{}, false
	}
	class := c.storage.Class(name)
	if class == nil {
		return disk{}, false
	}
	driver := class.Provisioner
	if replaced := csi.DriverOf(driver); replaced != "" {
		if !isMigrated(node, driver) {
			return disk{}, false
		}
		driver = replaced
	}
	return disk{driver, "claim " + namespace + "/" + claim}, driver != ""
}

// isMigrated reports whether the scheduler counts the volumes of a built-in plugin
// among those of the CSI driver that has replaced it (isCSIMigrationOn).
func isMigrated(node *storagev1.CSINode, plugin string) bool {
	switch plugin {
	case "kubernetes.io/aws-ebs", "kubernetes.io/portworx-volume", "kubernetes.io/gce-pd", "kubernetes.io/azure-disk", "kubernetes.io/cinder":
		return node != nil
	}
	return false
}

// misses reports whether a driver that has to be there is not (checkCSIDriverOnNode).
func (c *Cycle) misses(node *storagev1.CSINode, driver string) bool {
	d := c.storage.CSIDriver(driver)
	return d != nil && d.Spec.PreventPodSchedulingIfMissing != nil && *d.Spec.PreventPodSchedulingIfMissing &&
		(node == nil || !slices.ContainsFunc(node.Spec.Drivers, func(d storagev1.CSINodeDriver) bool { return d.Name == driver }))
}

// limitsOf returns how many volumes a node takes, by driver (getVolumeLimits).
func limitsOf(node *storagev1.CSINode) map[string]int32 {
	if node == nil {
		return nil
	}
	limits := map[string]int32{}
	for i := range node.Spec.Drivers {
		if d := &node.Spec.Drivers[i]; d.Allocatable != nil && d.Allocatable.Count != nil {
			limits[d.Name] = *d.Allocatable.Count
		}
	}
	return limits
}

// Limits reports whether an object, or a nil one, is one for which Storage.Limited is true.
func Limits(obj any) bool {
	switch o := obj.(type) {
	case *storagev1.CSINode:
		return len(limitsOf(o)) > 0
	case *storagev1.CSIDriver:
		return o != nil && o.Spec.PreventPodSchedulingIfMissing != nil && *o.Spec.PreventPodSchedulingIfMissing
	}
	return false
}

// raisesLimit reports whether a node takes more of any driver's volumes than before
// (isSchedulableAfterCSINodeUpdated).
func raisesLimit(old, node *storagev1.CSINode) bool {
	was := limitsOf(old)
	for driver, limit := range limitsOf(node) { // any hit is the same answer
		if limit > was[driver] {
			return true
		}
	}
	return false
}
