package replicaset

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// statusOf counts the pods of a picture and those that were adopted (W5,
// calculateStatus).
func statusOf(set *appsv1.ReplicaSet, p *picture, adopted []apiserver.Object, failure error, at engine.Time) appsv1.ReplicaSetStatus {
	now := apiserver.WallTime(at)
	n := p.tally
	for _, ripe := range p.ripening {
		if !ripe.After(now) {
			n.available++
		}
	}
	template := labels.Set(set.Spec.Template.Labels).AsSelectorPreValidated()
	for _, obj := range adopted {
		pod := obj.(*corev1.Pod)
		n.active++
		if template.Matches(labels.Set(pod.Labels)) {
			n.labelled++
		}
		if podcontrol.IsReady(pod) {
			n.ready++
		}
		if podcontrol.IsAvailable(pod, set.Spec.MinReadySeconds, now) {
			n.available++
		}
	}
	status := set.Status
	status.Replicas, status.FullyLabeledReplicas = int32(n.active), int32(n.labelled)
	status.ReadyReplicas, status.AvailableReplicas = int32(n.ready), int32(n.available)
	status.TerminatingReplicas = new(int32(n.terminating))
	failed := slices.ContainsFunc(set.Status.Conditions, isFailure)
	switch {
	case failure != nil && !failed:
		reason := ""
		if diff := n.active - int(*set.Spec.Replicas); diff < 0 {
			reason = "FailedCreate"
		} else if diff > 0 {
			reason = "FailedDelete"
		}
		status.Conditions = append(slices.Clip(status.Conditions), appsv1.ReplicaSetCondition{
			Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: reason, Message: failure.Error(), LastTransitionTime: apiserver.Stamp(at)})
	case failure == nil && failed:
		status.Conditions = slices.DeleteFunc(slices.Clone(status.Conditions), isFailure)
		if len(status.Conditions) == 0 {
			status.Conditions = nil
		}
	}
	return status
}

func isFailure(c appsv1.ReplicaSetCondition) bool { return c.Type == appsv1.ReplicaSetReplicaFailure }

// write writes a status that says something new; if that fails, once more over what
// the server has (updateReplicaSetStatus).
func write(r *controller.Replay, set *appsv1.ReplicaSet, status appsv1.ReplicaSetStatus) (*appsv1.ReplicaSet, error) {
	old := set.Status
	old.ObservedGeneration, status.ObservedGeneration = 0, 0
	if set.Status.ObservedGeneration == set.Generation && apiequality.Semantic.DeepEqual(old, status) {
		return set, nil
	}
	status.ObservedGeneration = set.Generation
	base := set
	for try := 0; ; try++ {
		next := *base
		next.Status = status
		res := r.Do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.ReplicaSet, Key: apiserver.KeyOf(set), Object: &next})
		if res.Err == nil {
			return res.Object.(*appsv1.ReplicaSet), nil
		}
		if try == 1 { // statusUpdateRetries
			return nil, res.Err
		}
		live := r.Do(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.ReplicaSet, Key: apiserver.KeyOf(set)})
		if live.Err != nil {
			return nil, live.Err
		}
		base = live.Object.(*appsv1.ReplicaSet)
	}
}

// nextCheck is how long it takes until the next pod is available
// (FindMinNextPodAvailabilityCheck), or minReadySeconds if none will be.
func (p *picture) nextCheck(set *appsv1.ReplicaSet, adopted []apiserver.Object, counted time.Time, now engine.Time) time.Duration {
	var next time.Time
	consider := func(at time.Time) {
		if at.After(counted) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, at := range p.ripening {
		consider(at)
	}
	for _, obj := range adopted {
		if at, ok := podcontrol.AvailableAt(obj.(*corev1.Pod), set.Spec.MinReadySeconds); ok {
			consider(at)
		}
	}
	if next.IsZero() {
		return time.Duration(set.Spec.MinReadySeconds) * time.Second
	}
	return max(next.Sub(apiserver.WallTime(now)), 0)
}
