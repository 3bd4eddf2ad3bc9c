package api

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	"k8s.io/kubernetes/pkg/registry/apps/controllerrevision"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/core/event"
	"k8s.io/kubernetes/pkg/registry/core/namespace"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	"k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
)

// object is any API object of the versions that are stored.
type object interface {
	runtime.Object
	metav1.Object
}

// strategy is what upstream does to a kind.
type strategy interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
}

// kind is a kind of object with upstream's strategies for it.
type kind struct {
	gvk    schema.GroupVersionKind
	main   strategy
	status rest.RESTUpdateStrategy // nil if there is no such subresource
	new    func() object
	share  int // of the comparisons
}

func kindOf[T any, P interface {
	*T
	object
}](gv schema.GroupVersion, name string, main strategy, status rest.RESTUpdateStrategy, share int) kind {
	return kind{gv.WithKind(name), main, status, func() object { return P(new(T)) }, share}
}

var (
	apps = appsv1.SchemeGroupVersion
	core = corev1.SchemeGroupVersion
)

// kinds are the kinds that are compared.
var kinds = []kind{
	kindOf[appsv1.StatefulSet](apps, "StatefulSet", statefulset.Strategy, statefulset.StatusStrategy, 5),
	kindOf[corev1.Pod](core, "Pod", pod.Strategy, pod.StatusStrategy, 5),
	kindOf[corev1.PersistentVolumeClaim](core, "PersistentVolumeClaim", persistentvolumeclaim.Strategy, persistentvolumeclaim.StatusStrategy, 3),
	kindOf[corev1.PersistentVolume](core, "PersistentVolume", persistentvolume.Strategy, persistentvolume.StatusStrategy, 3),
	kindOf[corev1.Service](core, "Service", service.Strategy, service.StatusStrategy, 3),
	kindOf[storagev1.StorageClass](storagev1.SchemeGroupVersion, "StorageClass", storageclass.Strategy, nil, 2),
	kindOf[policyv1.PodDisruptionBudget](policyv1.SchemeGroupVersion, "PodDisruptionBudget", poddisruptionbudget.Strategy, poddisruptionbudget.StatusStrategy, 2),
	kindOf[appsv1.ControllerRevision](apps, "ControllerRevision", controllerrevision.Strategy, nil, 1),
	kindOf[corev1.Namespace](core, "Namespace", namespace.Strategy, namespace.StatusStrategy, 1),
	kindOf[corev1.Secret](core, "Secret", secret.Strategy, nil, 1),
	kindOf[corev1.Event](core, "Event", event.Strategy, nil, 1),
	kindOf[corev1.ServiceAccount](core, "ServiceAccount", serviceaccount.Strategy, nil, 1),
	kindOf[schedulingv1.PriorityClass](schedulingv1.SchemeGroupVersion, "PriorityClass", priorityclass.Strategy, nil, 1),
}
