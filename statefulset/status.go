package statefulset

import (
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The reasons of the Progressing condition of a set that is re-created (S28).
const (
	recreateInProgress = "RecreateInProgress"
	recreateCompleted  = "RecreateCompleted"
)

// newStatus is S30 and S32: the status that a sync begins with.
func newStatus(set *appsv1.StatefulSet, current, update string, collisions int32, t tally) appsv1.StatefulSetStatus {
	count := set.Status.CollisionCount
	if count == nil || *count != collisions {
		n := collisions
		count = &n
	}
	return appsv1.StatefulSetStatus{
		ObservedGeneration: set.Generation,
		Replicas:           t.replicas,
		ReadyReplicas:      t.ready,
		AvailableReplicas:  t.available,
		CurrentReplicas:    t.current,
		UpdatedReplicas:    t.updated,
		CurrentRevision:    current,
		UpdateRevision:     update,
		CollisionCount:     count,
		Conditions:         set.Status.Conditions,
	}
}

// completed is S31, whatever the update strategy (§0.5): when every replica is updated and ready the update revision
// becomes the current one.
func completed(set *appsv1.StatefulSet, s appsv1.StatefulSetStatus, recreate bool, now metav1.Time) appsv1.StatefulSetStatus {
	n := int32(replicasOf(set))
	if s.UpdatedReplicas != n || s.ReadyReplicas != n || s.Replicas != n {
		return s
	}
	s.CurrentReplicas, s.CurrentRevision = s.UpdatedReplicas, s.UpdateRevision
	if recreate && isRecreate(set) && progressing(s.Conditions) >= 0 {
		s.Conditions = withProgressing(s.Conditions, corev1.ConditionFalse, recreateCompleted, "All pods recreated successfully", now)
	}
	return s
}

// statusDiffers is S32: does the status have to be written? A change of the
// collision count alone does not.
func statusDiffers(old, s *appsv1.StatefulSetStatus) bool {
	return s.ObservedGeneration > old.ObservedGeneration ||
		s.Replicas != old.Replicas ||
		s.CurrentReplicas != old.CurrentReplicas ||
		s.ReadyReplicas != old.ReadyReplicas ||
		s.UpdatedReplicas != old.UpdatedReplicas ||
		s.CurrentRevision != old.CurrentRevision ||
		s.AvailableReplicas != old.AvailableReplicas ||
		s.UpdateRevision != old.UpdateRevision ||
		len(s.Conditions) != len(old.Conditions) ||
		len(s.Conditions) > 0 && !reflect.DeepEqual(s.Conditions, old.Conditions)
}

// progressing returns the index of the Progressing condition, or -1.
func progressing(conditions []appsv1.StatefulSetCondition) int {
	for i := range conditions {
		if conditions[i].Type == appsv1.StatefulSetProgressing {
			return i
		}
	}
	return -1
}

// withProgressing returns the conditions with Progressing set. The time of the
// transition changes with the condition's status only.
func withProgressing(conditions []appsv1.StatefulSetCondition, status corev1.ConditionStatus, reason, message string, now metav1.Time) []appsv1.StatefulSetCondition {
	c := appsv1.StatefulSetCondition{
		Type: appsv1.StatefulSetProgressing, Status: status,
		LastTransitionTime: now, Reason: reason, Message: message,
	}
	cs := append([]appsv1.StatefulSetCondition(nil), conditions...)
	i := progressing(cs)
	if i < 0 {
		return append(cs, c)
	}
	if cs[i].Status == status {
		c.LastTransitionTime = cs[i].LastTransitionTime
	}
	cs[i] = c
	return cs
}
