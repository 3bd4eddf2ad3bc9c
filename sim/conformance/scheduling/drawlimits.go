package scheduling

import (
	"fmt"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// drivers are those of volumes, and the one that makes volumes of the class "made".
var drivers = []string{"a.example.com", "b.example.com"}

// disk is a volume of a driver, by its name.
type disk struct{ driver, volume string }

// drawLimits draws how many volumes nodes take, which drivers have to be there, and
// what is attached already.
func (d *dice) drawLimits() {
	all := append([]string{"example.com/disks", "pd.csi.storage.gke.io"}, drivers...)
	for _, name := range d.nodes {
		if d.chance(4, "no csinode") {
			continue
		}
		node := &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: name}}
		for _, driver := range all {
			if d.chance(4, "not there") {
				continue
			}
			entry := storagev1.CSINodeDriver{Name: driver, NodeID: name}
			if !d.chance(4, "no limit") {
				count := int32(d.upTo(3, "count"))
				entry.Allocatable = &storagev1.VolumeNodeResources{Count: &count}
			}
			node.Spec.Drivers = append(node.Spec.Drivers, entry)
		}
		d.add(node)
	}
	for _, driver := range drivers {
		if d.chance(2, "driver") {
			must := d.chance(2, "must")
			d.add(&storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: driver}, Spec: storagev1.CSIDriverSpec{PreventPodSchedulingIfMissing: &must}})
		}
	}
	if len(d.nodes) == 0 {
		return
	}
	for i, v := range d.disks {
		if d.chance(2, "attached") {
			name := v.volume
			d.add(&storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("va%d", i)}, Spec: storagev1.VolumeAttachmentSpec{
				Attacher: v.driver, NodeName: pick(d, "node", d.nodes...), Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: &name}}})
		}
	}
}
