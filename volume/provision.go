package volume

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/csi"
	"github.com/statefulsim/statefulsim/volume/match"
)

// The plugins that the controller manager of v1.37 has for volumes: what is not
// among them is somebody else's (ProbeProvisionableRecyclableVolumePlugins).
const (
	inTree         = "kubernetes.io/"
	hostPathPlugin = inTree + "host-path"
	nfsPlugin      = inTree + "nfs"
)

// beginProvision starts an operation that has a volume made for a claim with a
// class (V14, provisionClaim), or says why nobody can.
func (b *Binder) beginProvision(v controller.View, claim *corev1.PersistentVolumeClaim) turn {
	if err := b.provisionable(v, claim); err != nil {
		return rest().noting(claim, warning, provisioningFailed, err.Error())
	}
	return turn{start: []operation{{kind: provisioning, key: apiserver.KeyOf(claim), uid: claim.UID}}}
}

// anyProvisioner is who makes the volumes of classes that do not exist.
const anyProvisioner = "statefulsim.io/any"

// classFor returns the class by which volumes are made for a claim, or nil if
// it does not exist. With Config.Provision that is any class, and none at all
// unless the claim refuses volumes on demand by the class "".
// Deviation: upstream waits until the class exists.
func (b *Binder) classFor(v controller.View, claim *corev1.PersistentVolumeClaim) *storagev1.StorageClass {
	name := match.ClassOfClaim(claim)
	if name != "" {
		if class := v.StorageClass(name); class != nil {
			return class
		}
	}
	if !b.config.Provision || name == "" && match.HasClass(claim) {
		return nil
	}
	if b.absent == nil || b.absent.Name != name {
		b.absent = &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: anyProvisioner}
	}
	return b.absent
}

// provisionable says why nobody can make volumes of a claim's class
// (findProvisionablePlugin).
func (b *Binder) provisionable(v controller.View, claim *corev1.PersistentVolumeClaim) error {
	class := b.classFor(v, claim)
	if class == nil {
		return apierrors.NewNotFound(storagev1.Resource("storageclass"), match.ClassOfClaim(claim))
	}
	p := class.Provisioner
	switch {
	case !strings.HasPrefix(p, inTree) || csi.DriverOf(p) != "" || p == hostPathPlugin:
		return nil
	case p == nfsPlugin:
		return errors.New("no provisionable volume plugin matched")
	}
	return errors.New("no volume plugin matched name: " + p)
}

// provisionerOf returns who makes volumes of a class: the CSI driver that has
// replaced a built-in plugin, or the provisioner that the class names.
func provisionerOf(class *storagev1.StorageClass) string {
	if driver := csi.DriverOf(class.Provisioner); driver != "" {
		return driver
	}
	return class.Provisioner
}

// deleterOf reports whether a volume is deleted by somebody else, or why nobody
// can (findDeletablePlugin). Without either it is a host path.
func deleterOf(v *corev1.PersistentVolume) (external bool, err error) {
	if p := v.Annotations[ProvisionedBy]; p != "" {
		switch {
		case !strings.HasPrefix(p, inTree):
			return true, nil
		case p == nfsPlugin:
			return false, errors.New("no deletable volume plugin matched")
		case p != hostPathPlugin || v.Spec.HostPath == nil:
			return false, errors.New("no volume plugin matched name: " + p)
		}
		return false, nil
	}
	if isAnnotated(v, MigratedTo) || v.Spec.CSI != nil {
		return true, nil
	}
	reason := "no volume plugin matched"
	switch {
	case v.Spec.HostPath != nil:
		return false, nil
	case v.Spec.NFS != nil:
		reason = "no deletable volume plugin matched"
	}
	return false, fmt.Errorf("error getting deleter volume plugin for volume %q: %s", v.Name, reason)
}

// isRecyclable reports whether a built-in plugin can scrub a volume.
func isRecyclable(v *corev1.PersistentVolume) bool {
	return v.Spec.NFS != nil || v.Spec.HostPath != nil
}

// create does what an external provisioner does: it makes a volume for the
// claim and reserves it (V14). The claim is bound by its next sync.
// Deviation: the provisioner is a process of its own in a real cluster.
func (b *Binder) create(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, m operationMemo, res *apiserver.Result) (turn, operationMemo) {
	driver := claim.Annotations[StorageProvisioner]
	if m.stage == operationStart {
		m.stage = operationCreated
		v := provisioned(claim, class, b.madeBy(driver))
		return send(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.PersistentVolume, Key: apiserver.KeyOf(v), Object: v, Given: true}), m
	}
	switch {
	case res.Err == nil:
		return rest().noting(claim, normal, provisioningDone, "Successfully provisioned volume "+volumeNameFor(claim)), m
	case apierrors.IsAlreadyExists(res.Err):
		return rest(), m
	}
	return fail(res.Err).noting(claim, warning, provisioningFailed,
		fmt.Sprintf("failed to provision volume with StorageClass %q: %v", class.Name, res.Err)), m
}

func volumeNameFor(claim *corev1.PersistentVolumeClaim) string { return "pvc-" + string(claim.UID) }

// madeBy returns the annotations of a driver's volumes, which share them.
func (b *Binder) madeBy(driver string) map[string]string {
	if b.made == nil || b.made[ProvisionedBy] != driver {
		b.made = map[string]string{ProvisionedBy: driver}
	}
	return b.made
}

// provisioned returns the volume that the driver in its annotations makes for a
// claim. It shares with the claim what is the same in both.
func provisioned(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, annotations map[string]string) *corev1.PersistentVolume {
	policy := corev1.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		policy = *class.ReclaimPolicy
	}
	v := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: volumeNameFor(claim), Annotations: annotations},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      capacityFor(claim),
			AccessModes:                   claim.Spec.AccessModes,
			ClaimRef:                      referenceTo(claim),
			PersistentVolumeReclaimPolicy: policy,
			StorageClassName:              class.Name,
			MountOptions:                  class.MountOptions,
			VolumeMode:                    claim.Spec.VolumeMode,
			VolumeAttributesClassName:     claim.Spec.VolumeAttributesClassName,
		},
	}
	v.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: driverName(annotations[ProvisionedBy]), VolumeHandle: v.Name}
	return v
}

// capacityFor returns what a claim asks for: as a rule nothing but storage.
func capacityFor(claim *corev1.PersistentVolumeClaim) corev1.ResourceList {
	requests := claim.Spec.Resources.Requests
	storage, ok := requests[corev1.ResourceStorage]
	if ok && len(requests) == 1 {
		return requests
	}
	return corev1.ResourceList{corev1.ResourceStorage: storage}
}

// driverName makes a CSI driver's name of a provisioner's, which may have a
// slash ("rancher.io/local-path").
func driverName(provisioner string) string {
	name := strings.ReplaceAll(strings.ToLower(provisioner), "/", ".")
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-.")
	}
	return name
}
