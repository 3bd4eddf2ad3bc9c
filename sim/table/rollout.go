package table

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
)

// RolloutStatus is what kubectl rollout status prints of a set, a line for each
// version of the set that it sees, and whether it ends there (K28,
// StatefulSetStatusViewer). The message has no line break. An error ends it
// too: there is nothing to follow unless the strategy is RollingUpdate. If the
// set is deleted meanwhile, kubectl ends with [ErrSetDeleted].
func RolloutStatus(set *appsv1.StatefulSet) (message string, done bool, err error) {
	strategy, status := &set.Spec.UpdateStrategy, &set.Status
	switch {
	case strategy.Type != appsv1.RollingUpdateStatefulSetStrategyType:
		return "", true, fmt.Errorf("rollout status is only available for %s strategy type",
			appsv1.RollingUpdateStatefulSetStrategyType)
	case status.ObservedGeneration == 0 || set.Generation > status.ObservedGeneration:
		return "Waiting for statefulset spec update to be observed...", false, nil
	case set.Spec.Replicas != nil && status.ReadyReplicas < *set.Spec.Replicas:
		return fmt.Sprintf("Waiting for %d pods to be ready...",
			*set.Spec.Replicas-status.ReadyReplicas), false, nil
	case strategy.RollingUpdate != nil:
		if partition := strategy.RollingUpdate.Partition; set.Spec.Replicas != nil && partition != nil {
			if want := *set.Spec.Replicas - *partition; status.UpdatedReplicas < want {
				return fmt.Sprintf("Waiting for partitioned roll out to finish: %d out of %d new pods have been updated...",
					status.UpdatedReplicas, want), false, nil
			}
		}
		return fmt.Sprintf("partitioned roll out complete: %d new pods have been updated...",
			status.UpdatedReplicas), true, nil
	case status.UpdateRevision != status.CurrentRevision:
		return fmt.Sprintf("waiting for statefulset rolling update to complete %d pods at revision %s...",
			status.UpdatedReplicas, status.UpdateRevision), false, nil
	}
	return fmt.Sprintf("statefulset rolling update complete %d pods at revision %s...",
		status.CurrentReplicas, status.CurrentRevision), true, nil
}

// ErrSetDeleted is how kubectl rollout status ends when the set is deleted.
var ErrSetDeleted = errors.New("object has been deleted")
