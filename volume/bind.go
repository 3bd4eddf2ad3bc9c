package volume

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/volume/match"
)

// The successors of volumes and claims that the binder writes. Each function
// returns a new object that shares with the old one what does not change, or
// nil if nothing would change.

// boundVolume returns the volume with a claimRef to the claim: the first of the
// four writes (V8, GetBindVolumeToClaim).
func boundVolume(v *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	ref := v.Spec.ClaimRef
	linked := ref != nil && ref.Name == claim.Name && ref.Namespace == claim.Namespace && ref.UID == claim.UID
	mark := !match.IsReservedFor(v, claim) && !isAnnotated(v, BoundByController)
	if linked && !mark {
		return nil
	}
	next := *v
	if !linked {
		next.Spec.ClaimRef = referenceTo(claim)
	}
	if mark {
		next.Annotations = annotate(v.Annotations, "yes", BoundByController)
	}
	return &next
}

func referenceTo(claim *corev1.PersistentVolumeClaim) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: "v1", Kind: "PersistentVolumeClaim",
		Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
	}
}

// unboundVolume takes the binding back: all of it if a controller made it, else
// the UID alone, so that the volume stays reserved (unbindVolume).
func unboundVolume(v *corev1.PersistentVolume) *corev1.PersistentVolume {
	next := *v
	if isAnnotated(v, BoundByController) {
		next.Spec.ClaimRef = nil
		next.Annotations = without(v.Annotations, BoundByController)
		return &next
	}
	ref := *v.Spec.ClaimRef
	ref.UID = ""
	next.Spec.ClaimRef = &ref
	return &next
}

// volumeInPhase returns the volume in a phase (V9, updateVolumePhase).
func volumeInPhase(v *corev1.PersistentVolume, phase corev1.PersistentVolumePhase, message string) *corev1.PersistentVolume {
	if v.Status.Phase == phase {
		return nil
	}
	next := *v
	next.Status.Phase, next.Status.Message = phase, message
	return &next
}

// boundClaim returns the claim with the volume's name: the third write (V8,
// bindClaimToVolume).
func boundClaim(claim *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) *corev1.PersistentVolumeClaim {
	named, completed := claim.Spec.VolumeName == v.Name, isAnnotated(claim, BindCompleted)
	if named && completed {
		return nil
	}
	next := *claim
	next.Spec.VolumeName = v.Name
	marks := make([]string, 0, 2)
	if !named && !isAnnotated(claim, BoundByController) {
		marks = append(marks, BoundByController)
	}
	if !completed {
		marks = append(marks, BindCompleted)
	}
	if len(marks) > 0 {
		next.Annotations = annotate(claim.Annotations, "yes", marks...)
	}
	return &next
}

// claimInPhase returns the claim in a phase, with access modes and capacity of
// the volume, or without any if there is no volume: the fourth write (V8,
// updateClaimStatus).
func claimInPhase(claim *corev1.PersistentVolumeClaim, phase corev1.PersistentVolumeClaimPhase, v *corev1.PersistentVolume) (*corev1.PersistentVolumeClaim, error) {
	s, dirty := claim.Status, claim.Status.Phase != phase
	s.Phase = phase
	if v == nil {
		dirty = dirty || s.AccessModes != nil || s.Capacity != nil || s.CurrentVolumeAttributesClassName != nil
		s.AccessModes, s.Capacity, s.CurrentVolumeAttributesClassName = nil, nil, nil
	} else {
		if !slices.Equal(s.AccessModes, v.Spec.AccessModes) {
			s.AccessModes, dirty = v.Spec.AccessModes, true
		}
		if claim.Status.Phase != phase { // a bound claim's capacity may differ for a reason
			capacity, ok := v.Spec.Capacity[corev1.ResourceStorage]
			if !ok {
				return nil, fmt.Errorf("PersistentVolume %q is without a storage capacity", v.Name)
			}
			if current, ok := s.Capacity[corev1.ResourceStorage]; !ok || capacity.Cmp(current) != 0 {
				s.Capacity, dirty = v.Spec.Capacity, true
			}
		}
		if claim.Status.Phase == corev1.ClaimPending && phase == corev1.ClaimBound && !isSame(s.CurrentVolumeAttributesClassName, v.Spec.VolumeAttributesClassName) {
			s.CurrentVolumeAttributesClassName, dirty = v.Spec.VolumeAttributesClassName, true
		}
	}
	if !dirty {
		return nil, nil
	}
	next := *claim
	next.Status = s
	return &next, nil
}

func isSame(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// updateVolume asks for a write of a volume that was made for it.
func updateVolume(v *corev1.PersistentVolume, sub apiserver.Subresource) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolume, Subresource: sub, Key: apiserver.KeyOf(v), Object: v, Given: true}
}

// updateClaim is updateVolume for a claim.
func updateClaim(c *corev1.PersistentVolumeClaim, sub apiserver.Subresource) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolumeClaim, Subresource: sub, Key: apiserver.KeyOf(c), Object: c, Given: true}
}
