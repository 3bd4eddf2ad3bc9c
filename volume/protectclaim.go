package volume

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// ClaimProtection is the controller that lets a deleted claim go when no
// scheduled pod refers to it (V15), and that says on a bound claim whether a pod
// uses it (V17): pkg/controller/volume/pvcprotection. Use NewClaimProtection.
type ClaimProtection struct {
	workers controller.Workers[apiserver.Key, protectMemo]
	roster  roster
}

// protectMemo is where the sync of a claim has got to.
type protectMemo struct{ stage protectStage }

type protectStage uint8

const (
	protectStart protectStage = iota
	protectMarked
	protectDone
)

var (
	_ controller.Actor                               = (*ClaimProtection)(nil)
	_ controller.Machine[apiserver.Key, protectMemo] = (*ClaimProtection)(nil)
)

// NewClaimProtection returns a controller that has seen nothing yet.
func NewClaimProtection() *ClaimProtection {
	c := &ClaimProtection{}
	c.workers.ID, c.workers.Count = 1, 1
	return c
}

// Name implements controller.Actor.
func (*ClaimProtection) Name() string { return ClaimProtectionName }

// Watches implements controller.Actor.
func (*ClaimProtection) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.Pod, apiserver.PersistentVolumeClaim}
}

// Heeds implements controller.Selective: claims that need something, and pods
// that begin or cease to use theirs. Only a bound claim gets a condition. A pod
// that is scheduled holds its claims from then on, which has nothing done about
// them.
func (c *ClaimProtection) Heeds(rec *apiserver.Record) bool {
	switch obj := rec.Object.(type) {
	case *corev1.PersistentVolumeClaim:
		return rec.Type != watch.Deleted && (obj.Status.Phase == corev1.ClaimBound && unusedCondition(obj) == nil ||
			lacksFinalizer(obj, ClaimFinalizer) || isCandidate(obj, ClaimFinalizer))
	case *corev1.Pod:
		old, ok := rec.Old.(*corev1.Pod)
		return !ok || rec.Type != watch.Modified || isTerminated(old) != isTerminated(obj) ||
			isShutDown(old) != isShutDown(obj) && hasEphemeralClaim(obj)
	}
	return true
}

// Observe implements controller.Actor. Upstream queues the claims of a pod at
// each of its events; here only if the event can change the answer.
func (c *ClaimProtection) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *corev1.PersistentVolumeClaim:
		if c.Heeds(rec) {
			c.workers.Add(env, rec.Key)
		}
	case *corev1.Pod:
		switch {
		case rec.Type == watch.Deleted:
			c.roster.remove(obj)
		case rec.Type == watch.Added || rec.Old == nil:
			c.roster.add(obj)
		}
		if !c.Heeds(rec) {
			return
		}
		for key := range claimsOf(obj) {
			c.workers.Add(env, key)
		}
	}
}

// isShutDown reports whether the kubelet is done with a pod, or need not be
// (podIsShutDown).
func isShutDown(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil && pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds == 0
}

func hasEphemeralClaim(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Ephemeral != nil })
}

// Step implements controller.Machine (processPVC).
func (c *ClaimProtection) Step(v controller.View, key apiserver.Key, m protectMemo, results [][]apiserver.Result) (controller.Plan, protectMemo) {
	if res := answer(results); res != nil && (res.Err != nil || m.stage == protectDone) {
		return controller.Plan{Err: res.Err}, m
	}
	claim := v.Claim(key)
	if claim == nil {
		return controller.Plan{}, m
	}
	if m.stage == protectStart && claim.DeletionTimestamp == nil && claim.Status.Phase == corev1.ClaimBound {
		if next := marked(claim, c.isReferred(v, claim), v); next != nil {
			m.stage = protectMarked
			return controller.Send(updateClaim(next, apiserver.Status)), m
		}
	}
	m.stage = protectDone
	var finalizers []string
	switch {
	case isCandidate(claim, ClaimFinalizer):
		if c.isHeld(v, claim) {
			return controller.Plan{}, m
		}
		finalizers = withoutFinalizer(claim.Finalizers, ClaimFinalizer)
	case lacksFinalizer(claim, ClaimFinalizer):
		finalizers = append(slices.Clone(claim.Finalizers), ClaimFinalizer)
	default:
		return controller.Plan{}, m
	}
	next := *claim
	next.Finalizers = finalizers
	return controller.Send(updateClaim(&next, apiserver.None)), m
}

