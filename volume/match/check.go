package match

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
)

// HasClass reports whether a claim names a storage class, be it the empty one
// (V6, PersistentVolumeClaimHasClass).
func HasClass(claim *corev1.PersistentVolumeClaim) bool {
	_, beta := claim.Annotations[corev1.BetaStorageClassAnnotation]
	return beta || claim.Spec.StorageClassName != nil
}

// ClassOfClaim returns the storage class that a claim asks for. No class is the
// empty one (V6).
func ClassOfClaim(claim *corev1.PersistentVolumeClaim) string {
	if class, beta := claim.Annotations[corev1.BetaStorageClassAnnotation]; beta {
		return class
	}
	return deref(claim.Spec.StorageClassName)
}

// ClassOf returns the storage class of a volume.
func ClassOf(volume *corev1.PersistentVolume) string {
	if class, beta := volume.Annotations[corev1.BetaStorageClassAnnotation]; beta {
		return class
	}
	return volume.Spec.StorageClassName
}

// IsReservedFor reports whether a volume's claimRef names the claim, with its
// UID or without any (IsVolumeBoundToClaim).
func IsReservedFor(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) bool {
	ref := volume.Spec.ClaimRef
	return ref != nil && ref.Name == claim.Name && ref.Namespace == claim.Namespace &&
		(ref.UID == "" || ref.UID == claim.UID)
}

// HasSameMode reports whether a claim and a volume agree on the volume mode. No
// mode means Filesystem.
func HasSameMode(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) bool {
	return modeOf(volume.Spec.VolumeMode) == modeOf(claim.Spec.VolumeMode)
}

// Satisfies says why a volume that a claim names is not fit for it, in
// upstream's words, or returns nil (V11, checkVolumeSatisfyClaim). Selector,
// phase and node affinity do not count here.
func Satisfies(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) error {
	offered, _ := ModesOf(volume.Spec.AccessModes)
	wanted, known := ModesOf(claim.Spec.AccessModes)
	capacity, request := volume.Spec.Capacity[corev1.ResourceStorage], claim.Spec.Resources.Requests[corev1.ResourceStorage]
	switch {
	case volume.DeletionTimestamp != nil:
		return fmt.Errorf("the volume is marked for deletion %q", volume.Name)
	case capacity.Value() < request.Value(): // in whole bytes, unlike the search
		return errors.New("requested PV is too small")
	case ClassOf(volume) != ClassOfClaim(claim):
		return errors.New("storageClassName does not match")
	case deref(volume.Spec.VolumeAttributesClassName) != deref(claim.Spec.VolumeAttributesClassName):
		return errors.New("volumeAttributesClassName does not match")
	case !HasSameMode(volume, claim):
		return errors.New("incompatible volumeMode")
	case !known || !offered.Contains(wanted):
		return errors.New("incompatible accessMode")
	}
	return nil
}

// FitsNode says why a volume cannot be used on a node with the given labels, or
// returns nil (CheckNodeAffinity).
func FitsNode(volume *corev1.PersistentVolume, labels map[string]string) error {
	if volume.Spec.NodeAffinity == nil || volume.Spec.NodeAffinity.Required == nil {
		return nil
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: labels}}
	fits, err := schedulinghelper.MatchNodeSelectorTerms(node, volume.Spec.NodeAffinity.Required)
	if err != nil {
		return err
	}
	if !fits {
		return errors.New("no matching NodeSelectorTerms")
	}
	return nil
}

func modeOf(m *corev1.PersistentVolumeMode) corev1.PersistentVolumeMode {
	if m == nil {
		return corev1.PersistentVolumeFilesystem
	}
	return *m
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
