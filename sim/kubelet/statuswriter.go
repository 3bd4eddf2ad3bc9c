package kubelet

import (
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// statusCache is what the status manager keeps of a pod.
type statusCache struct {
	last     *corev1.PodStatus // newest; shared and immutable
	version  uint32            `state:"incidental" why:"counts in HashAlso"` // of last
	sending  uint32            `state:"incidental" why:"counts in HashAlso"` // on its way
	sent     uint32            `state:"incidental" why:"counts in HashAlso"` // arrived
	inFlight bool
	finished bool   // nothing is left of the pod on the node
	written  uint64 `state:"version"` // resourceVersion of the last write
}

// HashAlso takes in how far the writes lag behind.
func (s *statusCache) HashAlso(h *state.Hasher) {
	h.Number(uint64(s.version-s.sent)<<32 | uint64(s.version-s.sending))
}

// setStatus takes a new status, what is in it becomes shared, and writes it if it
// says something new (updateStatusInternal). While a write is on its way a newer
// status waits, and the newest alone is written then.
func (k *Kubelet) setStatus(env *controller.Env, p *pod, st corev1.PodStatus) {
	old := p.oldStatus()
	switch {
	case old.StartTime != nil && !old.StartTime.IsZero():
		st.StartTime = old.StartTime
	case st.StartTime == nil:
		now := apiserver.Stamp(env.Now())
		st.StartTime = &now
	}
	st.ObservedGeneration = max(p.api.Generation, old.ObservedGeneration)
	changed := p.status.last == nil || !sameStatus(p.status.last, &st)
	if changed {
		next := st
		p.status.last = &next
		p.status.version++
	}
	if p.stage < terminated {
		k.trigger(env, p)
	}
	if changed {
		k.pushStatus(env, p)
	}
}

// pushStatus writes the newest status, unless a write is on its way.
func (k *Kubelet) pushStatus(env *controller.Env, p *pod) {
	if p.status.inFlight || p.status.last == nil || p.gone {
		return
	}
	p.status.inFlight, p.status.sending = true, p.status.version
	req := apiserver.Request{
		Verb: apiserver.Patch, Kind: apiserver.Pod, Subresource: apiserver.Status,
		Key: p.key, UID: p.uid, Patch: statusPatch{p.status.last},
	}
	for i := range p.containers {
		if p.containers[i].run.running {
			req.Patch = runningPatch{p.status.last}
			break
		}
	}
	k.call(env, p, call{what: patchStatus}, req)
}

// statusWritten takes in the answer. A pod of which nothing is left and that is
// to be deleted is deleted now, with no grace: only this frees its name (K14).
func (k *Kubelet) statusWritten(env *controller.Env, p *pod, res apiserver.Result) {
	p.status.inFlight = false
	if res.Err != nil {
		if !apierrors.IsNotFound(res.Err) { // the pod is gone then; the watch will say so
			k.retryStatus(env, p)
		}
		return
	}
	p.status.sent = p.status.sending
	p.status.written = version(res.Object)
	obj := res.Object.(*corev1.Pod)
	if p.status.written > version(p.api) && !concerns(p.api, obj) {
		k.update(p, obj) // otherwise somebody else has written too, and the watch will say so
	}
	if p.status.sent != p.status.version {
		k.pushStatus(env, p)
		return
	}
	if isCopy(&obj.Status, p.status.last) {
		p.status.last = &obj.Status // one of the two is enough
	}
	if p.status.finished && obj.DeletionTimestamp != nil {
		k.retire(env, p)
	}
}

// isCopy reports whether a status says what another says and shares with it
// what it is made of.
func isCopy(a, b *corev1.PodStatus) bool {
	return shared.List(a.Conditions, b.Conditions) && shared.List(a.ContainerStatuses, b.ContainerStatuses) &&
		shared.List(a.InitContainerStatuses, b.InitContainerStatuses) && sameStatus(a, b)
}

// retire deletes a pod of which nothing is left on the node and whose last
// status is written (canBeDeleted). Upstream reads the pod once more, to find
// that there is nothing to write; that is left out.
func (k *Kubelet) retire(env *controller.Env, p *pod) {
	s := &p.status
	if s.inFlight || s.sent != s.version || !isTerminal(s.last.Phase) || p.api.DeletionTimestamp == nil {
		return
	}
	k.call(env, p, call{what: deletePod}, apiserver.Request{
		Verb: apiserver.Delete, Kind: apiserver.Pod, Key: p.key, UID: p.uid, GracePeriodSeconds: new(int64),
	})
}

func (k *Kubelet) podDeleted(env *controller.Env, p *pod, res apiserver.Result) {
	if res.Err != nil && !apierrors.IsNotFound(res.Err) {
		k.retryStatus(env, p)
	}
}

// retryStatus repeats a failed write at the next tick of the status manager
// (K21).
func (k *Kubelet) retryStatus(env *controller.Env, p *pod) {
	if k.self.cut {
		return // Reconnect does
	}
	ran := env.Now().Sub(k.started)
	k.after(env, p, statusPeriod-ran%statusPeriod, engine.Retry, statusRetry, 0)
}

// reconcile has the kubelet's status written again, at the next tick of the
// status manager, if somebody else has changed it (needsReconcile): the node's
// pods were marked not ready (N2), say.
func (k *Kubelet) reconcile(env *controller.Env, p *pod) {
	if s := &p.status; s.last != nil && !s.inFlight && s.sent == s.version && version(p.api) > s.written &&
		!p.pending(statusCheck, 0) && p.statusDiffers() {
		ran := env.Now().Sub(k.started)
		k.after(env, p, statusPeriod-ran%statusPeriod, engine.Progress, statusCheck, 0)
	}
}

// checkStatus writes the status if that still changes anything.
func (k *Kubelet) checkStatus(env *controller.Env, p *pod) {
	if version(p.api) > p.status.written && p.statusDiffers() {
		k.pushStatus(env, p)
	}
}

// statusDiffers reports whether a write of the status would change the pod as
// the watch delivered it last.
func (p *pod) statusDiffers() bool {
	_, differs := mergeStatus(p.api, p.status.last, false)
	return differs
}

// version is an object's resourceVersion.
func version(obj apiserver.Object) uint64 {
	v, _ := strconv.ParseUint(obj.GetResourceVersion(), 10, 64)
	return v
}

// statusPatch replaces the kubelet's part of a pod's status and keeps the rest.
// It is plain data.
type statusPatch struct {
	status *corev1.PodStatus // shared, immutable
}

// runningPatch is a statusPatch while a container may be running.
type runningPatch struct{ status *corev1.PodStatus }

// Apply implements apiserver.Patcher.
func (s statusPatch) Apply(obj apiserver.Object) (apiserver.Object, error) {
	return withStatus(obj, s.status, false), nil
}

// Apply implements apiserver.Patcher.
func (s runningPatch) Apply(obj apiserver.Object) (apiserver.Object, error) {
	return withStatus(obj, s.status, true), nil
}

func withStatus(obj apiserver.Object, own *corev1.PodStatus, runs bool) apiserver.Object {
	pod := obj.(*corev1.Pod)
	st, differs := mergeStatus(pod, own, runs)
	if !differs {
		return obj
	}
	next := *pod
	next.Status = st
	return &next
}

// mergeStatus returns a pod's status with the kubelet's part replaced, and
// whether that is another one (mergePodStatus).
func mergeStatus(pod *corev1.Pod, own *corev1.PodStatus, runs bool) (corev1.PodStatus, bool) {
	st := *own
	st.Conditions = mergeConditions(pod.Status.Conditions, own.Conditions)
	st.ResourceClaimStatuses = pod.Status.ResourceClaimStatuses
	st.ExtendedResourceClaimStatus = pod.Status.ExtendedResourceClaimStatus
	st.NominatedNodeName = pod.Status.NominatedNodeName
	if runs && isTerminal(st.Phase) && !isTerminal(pod.Status.Phase) {
		// A pod is not over while one of its containers may run.
		st.Phase, st.Reason, st.Message = pod.Status.Phase, pod.Status.Reason, pod.Status.Message
	}
	if isTerminal(st.Phase) {
		unready(&st)
	}
	return st, !sameStatus(&pod.Status, &st)
}

// mergeConditions returns the conditions of others as the API has them, and
// after them the kubelet's own. Mostly that is its own list.
func mergeConditions(api, own []corev1.PodCondition) []corev1.PodCondition {
	other := func(c corev1.PodCondition) bool { return !isOwned(c.Type) }
	if !slices.ContainsFunc(api, other) && !slices.ContainsFunc(own, other) {
		return slices.Clip(own)
	}
	list := appendOthers(nil, api, len(own))
	for i := range own {
		if c := &own[i]; isOwned(c.Type) {
			list = append(list, *c)
		}
	}
	return list
}

// unready has no status with a terminal phase say that it is ready.
func unready(st *corev1.PodStatus) {
	reason := "PodFailed"
	if st.Phase == corev1.PodSucceeded {
		reason = "PodCompleted"
	}
	says := func(c corev1.PodCondition) bool {
		return (c.Type == corev1.PodReady || c.Type == corev1.ContainersReady) && c.Status == corev1.ConditionTrue
	}
	if !slices.ContainsFunc(st.Conditions, says) {
		return
	}
	st.Conditions = slices.Clone(st.Conditions) // they may be shared
	for i := range st.Conditions {
		if c := &st.Conditions[i]; says(*c) {
			c.Status, c.Reason, c.Message = corev1.ConditionFalse, reason, ""
		}
	}
}

// sameStatus compares two statuses but for the times of probes.
func sameStatus(a, b *corev1.PodStatus) bool {
	return a.Phase == b.Phase && a.Reason == b.Reason && a.Message == b.Message &&
		a.ObservedGeneration == b.ObservedGeneration && a.HostIP == b.HostIP && a.PodIP == b.PodIP &&
		a.QOSClass == b.QOSClass && a.NominatedNodeName == b.NominatedNodeName &&
		sameTime(a.StartTime, b.StartTime) && sameConditions(a.Conditions, b.Conditions) &&
		sameContainers(a.ContainerStatuses, b.ContainerStatuses) &&
		sameContainers(a.InitContainerStatuses, b.InitContainerStatuses)
}

func sameTime(a, b *metav1.Time) bool {
	return a == b || a != nil && b != nil && a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

func sameConditions(a, b []corev1.PodCondition) bool {
	if len(a) != len(b) || shared.List(a, b) {
		return len(a) == len(b)
	}
	for i := range a {
		x, y := &a[i], &b[i]
		if x.Type != y.Type || x.Status != y.Status || x.Reason != y.Reason || x.Message != y.Message || x.ObservedGeneration != y.ObservedGeneration {
			return false
		}
	}
	return true
}

func sameContainers(a, b []corev1.ContainerStatus) bool {
	if len(a) != len(b) || shared.List(a, b) {
		return len(a) == len(b)
	}
	for i := range a {
		x, y := &a[i], &b[i]
		if x.Name != y.Name || x.Ready != y.Ready || x.RestartCount != y.RestartCount || x.Image != y.Image ||
			x.ContainerID != y.ContainerID || yes(x.Started) != yes(y.Started) ||
			!sameState(&x.State, &y.State) || !sameState(&x.LastTerminationState, &y.LastTerminationState) {
			return false
		}
	}
	return true
}

func sameState(a, b *corev1.ContainerState) bool {
	switch {
	case a.Waiting != nil && b.Waiting != nil:
		return *a.Waiting == *b.Waiting
	case a.Running != nil && b.Running != nil:
		return sameTime(&a.Running.StartedAt, &b.Running.StartedAt)
	case a.Terminated != nil && b.Terminated != nil:
		x, y := a.Terminated, b.Terminated
		return x.ExitCode == y.ExitCode && x.Reason == y.Reason && x.Message == y.Message && x.ContainerID == y.ContainerID &&
			sameTime(&x.FinishedAt, &y.FinishedAt)
	}
	return a.Waiting == b.Waiting && a.Running == b.Running && a.Terminated == b.Terminated
}
