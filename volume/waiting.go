package volume

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/match"
)

// Waiting implements controller.Actor: the claims that are not bound, sorted by
// key, each with the words of the Event that upstream gives it, and then the
// volumes that could not be reclaimed. It looks at every claim.
func (b *Binder) Waiting(env *controller.Env) []controller.Wait {
	failing := b.claims.Failing()
	reasons := map[apiserver.Key]string{}
	for key, claim := range b.cache.claims { // a map from a map
		if reason := b.reason(env.View, claim); reason != "" {
			reasons[key] = reason
		} else if failing[key] != "" {
			reasons[key] = failing[key]
		}
	}
	waits := failingClaims(reasons)
	volumes := b.volumes.Failing()
	for name := range b.resync.volumes { // into a map, which is sorted below
		if v := b.cache.volumes.Get(name); volumes[name] == "" && v != nil && isReleased(v) {
			volumes[name] = "waiting for reclaim policy " + string(v.Spec.PersistentVolumeReclaimPolicy)
		}
	}
	for _, name := range sortedNames(volumes) {
		waits = append(waits, controller.Wait{Kind: apiserver.PersistentVolume, Key: apiserver.Key{Name: name}, Reason: volumes[name]})
	}
	return waits
}

// reason says why a claim is not bound, or "" if it is.
func (b *Binder) reason(v controller.View, claim *corev1.PersistentVolumeClaim) string {
	volume := b.cache.volumes.Get(claim.Spec.VolumeName)
	switch {
	case claim.Status.Phase == corev1.ClaimBound:
		return ""
	case claim.Status.Phase == corev1.ClaimLost:
		return "the claim has lost its volume"
	case claim.Spec.VolumeName != "":
		return namingReason(volume, claim)
	}
	delayed, err := isDelayed(v, claim)
	switch {
	case err != nil:
		return err.Error()
	case delayed && !isAnnotated(claim, SelectedNode):
		_, message := b.firstConsumer(v, claim)
		return message
	case match.ClassOfClaim(claim) == "" && b.classFor(v, claim) == nil:
		return noVolumes
	}
	if err := b.provisionable(v, claim); err != nil {
		return err.Error()
	}
	return waitingFor(provisionerOf(b.classFor(v, claim)))
}

// namingReason says why a claim is not bound to the volume that it names.
func namingReason(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) string {
	switch {
	case volume == nil:
		return "persistentvolume \"" + claim.Spec.VolumeName + "\" not found"
	case volume.Spec.ClaimRef == nil:
		if err := match.Satisfies(volume, claim); err != nil {
			return unfit(volume, err)
		}
	case !match.IsReservedFor(volume, claim):
		return taken(volume)
	}
	return "" // it is being bound
}

// failingClaims lists claims with their reasons, in the order of their keys.
func failingClaims(reasons map[apiserver.Key]string) []controller.Wait {
	var waits []controller.Wait
	for _, key := range slices.SortedFunc(maps.Keys(reasons), apiserver.Key.Compare) {
		waits = append(waits, controller.Wait{Kind: apiserver.PersistentVolumeClaim, Key: key, Reason: reasons[key]})
	}
	return waits
}
