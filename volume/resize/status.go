package resize

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pending is what a claim says whose file system is to grow yet.
const Pending = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."

// InProgress returns a claim whose volume is being enlarged
// (MarkControllerReisizeInProgress).
func InProgress(claim *corev1.PersistentVolumeClaim, size resource.Quantity, now metav1.Time) *corev1.PersistentVolumeClaim {
	next := withConditions(claim, false, corev1.PersistentVolumeClaimCondition{
		Type: corev1.PersistentVolumeClaimResizing, Status: corev1.ConditionTrue, LastTransitionTime: now,
	})
	setStatus(next, corev1.PersistentVolumeClaimControllerResizeInProgress)
	next.Status.AllocatedResources = maps.Clone(next.Status.AllocatedResources)
	if next.Status.AllocatedResources == nil {
		next.Status.AllocatedResources = corev1.ResourceList{}
	}
	next.Status.AllocatedResources[corev1.ResourceStorage] = size
	return next
}

// AwaitNode returns a claim whose file system is to grow yet (MarkForFSResize).
func AwaitNode(claim *corev1.PersistentVolumeClaim, now metav1.Time) *corev1.PersistentVolumeClaim {
	next := withConditions(claim, true, corev1.PersistentVolumeClaimCondition{
		Type: corev1.PersistentVolumeClaimFileSystemResizePending, Status: corev1.ConditionTrue,
		LastTransitionTime: now, Message: Pending,
	})
	setStatus(next, corev1.PersistentVolumeClaimNodeResizePending)
	return next
}

// OnNode returns a claim whose file system grows (MarkNodeExpansionInProgress).
func OnNode(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	next := *claim
	setStatus(&next, corev1.PersistentVolumeClaimNodeResizeInProgress)
	return &next
}

// Finished returns a claim that has grown to a size (MarkFSResizeFinished,
// MarkNodeExpansionFinishedWithRecovery).
func Finished(claim *corev1.PersistentVolumeClaim, size resource.Quantity) *corev1.PersistentVolumeClaim {
	next := withConditions(claim, false)
	next.Status.Capacity = maps.Clone(next.Status.Capacity)
	if next.Status.Capacity == nil {
		next.Status.Capacity = corev1.ResourceList{}
	}
	next.Status.Capacity[corev1.ResourceStorage] = size
	setStatus(next, "")
	return next
}

// setStatus sets, or with "" removes, how far a claim's resize has got
// (mergeStorageResourceStatus).
func setStatus(claim *corev1.PersistentVolumeClaim, status corev1.ClaimResourceStatus) {
	m := maps.Clone(claim.Status.AllocatedResourceStatuses)
	delete(m, corev1.ResourceStorage)
	if status != "" {
		if m == nil {
			m = map[corev1.ResourceName]corev1.ClaimResourceStatus{}
		}
		m[corev1.ResourceStorage] = status
	}
	if len(m) == 0 {
		m = nil
	}
	claim.Status.AllocatedResourceStatuses = m
}

// withConditions returns a copy of a claim with conditions of a resize. The old
// ones go unless they are to be kept (MergeResizeConditionOnPVC).
func withConditions(claim *corev1.PersistentVolumeClaim, keep bool, conditions ...corev1.PersistentVolumeClaimCondition) *corev1.PersistentVolumeClaim {
	next := *claim
	next.Status.Conditions = nil
	done := make([]bool, len(conditions))
	for _, old := range claim.Status.Conditions {
		i := slices.IndexFunc(conditions, func(c corev1.PersistentVolumeClaimCondition) bool { return c.Type == old.Type })
		switch {
		case !isOfResize(old.Type):
		case i >= 0:
			done[i] = true
			if conditions[i].Status != old.Status {
				old = conditions[i]
			}
		case !keep:
			continue
		}
		next.Status.Conditions = append(next.Status.Conditions, old)
	}
	for i := range conditions {
		if !done[i] {
			next.Status.Conditions = append(next.Status.Conditions, conditions[i])
		}
	}
	return &next
}

func isOfResize(t corev1.PersistentVolumeClaimConditionType) bool {
	switch t {
	case corev1.PersistentVolumeClaimFileSystemResizePending, corev1.PersistentVolumeClaimResizing,
		corev1.PersistentVolumeClaimControllerResizeError, corev1.PersistentVolumeClaimNodeResizeError:
		return true
	}
	return false
}

// HasCondition reports whether a claim has a condition of a type.
func HasCondition(claim *corev1.PersistentVolumeClaim, t corev1.PersistentVolumeClaimConditionType) bool {
	return slices.ContainsFunc(claim.Status.Conditions, func(c corev1.PersistentVolumeClaimCondition) bool { return c.Type == t })
}

// IsOnNode reports whether a claim's file system is a kubelet's to grow.
func IsOnNode(claim *corev1.PersistentVolumeClaim) bool {
	switch Status(claim) {
	case corev1.PersistentVolumeClaimNodeResizePending, corev1.PersistentVolumeClaimNodeResizeInProgress:
		return true
	}
	return false
}

// Status returns how far the resize of a claim has got, "" if there is none.
func Status(claim *corev1.PersistentVolumeClaim) corev1.ClaimResourceStatus {
	return claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage]
}
