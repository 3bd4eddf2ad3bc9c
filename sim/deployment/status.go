package deployment

import (
	"fmt"
	"math"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// The reasons of the condition Progressing that decide about it.
const (
	reasonAvailable = "NewReplicaSetAvailable"
	reasonTimedOut  = "ProgressDeadlineExceeded"
	reasonPaused    = "DeploymentPaused"
)

func hasDeadline(d *appsv1.Deployment) bool {
	return d.Spec.ProgressDeadlineSeconds != nil && *d.Spec.ProgressDeadlineSeconds != math.MaxInt32
}

func deadline(d *appsv1.Deployment) time.Duration {
	return time.Duration(*d.Spec.ProgressDeadlineSeconds) * time.Second
}

func conditionOf(status *appsv1.DeploymentStatus, typ appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range status.Conditions {
		if status.Conditions[i].Type == typ {
			return &status.Conditions[i]
		}
	}
	return nil
}

// setCondition sets a condition as it is from now on; one of the same status and
// reason stays what it is (SetDeploymentCondition).
func (s *sync) setCondition(status *appsv1.DeploymentStatus, typ appsv1.DeploymentConditionType, value corev1.ConditionStatus, reason, message string) {
	now := metav1.NewTime(apiserver.WallTime(s.Now()))
	put(status, appsv1.DeploymentCondition{Type: typ, Status: value, Reason: reason, Message: message, LastUpdateTime: now, LastTransitionTime: now})
}

func put(status *appsv1.DeploymentStatus, c appsv1.DeploymentCondition) {
	if old := conditionOf(status, c.Type); old != nil && old.Status == c.Status {
		if old.Reason == c.Reason {
			return
		}
		c.LastTransitionTime = old.LastTransitionTime
	}
	remove(status, c.Type)
	status.Conditions = append(status.Conditions, c)
}

func remove(status *appsv1.DeploymentStatus, typ appsv1.DeploymentConditionType) {
	var kept []appsv1.DeploymentCondition
	for _, c := range status.Conditions {
		if c.Type != typ {
			kept = append(kept, c)
		}
	}
	status.Conditions = kept
}

// checkPaused notes in the condition Progressing that the Deployment was paused or
// resumed, so that the time between does not count (checkPausedConditions).
func (s *sync) checkPaused() error {
	d := s.d
	if !hasDeadline(d) {
		return nil
	}
	c := conditionOf(&d.Status, appsv1.DeploymentProgressing)
	if c != nil && c.Reason == reasonTimedOut {
		return nil
	}
	noted := c != nil && c.Reason == reasonPaused
	switch {
	case d.Spec.Paused && !noted:
		s.setCondition(&d.Status, appsv1.DeploymentProgressing, corev1.ConditionUnknown, reasonPaused, "Deployment is paused")
	case !d.Spec.Paused && noted:
		s.setCondition(&d.Status, appsv1.DeploymentProgressing, corev1.ConditionUnknown, "DeploymentResumed", "Deployment is resumed")
	default:
		return nil
	}
	return s.writeStatus()
}

// isComplete reports whether all replicas are new and available (DeploymentComplete).
func isComplete(d *appsv1.Deployment, status *appsv1.DeploymentStatus) bool {
	want := *d.Spec.Replicas
	return status.UpdatedReplicas == want && status.Replicas == want && status.AvailableReplicas == want && status.ObservedGeneration >= d.Generation
}

// progresses reports whether there is more new, less old, or more that works than
// before (DeploymentProgressing).
func progresses(was, now *appsv1.DeploymentStatus) bool {
	return now.UpdatedReplicas > was.UpdatedReplicas || now.Replicas-now.UpdatedReplicas < was.Replicas-was.UpdatedReplicas ||
		now.ReadyReplicas > was.ReadyReplicas || now.AvailableReplicas > was.AvailableReplicas
}

// statusOf sums up the ReplicaSets (calculateStatus).
func (s *sync) statusOf(sets []*appsv1.ReplicaSet, fresh *appsv1.ReplicaSet) appsv1.DeploymentStatus {
	d := s.d
	actual := func(rs *appsv1.ReplicaSet) int32 { return rs.Status.Replicas }
	available := sum(sets, availableReplicas)
	status := appsv1.DeploymentStatus{
		ObservedGeneration: d.Generation, CollisionCount: d.Status.CollisionCount,
		Replicas: sum(sets, actual), ReadyReplicas: sum(sets, func(rs *appsv1.ReplicaSet) int32 { return rs.Status.ReadyReplicas }),
		AvailableReplicas: available, UnavailableReplicas: max(sum(sets, specReplicas)-available, 0),
		TerminatingReplicas: terminating(sets), Conditions: slices.Clone(d.Status.Conditions),
	}
	if fresh != nil {
		status.UpdatedReplicas = actual(fresh)
	}
	if available >= *d.Spec.Replicas-MaxUnavailable(d) {
		s.setCondition(&status, appsv1.DeploymentAvailable, corev1.ConditionTrue, "MinimumReplicasAvailable", "Deployment has minimum availability.")
	} else {
		s.setCondition(&status, appsv1.DeploymentAvailable, corev1.ConditionFalse, "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
	}
	return status
}

// terminating is nil while a ReplicaSet does not say how many pods are going
// (GetTerminatingReplicaCountForReplicaSets).
func terminating(sets []*appsv1.ReplicaSet) *int32 {
	n := int32(0)
	for _, rs := range sets {
		switch {
		case rs.Status.TerminatingReplicas != nil:
			n += *rs.Status.TerminatingReplicas
		case rs.Status.ObservedGeneration != 0:
			return nil
		}
	}
	return &n
}

// syncStatus writes the status if it says something new (syncDeploymentStatus).
func (s *sync) syncStatus(sets []*appsv1.ReplicaSet, fresh *appsv1.ReplicaSet) error {
	status := s.statusOf(sets, fresh)
	if apiequality.Semantic.DeepEqual(s.d.Status, status) {
		return nil
	}
	s.d.Status = status
	return s.writeStatus()
}

// syncRollout is W10 (syncRolloutStatus).
func (s *sync) syncRollout(sets []*appsv1.ReplicaSet, fresh *appsv1.ReplicaSet) error {
	d := s.d
	status := s.statusOf(sets, fresh)
	if !hasDeadline(d) {
		remove(&status, appsv1.DeploymentProgressing)
	}
	was := conditionOf(&d.Status, appsv1.DeploymentProgressing)
	over := status.Replicas == status.UpdatedReplicas && was != nil && was.Reason == reasonAvailable
	if hasDeadline(d) && !over {
		s.judge(&status, was, fresh)
	}
	if failure := failureOf(sets, fresh); failure != nil {
		put(&status, *failure)
	} else {
		remove(&status, appsv1.DeploymentReplicaFailure)
	}
	if apiequality.Semantic.DeepEqual(d.Status, status) {
		s.recheck(&status)
		return nil
	}
	d.Status = status
	return s.writeStatus()
}

// judge sets the condition Progressing.
func (s *sync) judge(status *appsv1.DeploymentStatus, was *appsv1.DeploymentCondition, fresh *appsv1.ReplicaSet) {
	d := s.d
	who := fmt.Sprintf("Deployment %q", d.Name)
	if fresh != nil {
		who = fmt.Sprintf("ReplicaSet %q", fresh.Name)
	}
	switch now := metav1.NewTime(apiserver.WallTime(s.Now())); {
	case isComplete(d, status):
		s.setCondition(status, appsv1.DeploymentProgressing, corev1.ConditionTrue, reasonAvailable, who+" has successfully progressed.")
	case progresses(&d.Status, status):
		c := appsv1.DeploymentCondition{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "ReplicaSetUpdated",
			Message: who + " is progressing.", LastUpdateTime: now, LastTransitionTime: now}
		if was != nil {
			if was.Status == corev1.ConditionTrue {
				c.LastTransitionTime = was.LastTransitionTime
			}
			remove(status, appsv1.DeploymentProgressing) // its time of update is always new
		}
		put(status, c)
	case s.isLate(status):
		s.setCondition(status, appsv1.DeploymentProgressing, corev1.ConditionFalse, reasonTimedOut, who+" has timed out progressing.")
	}
}

// isLate reports whether the deadline is over (DeploymentTimedOut).
func (s *sync) isLate(status *appsv1.DeploymentStatus) bool {
	c := conditionOf(status, appsv1.DeploymentProgressing)
	switch {
	case c == nil, c.Reason == reasonAvailable:
		return false
	case c.Reason == reasonTimedOut:
		return true
	}
	return c.LastUpdateTime.Add(deadline(s.d)).Before(apiserver.WallTime(s.Now()))
}

// recheck has a rollout looked at again at its deadline (requeueStuckDeployment).
func (s *sync) recheck(status *appsv1.DeploymentStatus) {
	d := s.d
	c := conditionOf(&d.Status, appsv1.DeploymentProgressing)
	if !hasDeadline(d) || c == nil || isComplete(d, status) || c.Reason == reasonTimedOut {
		return
	}
	after := c.LastUpdateTime.Add(deadline(d)).Sub(apiserver.WallTime(s.Now()))
	if after < time.Second {
		after = 5*time.Millisecond - time.Second // AddRateLimited, and then Forget
	}
	s.After(after+time.Second, engine.Background)
}

// failureOf is the condition of a ReplicaSet that cannot create pods, the new one's
// before those of old ones (getReplicaFailures).
func failureOf(sets []*appsv1.ReplicaSet, fresh *appsv1.ReplicaSet) *appsv1.DeploymentCondition {
	if fresh != nil {
		sets = append([]*appsv1.ReplicaSet{fresh}, sets...)
	}
	for _, rs := range sets {
		for _, c := range rs.Status.Conditions {
			if c.Type == appsv1.ReplicaSetReplicaFailure {
				return &appsv1.DeploymentCondition{Type: appsv1.DeploymentConditionType(c.Type), Status: c.Status, Reason: c.Reason,
					Message: c.Message, LastTransitionTime: c.LastTransitionTime, LastUpdateTime: c.LastTransitionTime}
			}
		}
	}
	return nil
}
