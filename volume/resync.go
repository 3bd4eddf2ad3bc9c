package volume

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/match"
)

// resyncPeriod is the pace at which upstream looks at every claim and volume
// again (V1, PVClaimBinderSyncPeriod).
const resyncPeriod = 15 * time.Second

// resync stands for that walk over everything. It knows the claims and volumes
// whose sync would do something if it were run now, the restless; the others are
// left alone, and with nobody restless there is no tick. A claim or volume is
// judged whenever its sync ends and whenever something changes that its sync
// would read.
type resync struct {
	claims  map[apiserver.Key]bool
	volumes map[string]bool
	armed   bool // a tick is pending
}

// judgeClaim enters a claim as restless, or strikes it out.
func (b *Binder) judgeClaim(key apiserver.Key) {
	if key == b.hands.claim || b.queued.claims[key] {
		return // judged when its sync ends
	}
	if claim := b.cache.claims[key]; claim != nil && !b.isClaimAtRest(claim) {
		b.resync.claims[key] = true
	} else {
		delete(b.resync.claims, key)
	}
}

// judgeVolume does the same with a volume.
func (b *Binder) judgeVolume(name string) {
	if name == b.hands.volume || name == b.hands.binding || b.queued.volumes[name] {
		return
	}
	if v := b.cache.volumes.Get(name); v != nil && !b.isVolumeAtRest(v) {
		b.resync.volumes[name] = true
	} else {
		delete(b.resync.volumes, name)
	}
}

// isClaimAtRest reports whether a sync of the claim would do nothing.
func (b *Binder) isClaimAtRest(claim *corev1.PersistentVolumeClaim) bool {
	volume := b.cache.volumes.Get(claim.Spec.VolumeName)
	if !isAnnotated(claim, BindCompleted) {
		// A claim that no volume is found for gets an Event each time, and one
		// that names a volume gets that or is bound.
		return claim.Spec.VolumeName != "" && volume == nil && claim.Status.Phase == corev1.ClaimPending
	}
	if volume == nil || volume.Spec.ClaimRef != nil && volume.Spec.ClaimRef.UID != claim.UID {
		return claim.Status.Phase == corev1.ClaimLost
	}
	next, err := claimInPhase(claim, corev1.ClaimBound, volume)
	return boundVolume(volume, claim) == nil && volume.Status.Phase == corev1.VolumeBound &&
		next == nil && err == nil
}

// isVolumeAtRest reports whether a sync of the volume would do nothing, or
// nothing but wake its claim.
func (b *Binder) isVolumeAtRest(v *corev1.PersistentVolume) bool {
	ref := v.Spec.ClaimRef
	if ref == nil || ref.UID == "" {
		return v.Status.Phase == corev1.VolumeAvailable
	}
	claim := b.cache.claimOf(v)
	switch {
	case claim == nil || claim.UID != ref.UID:
		return isReleased(v) && b.isReclaimed(v)
	case claim.Spec.VolumeName == "":
		return match.HasSameMode(v, claim) // a claim without volume is restless itself
	case claim.Spec.VolumeName == v.Name:
		return v.Status.Phase == corev1.VolumeBound
	}
	return false
}

// isReclaimed reports whether to reclaim a released volume again would change
// nothing.
func (b *Binder) isReclaimed(v *corev1.PersistentVolume) bool {
	if v.Annotations[MigratedTo] != "" {
		return true
	}
	if b.isUnderWay(recycling, v) || b.isUnderWay(deleting, v) {
		return true // judged when that ends
	}
	failed := v.Status.Phase == corev1.VolumeFailed
	switch v.Spec.PersistentVolumeReclaimPolicy {
	case corev1.PersistentVolumeReclaimRetain:
		return true
	case corev1.PersistentVolumeReclaimRecycle:
		// Pods that use the volume are named in an Event each time.
		return failed && !isRecyclable(v) && len(b.roster.of(refKey(v))) == 0
	case corev1.PersistentVolumeReclaimDelete:
		external, _ := deleterOf(v)
		return failed || external && !(b.config.Provision && isAnnotated(v, ProvisionedBy))
	}
	return failed
}

func (b *Binder) isUnderWay(kind operationKind, v *corev1.PersistentVolume) bool {
	return b.running[operation{kind, apiserver.KeyOf(v), v.UID}]
}

// arm schedules the next tick if anybody is restless who is not being worked on
// at this moment.
func (b *Binder) arm(env *controller.Env) {
	if b.resync.armed || !b.anyRestless() {
		return
	}
	b.resync.armed = true
	next := (env.Now()/engine.Time(resyncPeriod) + 1) * engine.Time(resyncPeriod)
	env.WakeAt(next, engine.Retry, wakeTick)
}

func (b *Binder) anyRestless() bool {
	for key := range b.resync.claims { // whether there is any, in whatever order
		if key != b.hands.claim {
			return true
		}
	}
	for name := range b.resync.volumes { // likewise
		if name != b.hands.volume && name != b.hands.binding {
			return true
		}
	}
	return false
}

// tick queues the restless. Upstream lists claims in the order of a map, and the
// first in the queue has the first pick of the volumes: claims of one class come
// in an order that is chosen. A claim that names a volume can meet claims of any
// class there.
func (b *Binder) tick(env *controller.Env) {
	b.resync.armed = false
	keys := sortedKeys(b.resync.claims)
	mixed := slices.ContainsFunc(keys, func(key apiserver.Key) bool { return b.cache.claims[key].Spec.VolumeName != "" })
	class := func(key apiserver.Key) string {
		if mixed {
			return ""
		}
		return match.ClassOfClaim(b.cache.claims[key])
	}
	slices.SortStableFunc(keys, func(a, c apiserver.Key) int { return strings.Compare(class(a), class(c)) })
	for len(keys) > 0 {
		n := 1
		for n < len(keys) && class(keys[n]) == class(keys[0]) {
			n++
		}
		for i := range n {
			j := i + env.Choose("resync-order", keys[i].String(), n-i)
			keys[i], keys[j] = keys[j], keys[i]
			b.queueClaim(env, keys[i])
		}
		keys = keys[n:]
	}
	for _, name := range sortedNames(b.resync.volumes) {
		b.queueVolume(env, name)
	}
}
