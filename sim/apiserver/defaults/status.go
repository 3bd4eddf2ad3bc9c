package defaults

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// SetStatus is Set for what is sent to the status subresource, where nothing but
// the status counts.
func SetStatus(obj runtime.Object) {
	switch o := obj.(type) {
	case *corev1.Pod:
		podIPs(&o.Status)
	case *corev1.PersistentVolumeClaim:
		claimStatus(&o.Status)
	case *corev1.PersistentVolume:
		zero(&o.Status.Phase, corev1.VolumePending)
	case *corev1.Service:
		if o.Spec.Type == corev1.ServiceTypeLoadBalancer {
			each(&o.Status.LoadBalancer.Ingress, ingress)
		}
	case *corev1.Node:
		nodeStatus(&o.Status)
	case *corev1.ResourceQuota:
		quotaStatus(&o.Status)
	case *corev1.Namespace:
		namespace(o)
	}
}

func quotaStatus(s *corev1.ResourceQuotaStatus) {
	resourceList(&s.Hard)
	resourceList(&s.Used)
}
