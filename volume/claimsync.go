package volume

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/match"
)

// claimMemo is where the sync of a claim has got to.
type claimMemo struct {
	stage  claimStage
	claim  *corev1.PersistentVolumeClaim
	volume *corev1.PersistentVolume // that is being bound
	lost   string                   // the reason of the Event that follows the loss
	text   string
}

type claimStage uint8

const (
	claimStart claimStage = iota
	// The four writes of a binding (V8).
	claimBindVolume
	claimBindVolumePhase
	claimBindClaim
	claimBindPhase
	// Single writes that end a sync.
	claimPending
	claimClassed
	claimLoses
)

// syncClaim decides about a claim (syncClaim and what it calls). It only reads.
func (b *Binder) syncClaim(v controller.View, m claimMemo, res *apiserver.Result) (turn, claimMemo) {
	if res != nil && res.Err != nil {
		return fail(res.Err), m
	}
	switch m.stage {
	case claimStart:
		if isAnnotated(m.claim, BindCompleted) {
			return b.syncBoundClaim(m)
		}
		return b.syncUnboundClaim(v, m)
	case claimPending, claimClassed:
		return rest(), m
	case claimLoses:
		return rest().noting(res.Object, warning, m.lost, m.text), m
	}
	return b.bind(m)
}

// bind takes the next of the four writes of a binding that has something to
// change (V8). What is done already is passed over: so a binding that failed
// half-way, here or in another process, is completed by whichever sync is next.
func (b *Binder) bind(m claimMemo) (turn, claimMemo) {
	for ; m.stage <= claimBindPhase; m.stage++ {
		switch m.stage {
		case claimBindVolume:
			if next := boundVolume(m.volume, m.claim); next != nil {
				m.stage++
				return send(updateVolume(next, apiserver.None)), m
			}
		case claimBindVolumePhase:
			if next := volumeInPhase(m.volume, corev1.VolumeBound, ""); next != nil {
				m.stage++
				return send(updateVolume(next, apiserver.Status)), m
			}
		case claimBindClaim:
			if next := boundClaim(m.claim, m.volume); next != nil {
				m.stage++
				return send(updateClaim(next, apiserver.None)), m
			}
		case claimBindPhase:
			next, err := claimInPhase(m.claim, corev1.ClaimBound, m.volume)
			if err != nil {
				return fail(err), m
			}
			if next != nil {
				m.stage = claimPending
				return send(updateClaim(next, apiserver.Status)), m
			}
		}
	}
	return rest(), m
}

func (b *Binder) beginBind(m claimMemo, v *corev1.PersistentVolume) (turn, claimMemo) {
	m.stage, m.volume = claimBindVolume, v
	return b.bind(m)
}

// toPending ends a turn with the claim's phase set to Pending, if it is not.
func toPending(t turn, m claimMemo) (turn, claimMemo) {
	if next, _ := claimInPhase(m.claim, corev1.ClaimPending, nil); next != nil { // without a volume there is no error
		m.stage = claimPending
		t.plan.Chains = controller.Send(updateClaim(next, apiserver.Status)).Chains
	}
	return t, m
}

// syncUnboundClaim decides about a claim that has never been bound.
func (b *Binder) syncUnboundClaim(v controller.View, m claimMemo) (turn, claimMemo) {
	claim := m.claim
	if claim.Spec.VolumeName != "" {
		return b.syncNamingClaim(m)
	}
	delayed, err := isDelayed(v, claim)
	if err != nil {
		return fail(err), m
	}
	key := apiserver.KeyOf(claim)
	legal, err := b.cache.volumes.ForClaim(claim, delayed)
	if err != nil {
		return fail(fmt.Errorf("error finding PV for claim %q: %w", key, err)), m
	}
	if n := legal.Len(); n > 0 {
		return b.beginBind(m, legal.At(v.Choose("volume-tie", key.String(), n))) // V4
	}
	if !match.HasClass(claim) { // V6, assignDefaultStorageClass
		if class := b.defaultClass(v); class != "" {
			next := *claim
			next.Spec.StorageClassName = &class
			m.stage = claimClassed
			return send(updateClaim(&next, apiserver.None)), m
		}
	}
	switch {
	case delayed && !isAnnotated(claim, SelectedNode):
		reason, message := b.firstConsumer(v, claim)
		return toPending(rest().noting(claim, normal, reason, message), m)
	case match.ClassOfClaim(claim) != "" || b.classFor(v, claim) != nil:
		return b.beginProvision(v, claim), m
	}
	return toPending(rest().noting(claim, normal, failedBinding, noVolumes), m) // V13
}