// isHeld reports whether a scheduled pod refers to a claim, even one that has
// ended: its volumes may still be mounted (V15, podUsesPVCForDeletion).
// Deviation: upstream lists the pods live before it answers no.
func (c *ClaimProtection) isHeld(v controller.View, claim *corev1.PersistentVolumeClaim) bool {
	for pod := range c.podsOf(v, claim) {
		if pod.Spec.NodeName != "" && (!isShutDown(pod) || namesClaim(pod, claim.Name)) {
			return true
		}
	}
	return false
}

// namesClaim reports whether a pod refers to a claim by its name, not by an
// ephemeral volume.
func namesClaim(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == name
	})
}

// isReferred reports whether a pod that has not ended refers to a claim,
// scheduled or not (V17, podUsesPVCForUnusedSince).
func (c *ClaimProtection) isReferred(v controller.View, claim *corev1.PersistentVolumeClaim) bool {
	for pod := range c.podsOf(v, claim) {
		if !isTerminated(pod) {
			return true
		}
	}
	return false
}

func (c *ClaimProtection) podsOf(v controller.View, claim *corev1.PersistentVolumeClaim) func(yield func(*corev1.Pod) bool) {
	return func(yield func(*corev1.Pod) bool) {
		for _, name := range c.roster.of(apiserver.KeyOf(claim)) {
			pod := v.Pod(apiserver.Key{Namespace: claim.Namespace, Name: name})
			if pod != nil && refersTo(pod, claim) && !yield(pod) {
				return
			}
		}
	}
}

// marked returns the claim with its Unused condition set right, or nil if it is
// (V17, updateUnusedCondition).
func marked(claim *corev1.PersistentVolumeClaim, used bool, v controller.View) *corev1.PersistentVolumeClaim {
	want := corev1.PersistentVolumeClaimCondition{
		Type: corev1.PersistentVolumeClaimUnused, Status: corev1.ConditionTrue, LastTransitionTime: apiserver.Stamp(v.Now()),
		Reason: "NoPodsUsingPVC", Message: "No pods are currently referencing this PVC",
	}
	if used {
		want.Status, want.Reason, want.Message = corev1.ConditionFalse, "PodUsingPVC", "A pod is currently referencing this PVC"
	}
	have := unusedCondition(claim)
	if have != nil && (have.Status == corev1.ConditionTrue) != used {
		return nil
	}
	next := *claim
	next.Status.Conditions = slices.Clone(claim.Status.Conditions)
	if have == nil {
		next.Status.Conditions = append(next.Status.Conditions, want)
		return &next
	}
	*unusedCondition(&next) = want
	return &next
}

// unusedCondition returns a claim's condition, or nil. It points into the claim.
func unusedCondition(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaimCondition {
	for i := range claim.Status.Conditions {
		if claim.Status.Conditions[i].Type == corev1.PersistentVolumeClaimUnused {
			return &claim.Status.Conditions[i]
		}
	}
	return nil
}

// Respond implements controller.Actor.
func (c *ClaimProtection) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.workers.Respond(env, c, token, res)
}

// Wake implements controller.Actor.
func (c *ClaimProtection) Wake(env *controller.Env, arg uint64) { c.workers.Wake(env, c, arg) }

// Waiting implements controller.Actor: claims that failed and are tried again.
func (c *ClaimProtection) Waiting(*controller.Env) []controller.Wait {
	return failingClaims(c.workers.Failing())
}
