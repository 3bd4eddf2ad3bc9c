package volume

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/match"
)

// volumeMemo is where the sync of a volume has got to.
type volumeMemo struct {
	stage  volumeStage
	volume *corev1.PersistentVolume
}

type volumeStage uint8

const (
	volumeStart    volumeStage = iota
	volumeAsked                // a live read of the claim
	volumePhased               // the last write
	volumeReleased             // before the volume is reclaimed
	volumeUnbound              // before the phase becomes Available
	volumeUnknown              // Failed, for its reclaim policy
)

// writes reports whether an answer at this stage is a volume just written.
func (s volumeStage) writes() bool { return s > volumeAsked }

// syncVolume decides about a volume (syncVolume). It only reads.
func (b *Binder) syncVolume(v controller.View, m volumeMemo, res *apiserver.Result) (turn, volumeMemo) {
	if res != nil && res.Err != nil && (m.stage.writes() || !apierrors.IsNotFound(res.Err)) {
		return fail(res.Err), m
	}
	switch m.stage {
	case volumeAsked:
		live, _ := res.Object.(*corev1.PersistentVolumeClaim)
		if live != nil && live.UID != m.volume.Spec.ClaimRef.UID {
			live = nil
		}
		return b.syncClaimedVolume(m, live)
	case volumePhased:
		return rest(), m
	case volumeReleased:
		return b.reclaim(m)
	case volumeUnbound:
		return inPhase(m, corev1.VolumeAvailable, "")
	case volumeUnknown:
		return rest().noting(res.Object, warning, unknownReclaimPolicy, "Volume has unrecognized PersistentVolumeReclaimPolicy"), m
	}
	ref := m.volume.Spec.ClaimRef
	if ref == nil || ref.UID == "" { // V9: unused, or reserved for a claim that has not come
		return inPhase(m, corev1.VolumeAvailable, "")
	}
	claim := b.cache.claimOf(m.volume)
	if claim == nil && !isReleased(m.volume) {
		claim = v.Claim(refKey(m.volume))
	}
	if claim == nil && !isReleased(m.volume) || claim != nil && claim.UID != ref.UID {
		// The claim may be too new for our caches: ask before anything is
		// released.
		m.stage = volumeAsked
		return send(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.PersistentVolumeClaim, Key: refKey(m.volume)}), m
	}
	return b.syncClaimedVolume(m, claim)
}

// isReleased reports whether a volume has lost its claim for good.
func isReleased(v *corev1.PersistentVolume) bool {
	return v.Status.Phase == corev1.VolumeReleased || v.Status.Phase == corev1.VolumeFailed
}

// inPhase ends a sync with the volume in a phase.
func inPhase(m volumeMemo, phase corev1.PersistentVolumePhase, message string) (turn, volumeMemo) {
	next := volumeInPhase(m.volume, phase, message)
	if next == nil {
		return rest(), m
	}
	m.stage = volumePhased
	return send(updateVolume(next, apiserver.Status)), m
}

// syncClaimedVolume decides about a volume whose claimRef has a UID; claim is
// the one with that UID, or nil if there is none.
func (b *Binder) syncClaimedVolume(m volumeMemo, claim *corev1.PersistentVolumeClaim) (turn, volumeMemo) {
	v := m.volume
	switch {
	case claim == nil:
		return b.release(m) // V9
	case claim.Spec.VolumeName == "":
		if !match.HasSameMode(v, claim) {
			return rest().
				noting(v, warning, volumeMismatch, fmt.Sprintf("Cannot bind PersistentVolume to requested PersistentVolumeClaim %q due to incompatible volumeMode.", claim.Name)).
				noting(claim, warning, volumeMismatch, fmt.Sprintf("Cannot bind PersistentVolume %q to requested PersistentVolumeClaim due to incompatible volumeMode.", v.Name)), m
		}
		return turn{claims: []apiserver.Key{apiserver.KeyOf(claim)}}, m // its sync binds it (V7, V8)
	case claim.Spec.VolumeName == v.Name:
		return inPhase(m, corev1.VolumeBound, "")
	case isAnnotated(v, ProvisionedBy) && v.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete:
		return b.release(m) // made for a claim that took another volume
	}
	m.stage = volumeUnbound // the claim is bound elsewhere
	return send(updateVolume(unboundVolume(v), apiserver.None)), m
}

// release sets the phase to Released, unless the volume has failed already, and
// reclaims the volume.
func (b *Binder) release(m volumeMemo) (turn, volumeMemo) {
	if isReleased(m.volume) {
		return b.reclaim(m)
	}
	m.stage = volumeReleased
	return send(updateVolume(volumeInPhase(m.volume, corev1.VolumeReleased, ""), apiserver.Status)), m
}

// reclaim does what the reclaim policy of a released volume says (V10,
// reclaimVolume).
func (b *Binder) reclaim(m volumeMemo) (turn, volumeMemo) {
	v := m.volume
	if v.Annotations[MigratedTo] != "" {
		return rest(), m
	}
	switch v.Spec.PersistentVolumeReclaimPolicy {
	case corev1.PersistentVolumeReclaimRetain: // V9: never bound again until somebody edits it
		return rest(), m
	case corev1.PersistentVolumeReclaimRecycle:
		return turn{start: []operation{{kind: recycling, key: apiserver.KeyOf(v), uid: v.UID}}}, m
	case corev1.PersistentVolumeReclaimDelete:
		return turn{start: []operation{{kind: deleting, key: apiserver.KeyOf(v), uid: v.UID}}}, m
	}
	next := volumeInPhase(v, corev1.VolumeFailed, "Volume has unrecognized PersistentVolumeReclaimPolicy")
	if next == nil {
		return rest(), m
	}
	m.stage = volumeUnknown
	return send(updateVolume(next, apiserver.Status)), m
}
