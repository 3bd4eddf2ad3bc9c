package table

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// RolloutStatus is what kubectl rollout status prints of a StatefulSet, a DaemonSet or
// a Deployment, a line for each version of it that it sees, and whether it ends there
// (K28). The message has no line break. An error ends it too: of a StatefulSet and a
// DaemonSet there is nothing to follow unless the strategy is RollingUpdate, and a
// Deployment may exceed its deadline. If the object is deleted meanwhile, kubectl ends with
// [ErrSetDeleted].
func RolloutStatus(obj apiserver.Object) (message string, done bool, err error) {
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		return setStatus(o)
	case *appsv1.Deployment:
		return deploymentStatus(o)
	case *appsv1.DaemonSet:
		return daemonSetStatus(o)
	}
	return "", true, fmt.Errorf("no status viewer has been implemented for %s", apiserver.KindOf(obj).GroupVersionKind().GroupKind())
}

// setStatus is StatefulSetStatusViewer.
func setStatus(set *appsv1.StatefulSet) (message string, done bool, err error) {
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
