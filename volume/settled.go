package volume

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Most watch events of a bound claim or volume are the binder's own writes or
// somebody's who does not touch the binding. Upstream syncs the object at each
// of them, to find nothing to do. Here such an event only goes to the cache.

// isSettledClaim takes a changed claim over into the cache and reports whether a
// sync of it would do nothing. It answers no if a sync is coming anyway.
func (b *Binder) isSettledClaim(rec *apiserver.Record, claim *corev1.PersistentVolumeClaim) bool {
	if rec.Type != watch.Modified || rec.Key == b.hands.claim || b.queued.claims[rec.Key] || b.claims.Failure(rec.Key) != "" {
		return false
	}
	old := b.cache.claims[rec.Key]
	if old == nil || !b.isClaimAtRest(claim) {
		return false
	}
	if old != claim && b.cache.replaceClaim(old, claim) {
		delete(b.resync.claims, rec.Key) // judgeClaim would say no more
		b.judgeReserved(claim)
	}
	return true
}

// isSettledVolume does the same with a volume: one that is available, or bound
// to the claim that names it.
func (b *Binder) isSettledVolume(rec *apiserver.Record, v *corev1.PersistentVolume) bool {
	if rec.Type != watch.Modified || v.Name == b.hands.volume || v.Name == b.hands.binding ||
		b.queued.volumes[v.Name] || b.volumes.Failure(v.Name) != "" {
		return false
	}
	old := b.cache.volumes.Get(v.Name)
	if old == nil || !b.isInPlace(v) {
		return false
	}
	if old != v && b.cache.setVolume(v) {
		delete(b.resync.volumes, v.Name) // judgeVolume would say no more
		b.judgeNaming(v.Name)
	}
	return true
}

func (b *Binder) isInPlace(v *corev1.PersistentVolume) bool {
	ref := v.Spec.ClaimRef
	if ref == nil || ref.UID == "" {
		return v.Status.Phase == corev1.VolumeAvailable
	}
	claim := b.cache.claimOf(v)
	return claim != nil && claim.UID == ref.UID && claim.Spec.VolumeName == v.Name && v.Status.Phase == corev1.VolumeBound
}
