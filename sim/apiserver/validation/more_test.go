package validation_test

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// more are the kinds that no recording has.
func more(kind string) object {
	switch kind {
	case "Node":
		return &corev1.Node{}
	case "Namespace":
		return &corev1.Namespace{}
	case "ConfigMap":
		return &corev1.ConfigMap{}
	case "Secret":
		return &corev1.Secret{}
	case "Event":
		return &corev1.Event{}
	case "StorageClass":
		return &storagev1.StorageClass{}
	case "PriorityClass":
		return &schedulingv1.PriorityClass{}
	case "EndpointSlice":
		return &discoveryv1.EndpointSlice{}
	case "ControllerRevision":
		return &appsv1.ControllerRevision{}
	}
	return nil
}
