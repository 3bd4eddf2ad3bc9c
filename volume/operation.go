package volume

import (
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// operation is work that runs beside the two workers (upstream's goroutines,
// scheduleOperation). One that is under way is not begun again, and one that
// failed is begun again only by a later sync and after a pause.
type operation struct {
	kind operationKind
	key  apiserver.Key // of the claim or volume
	uid  types.UID
}

type operationKind uint8

const (
	provisioning operationKind = iota // asks the provisioner for a volume
	creating                          // is the provisioner (Config.Provision)
	recycling
	deleting
)

// pause is how long an operation that failed is not begun again
// (util/goroutinemap/exponentialbackoff).
type pause struct {
	until engine.Time
	span  time.Duration
}

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 2*time.Minute + 2*time.Second
)

// after returns the pause that follows this one.
func (p pause) after(now engine.Time) pause {
	span := min(max(2*p.span, firstPause), longestPause)
	return pause{now.Add(span), span}
}

// operationMemo is where an operation has got to.
type operationMemo struct {
	stage   operationStage
	volume  *corev1.PersistentVolume
	reason  string // of the Event that follows a failed phase
	message string
}

type operationStage uint8

const (
	operationStart operationStage = iota
	operationAsked                // a live read of the volume
	operationDeleted
	operationCreated // as somebody else's: the binder sees it by its watch
	operationWrote   // from here on answers are objects just written
	operationAnnotated
	operationUnbound
	operationFailed
)

// begin starts an operation unless it is under way or pausing.
func (b *Binder) begin(env *controller.Env, op operation) {
	if b.running[op] || env.Now() < b.pauses[op].until {
		return
	}
	var lag controller.Range
	switch op.kind {
	case creating:
		lag = b.config.Provisioning
	case recycling:
		lag = b.config.Recycling
	}
	b.running[op] = true
	key := engine.KeyOf(op.key.Namespace, op.key.Name)
	b.operations.AddAfter(env, op, env.Span("latency/storage", key, lag), engine.Progress)
}

// operate decides about an operation. An error ends it with a pause.
func (b *Binder) operate(v controller.View, op operation, m operationMemo, res *apiserver.Result) (turn, operationMemo) {
	switch op.kind {
	case recycling, deleting:
		return b.operateVolume(v, op, m, res)
	}
	claim := b.cache.claims[op.key]
	if claim == nil || claim.UID != op.uid {
		return rest(), m
	}
	class := b.classFor(v, claim)
	if claim.Spec.VolumeName != "" || class == nil {
		return rest(), m
	}
	if op.kind == creating {
		return b.create(claim, class, m, res)
	}
	return b.provision(op, claim, provisionerOf(class), m, res)
}

// operateVolume reads a volume and reclaims it if it is still released (V10).
func (b *Binder) operateVolume(v controller.View, op operation, m operationMemo, res *apiserver.Result) (turn, operationMemo) {
	switch m.stage {
	case operationStart:
		m.volume = b.cache.volumes.Get(op.key.Name)
		if m.volume == nil || m.volume.UID != op.uid {
			return rest(), m
		}
		if op.kind == deleting {
			if done, t, next := b.beginDelete(m); done {
				return t, next
			}
		}
		m.stage = operationAsked
		return send(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.PersistentVolume, Key: op.key}), m
	case operationAsked:
		if res.Err != nil {
			return rest(), m
		}
		live := res.Object.(*corev1.PersistentVolume)
		if !b.needsReclaim(live) {
			return rest(), m
		}
		if op.kind == recycling {
			return b.recycle(v, m, live)
		}
		return deleteHostPath(m, live)
	case operationFailed:
		if res.Err != nil {
			return fail(res.Err), m
		}
		t := rest().noting(res.Object, warning, m.reason, m.message)
		if m.reason == volumeFailedDelete && m.volume.Spec.HostPath != nil {
			t.plan.Err = errors.New(m.message)
		}
		return t, m
	case operationUnbound:
		if res.Err != nil {
			return rest(), m // recycled again by the next sync
		}
		m.stage = operationWrote
		if next := volumeInPhase(res.Object.(*corev1.PersistentVolume), corev1.VolumeAvailable, ""); next != nil {
			return send(updateVolume(next, apiserver.Status)), m
		}
	}
	return rest(), m
}

// needsReclaim reports whether the claim of a volume is gone, or bound to
// another volume (isVolumeReleased).
func (b *Binder) needsReclaim(v *corev1.PersistentVolume) bool {
	ref := v.Spec.ClaimRef
	if ref == nil || ref.UID == "" {
		return false
	}
	claim := b.cache.claimOf(v)
	if claim != nil && claim.UID == ref.UID {
		return claim.Spec.VolumeName != "" && claim.Spec.VolumeName != v.Name
	}
	return true
}

