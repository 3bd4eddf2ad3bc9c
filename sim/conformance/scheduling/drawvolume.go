package scheduling

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The storage classes: one that binds at once, one that waits, one that waits
// and has a provisioner.
var storageClasses = []string{"now", "later", "made"}

func (d *dice) drawStorage() {
	for _, name := range storageClasses {
		o := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: "kubernetes.io/no-provisioner"}
		mode := storagev1.VolumeBindingWaitForFirstConsumer
		if name == "now" {
			mode = storagev1.VolumeBindingImmediate
		}
		o.VolumeBindingMode = &mode
		if name == "made" {
			o.Provisioner = pick(d, "provisioner", "example.com/disks", "example.com/disks", "kubernetes.io/gce-pd", "kubernetes.io/azure-file")
			if d.chance(2, "topologies") {
				o.AllowedTopologies = []corev1.TopologySelectorTerm{{MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{
					{Key: corev1.LabelTopologyZone, Values: []string{pick(d, "zone", "z1", "z2")}},
				}}}
			}
		}
		if !d.chance(12, "missing") {
			d.add(o)
		}
	}
	volumes := 0
	for i := range 1 + d.upTo(2, "claims") {
		d.drawClaim(i, &volumes)
	}
	for range d.upTo(3, "volumes") {
		d.add(d.volume(&volumes, pick(d, "class", append(storageClasses, "later")...)))
	}
}

var modes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteMany, corev1.ReadWriteOncePod}

// volume draws an available volume.
func (d *dice) volume(count *int, class string) *corev1.PersistentVolume {
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pv%d", *count)}}
	*count++
	pv.Spec.StorageClassName = class
	pv.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(pick(d, "capacity", "1Gi", "2Gi", "5Gi"))}
	pv.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{pick(d, "mode", modes...)}
	if d.chance(4, "two modes") && pv.Spec.AccessModes[0] == corev1.ReadWriteOnce {
		pv.Spec.AccessModes = append(pv.Spec.AccessModes, corev1.ReadWriteMany)
	}
	if d.chance(3, "labels") {
		pv.Labels = map[string]string{"kind": "fast"}
	}
	if d.chance(4, "zoned") {
		pv.Labels = map[string]string{corev1.LabelTopologyZone: pick(d, "zone", "z1", "z2", "z1__z2"), "kind": "fast"}
	}
	if d.chance(2, "affine") {
		pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{pick(d, "node", append(d.nodes, "gone")...)}}},
		}}}}
		pv.Spec.Local = &corev1.LocalVolumeSource{Path: "/disk"}
	} else if d.topics[onLimits] && !d.chance(4, "nfs") {
		driver := pick(d, "driver", drivers...)
		pv.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: pv.Name}
		d.disks = append(d.disks, disk{driver, pv.Name})
	} else {
		pv.Spec.NFS = &corev1.NFSVolumeSource{Server: "nfs", Path: "/export"}
	}
	pv.Status.Phase = pick(d, "phase", corev1.VolumeAvailable, corev1.VolumeAvailable, corev1.VolumeAvailable, corev1.VolumeReleased)
	return pv
}

func (d *dice) drawClaim(i int, volumes *int) {
	name := fmt.Sprintf("c%d", i)
	d.claims = append(d.claims, name)
	class := pick(d, "class", "later", "now", "made", "later")
	pvc := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	pvc.Spec.StorageClassName = &class
	pvc.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{pick(d, "mode", modes...)}
	pvc.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(pick(d, "request", "1Gi", "2Gi", "3Gi"))}
	if d.chance(5, "selector") {
		pvc.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"kind": "fast"}}
	}
	pvc.Status.Phase = corev1.ClaimPending
	switch d.upTo(7, "how") {
	case 0, 1, 2: // bound
		pv := d.volume(volumes, class)
		pv.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: namespace, Name: name}
		pv.Status.Phase = corev1.VolumeBound
		pvc.Spec.VolumeName = pv.Name
		pvc.Annotations = map[string]string{"pv.kubernetes.io/bind-completed": "yes"}
		pvc.Status.Phase = corev1.ClaimBound
		if d.chance(12, "lost") {
			pvc.Status.Phase = corev1.ClaimLost
		}
		if !d.chance(12, "volume missing") {
			d.add(pv)
		}
	case 3: // asks for a volume
		pvc.Spec.VolumeName = "pv0"
	case 4: // a volume is reserved for it
		pv := d.volume(volumes, class)
		pv.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: namespace, Name: name}
		d.add(pv)
	case 5:
		if len(d.nodes) > 0 && class == "made" {
			pvc.Annotations = map[string]string{"volume.kubernetes.io/selected-node": pick(d, "node", d.nodes...)}
		}
	}
	if d.chance(12, "deleting") {
		d.doomed = append(d.doomed, name)
	}
	d.add(pvc)
}

func (d *dice) drawVolumes(p *corev1.Pod) {
	used := map[string]bool{}
	for range d.upTo(2, "volumes") {
		name := pick(d, "claim", append(d.claims, d.claims[0])...)
		if d.chance(20, "no claim") {
			name = "none"
		}
		if used[name] {
			continue
		}
		used[name] = true
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
		}})
	}
	if d.chance(12, "ephemeral") {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "e", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
			VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: modes[:1], Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			}},
		}}})
	}
	if d.chance(6, "disk") {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "s", VolumeSource: d.disk()})
	}
}

// disk draws a volume that pods on one node may not share.
func (d *dice) disk() (v corev1.VolumeSource) {
	readOnly := d.chance(2, "read-only")
	switch d.upTo(3, "kind") {
	case 0:
		v.ISCSI = &corev1.ISCSIVolumeSource{TargetPortal: "1.2.3.4", IQN: "iqn.2001-04.com.example:x", ReadOnly: readOnly}
	case 1:
		v.GCEPersistentDisk = &corev1.GCEPersistentDiskVolumeSource{PDName: "disk", ReadOnly: readOnly}
	case 2:
		v.AWSElasticBlockStore = &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "disk", ReadOnly: readOnly}
	default:
		v.RBD = &corev1.RBDVolumeSource{CephMonitors: []string{pick(d, "monitor", "a", "b"), "c"}, RBDImage: "image", ReadOnly: readOnly}
	}
	return v
}