const noVolumes = "no persistent volumes available for this claim and no storage class is set"

// syncNamingClaim decides about an unbound claim that names its volume (V11).
func (b *Binder) syncNamingClaim(m claimMemo) (turn, claimMemo) {
	claim := m.claim
	volume := b.cache.volumes.Get(claim.Spec.VolumeName)
	switch {
	case volume == nil:
		return toPending(rest(), m)
	case volume.Spec.ClaimRef == nil:
		if err := match.Satisfies(volume, claim); err != nil {
			return toPending(rest().noting(claim, warning, volumeMismatch, unfit(volume, err)), m)
		}
		return b.beginBind(m, volume)
	case match.IsReservedFor(volume, claim):
		return b.beginBind(m, volume)
	}
	t := rest().noting(claim, warning, failedBinding, taken(volume))
	if isAnnotated(claim, BoundByController) { // somebody removed the other annotation
		t.plan.Err = fmt.Errorf("invalid binding of claim %q to volume %q: volume already claimed by %q",
			apiserver.KeyOf(claim), volume.Name, refKey(volume))
		return t, m
	}
	return toPending(t, m)
}

func unfit(v *corev1.PersistentVolume, err error) string {
	return fmt.Sprintf("Cannot bind to requested volume %q: %s", v.Name, err)
}

func taken(v *corev1.PersistentVolume) string {
	return fmt.Sprintf("volume %q already bound to a different claim.", v.Name)
}

// syncBoundClaim decides about a claim that has been bound before (V12).
func (b *Binder) syncBoundClaim(m claimMemo) (turn, claimMemo) {
	if m.claim.Spec.VolumeName == "" {
		return lose(m, claimLost, "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")
	}
	volume := b.cache.volumes.Get(m.claim.Spec.VolumeName)
	switch {
	case volume == nil:
		return lose(m, claimLost, "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
	case volume.Spec.ClaimRef == nil || volume.Spec.ClaimRef.UID == m.claim.UID:
		return b.beginBind(m, volume)
	}
	return lose(m, claimMisbound, "Two claims are bound to the same volume, this one is bound incorrectly")
}

// lose sets the phase to Lost; the Event follows if that changed anything
// (updateClaimStatusWithEvent).
func lose(m claimMemo, reason, message string) (turn, claimMemo) {
	if m.claim.Status.Phase == corev1.ClaimLost {
		return rest(), m
	}
	next, _ := claimInPhase(m.claim, corev1.ClaimLost, nil) // without a volume there is no error
	m.stage, m.lost, m.text = claimLoses, reason, message
	return send(updateClaim(next, apiserver.Status)), m
}

// isDelayed reports whether a claim's class wants the scheduler to choose first
// (V7, IsDelayBindingMode). A class that does not exist wants nothing.
func isDelayed(v controller.View, claim *corev1.PersistentVolumeClaim) (bool, error) {
	name := match.ClassOfClaim(claim)
	if name == "" {
		return false, nil
	}
	class := v.StorageClass(name)
	switch {
	case class == nil:
		return false, nil
	case class.VolumeBindingMode == nil:
		return false, errors.New("VolumeBindingMode not set for StorageClass \"" + name + "\"")
	}
	return *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer, nil
}

// defaultClass returns the name of the default storage class, the newest and
// then the first by name (V6, GetDefaultClass), or "".
func (b *Binder) defaultClass(v controller.View) string {
	var best *storagev1.StorageClass
	for _, name := range sortedNames(b.defaults) {
		class := v.StorageClass(name)
		if class != nil && (best == nil || class.CreationTimestamp.After(best.CreationTimestamp.Time)) {
			best = class
		}
	}
	if best == nil {
		return ""
	}
	return best.Name
}

// firstConsumer says what an unbound claim with delayed binding waits for (V7,
// emitEventForUnboundDelayBindingClaim).
func (b *Binder) firstConsumer(v controller.View, claim *corev1.PersistentVolumeClaim) (reason, message string) {
	var names []string
	for _, name := range b.roster.of(apiserver.KeyOf(claim)) {
		pod := v.Pod(apiserver.Key{Namespace: claim.Namespace, Name: name})
		if pod != nil && !isTerminated(pod) && pod.Spec.NodeName == "" {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return waitForFirstConsumer, "waiting for first consumer to be created before binding"
	case 1:
		return waitForPodScheduled, "waiting for pod " + names[0] + " to be scheduled"
	}
	return waitForPodScheduled, "waiting for pods " + strings.Join(names, ",") + " to be scheduled"
}