// recycle makes a volume available again (V10, recycleVolumeOperation).
// Deviation: no recycler pod runs; its time is Config.Recycling.
func (b *Binder) recycle(v controller.View, m operationMemo, live *corev1.PersistentVolume) (turn, operationMemo) {
	if pods := b.activePods(v, refKey(live)); len(pods) > 0 && b.cache.claimOf(m.volume) == nil {
		return rest().noting(m.volume, normal, volumeFailedRecycle, "Volume is used by pods: "+strings.Join(pods, ",")), m
	}
	if !isRecyclable(live) {
		return failVolume(m, live, volumeFailedRecycle, "No recycler plugin found for the volume!")
	}
	m.stage = operationUnbound
	return send(updateVolume(unboundVolume(live), apiserver.None)).noting(live, normal, volumeRecycled, "Volume recycled"), m
}

// activePods returns the pods that use a claim and have not ended,
// "namespace/name", sorted (isVolumeUsed).
func (b *Binder) activePods(v controller.View, claim apiserver.Key) []string {
	var names []string
	for _, name := range b.roster.of(claim) {
		key := apiserver.Key{Namespace: claim.Namespace, Name: name}
		if pod := v.Pod(key); pod != nil && !isTerminated(pod) {
			names = append(names, key.String())
		}
	}
	return names
}

// failVolume sets the phase to Failed; the Event follows if that changed
// anything (updateVolumePhaseWithEvent).
func failVolume(m operationMemo, v *corev1.PersistentVolume, reason, message string) (turn, operationMemo) {
	next := volumeInPhase(v, corev1.VolumeFailed, message)
	if next == nil {
		return rest(), m
	}
	m.stage, m.reason, m.message = operationFailed, reason, message
	return send(updateVolume(next, apiserver.Status)), m
}

// beginDelete finds who deletes a volume. Only a host path goes on: of the
// built-in plugins it alone can delete (V10, deleteVolumeOperation).
func (b *Binder) beginDelete(m operationMemo) (done bool, t turn, next operationMemo) {
	external, err := deleterOf(m.volume)
	switch {
	case err != nil:
		t, next = failVolume(m, m.volume, volumeFailedDelete, err.Error())
		return true, t, next
	case external && b.config.Provision && isAnnotated(m.volume, ProvisionedBy):
		m.stage = operationDeleted
		return true, send(deleteVolume(m.volume)), m
	case external:
		return true, rest(), m
	}
	return false, turn{}, m
}

// deleteHostPath deletes a volume below /tmp.
func deleteHostPath(m operationMemo, live *corev1.PersistentVolume) (turn, operationMemo) {
	path := m.volume.Spec.HostPath.Path
	if _, below, found := strings.Cut(path, "/tmp/"); !found || below == "" {
		message := "host_path deleter only supports /tmp/.+ but received provided " + path
		t, next := failVolume(m, live, volumeFailedDelete, message)
		if t.ended() {
			t.plan.Err = errors.New(message)
		}
		return t, next
	}
	m.stage = operationDeleted
	return send(deleteVolume(live)), m
}

func deleteVolume(v *corev1.PersistentVolume) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.PersistentVolume, Key: apiserver.KeyOf(v)}
}

// provision marks a claim for its provisioner and says so (V14,
// provisionClaimOperationExternal).
func (b *Binder) provision(op operation, claim *corev1.PersistentVolumeClaim, provisioner string, m operationMemo, res *apiserver.Result) (turn, operationMemo) {
	if m.stage == operationAnnotated && res.Err != nil {
		t := fail(res.Err)
		if provisioner == hostPathPlugin {
			return t, m
		}
		return t.noting(claim, warning, provisioningFailed, "Error saving claim: "+res.Err.Error()), m
	}
	if m.stage == operationStart && claim.Annotations[StorageProvisioner] != provisioner {
		next := *claim
		next.Annotations = annotate(claim.Annotations, provisioner, BetaStorageProvisioner, StorageProvisioner)
		m.stage = operationAnnotated
		return send(updateClaim(&next, apiserver.None)), m
	}
	if provisioner == hostPathPlugin {
		message := fmt.Sprintf("Failed to create provisioner: provisioning in volume plugin %q is disabled", provisioner)
		return fail(errors.New(message)).noting(claim, warning, provisioningFailed, message), m
	}
	t := rest().noting(claim, normal, externalProvisioning, waitingFor(provisioner))
	if b.config.Provision {
		t.start = []operation{{kind: creating, key: op.key, uid: op.uid}}
	}
	return t, m
}

func waitingFor(provisioner string) string {
	return "Waiting for a volume to be created either by the external provisioner '" + provisioner +
		"' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
}

// isTransient reports whether an error goes away by itself as soon as the watch
// has caught up.
func isTransient(err error) bool { return err != nil && apierrors.IsConflict(err) }
