package quota

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
)

// Replenishes reports whether quotas are counted again because an object has
// changed (Q6, DefaultUpdateFilter).
func (r *Resource) Replenishes(obj, old runtime.Object, now time.Time) bool {
	switch r.group {
	case pods:
		pod, was := obj.(*corev1.Pod), old.(*corev1.Pod)
		return resized(was.Status.ContainerStatuses, pod.Status.ContainerStatuses) ||
			resized(was.Status.InitContainerStatuses, pod.Status.InitContainerStatuses) ||
			isTerminating(was) != isTerminating(pod) || IsLive(was, now) && !IsLive(pod, now)
	case services:
		return onNodes(obj.(*corev1.Service)) != onNodes(old.(*corev1.Service))
	case claims:
		// RequiresQuotaReplenish compares the addresses of two amounts where it
		// means the amounts: every change of a claim counts as one of them.
		return true
	}
	return false
}

// resized is hasResourcesChanged.
func resized(old, list []corev1.ContainerStatus) bool {
	for i := range old {
		for j := range list {
			if list[j].Name == old[i].Name {
				if !apiequality.Semantic.DeepEqual(old[i].Resources, list[j].Resources) {
					return true
				}
				break
			}
		}
	}
	return false
}

// onNodes is GetQuotaServiceType.
func onNodes(svc *corev1.Service) corev1.ServiceType {
	switch t := svc.Spec.Type; t {
	case corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer:
		return t
	}
	return ""
}
