package apiserver

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ShallowCopy returns a new object whose fields can be set, but whose slices,
// maps and pointers are still those of obj: replace them, never write through
// them. Kinds without behaviour are copied deeply.
func ShallowCopy(obj Object) Object {
	switch o := obj.(type) {
	case *corev1.Pod:
		c := *o
		return &c
	case *appsv1.StatefulSet:
		c := *o
		return &c
	case *appsv1.ControllerRevision:
		c := *o
		return &c
	case *corev1.PersistentVolume:
		c := *o
		return &c
	case *corev1.PersistentVolumeClaim:
		c := *o
		return &c
	case *corev1.Service:
		c := *o
		return &c
	case *discoveryv1.EndpointSlice:
		c := *o
		return &c
	case *corev1.Node:
		c := *o
		return &c
	case *policyv1.PodDisruptionBudget:
		c := *o
		return &c
	case *corev1.Event:
		c := *o
		return &c
	case *corev1.ServiceAccount:
		c := *o
		return &c
	case *corev1.ConfigMap:
		c := *o
		return &c
	case *appsv1.ReplicaSet:
		c := *o
		return &c
	case *appsv1.Deployment:
		c := *o
		return &c
	case *appsv1.DaemonSet:
		c := *o
		return &c
	case *batchv1.CronJob:
		c := *o
		return &c
	case *batchv1.Job:
		c := *o
		return &c
	case *autoscalingv2.HorizontalPodAutoscaler:
		c := *o
		return &c
	}
	return obj.DeepCopyObject().(Object)
}

// WithKind returns a shallow copy of obj with apiVersion and kind filled in,
// as the API shows it. A CustomResource has them always.
func WithKind(obj Object) Object {
	if _, ok := obj.(*unstructured.Unstructured); ok {
		return obj
	}
	c := ShallowCopy(obj)
	c.GetObjectKind().SetGroupVersionKind(KindOf(obj).GroupVersionKind())
	return c
}

// clearKind empties apiVersion and kind: stored objects have none, but for
// CustomResources.
func clearKind(obj Object) {
	if _, ok := obj.(*unstructured.Unstructured); ok {
		return
	}
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
}

// inheritMeta gives a successor the metadata that the server keeps
// (rest.BeforeUpdate). What else differs from the stored object's is for
// validation to refuse.
func inheritMeta(obj, old metav1.Object) {
	if obj.GetUID() == "" {
		obj.SetUID(old.GetUID())
	}
	obj.SetCreationTimestamp(old.GetCreationTimestamp())
	if t := old.GetDeletionTimestamp(); t != nil {
		obj.SetDeletionTimestamp(t)
	}
	if g := old.GetDeletionGracePeriodSeconds(); g != nil && obj.GetDeletionGracePeriodSeconds() == nil {
		obj.SetDeletionGracePeriodSeconds(g)
	}
	obj.SetSelfLink("")
}
