package validation

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Options are the feature gates that matter here.
type Options struct {
	// MaxUnavailable is MaxUnavailableStatefulSet; off, the field is emptied.
	MaxUnavailable bool
	// Recreate is StatefulSetRecreateStrategy.
	Recreate bool
	// EventsGroup says that an Event is written as one of events.k8s.io.
	EventsGroup bool
}

// Create checks an object that is to be created, after defaults.Set,
// PrepareCreate and admission. It returns nil if all is well. The object is
// only read. Errors come in upstream's order; where that is a map's, by key.
func Create(obj runtime.Object, o Options) field.ErrorList {
	var c check
	switch t := obj.(type) {
	case *corev1.Pod:
		c.podCreate(t)
	case *appsv1.StatefulSet:
		c.statefulSetCreate(t, o)
	case *corev1.PersistentVolumeClaim:
		c.claimCreate(t)
	case *corev1.PersistentVolume:
		c.volumeCreate(t)
	case *corev1.Service:
		c.serviceCreate(t)
	case *corev1.Node:
		c.nodeCreate(t)
	case *corev1.Namespace:
		c.namespaceCreate(t)
	case *corev1.Event:
		if c.eventCreate(t, o); len(c.errs) == 0 {
			c.genericMeta(&t.ObjectMeta, true, segmentName)
		}
	case *appsv1.ControllerRevision:
		c.meta(&t.ObjectMeta, true, subdomainName)
		c.revision(t)
	case *discoveryv1.EndpointSlice:
		c.meta(&t.ObjectMeta, true, subdomainName)
		c.endpointSlice(t, nil)
	case *corev1.ConfigMap:
		c.meta(&t.ObjectMeta, true, subdomainName)
		c.configMap(t)
	case *corev1.Secret:
		c.meta(&t.ObjectMeta, true, subdomainName)
		c.secret(t)
	case *corev1.ServiceAccount:
		c.meta(&t.ObjectMeta, true, subdomainName)
	case *corev1.LimitRange:
		c.meta(&t.ObjectMeta, true, subdomainName)
		c.limitRange(t)
	case *corev1.ResourceQuota:
		c.meta(&t.ObjectMeta, true, subdomainName)
		c.quota(&t.Spec)
	case *storagev1.StorageClass:
		c.meta(&t.ObjectMeta, false, subdomainName)
		c.storageClass(t)
	case *schedulingv1.PriorityClass:
		c.meta(&t.ObjectMeta, false, subdomainName)
		c.priorityClass(t)
	case *policyv1.PodDisruptionBudget:
		if c.budget(t); len(c.errs) == 0 { // the strategy leaves names to the server
			c.genericMeta(&t.ObjectMeta, true, segmentName)
		}
	default:
		c.otherCreate(obj)
	}
	return c.errs
}

// Update checks the successor of an object, after defaults.Set, PrepareUpdate
// and admission. Both are only read.
func Update(obj, old runtime.Object, o Options) field.ErrorList {
	var c check
	if !c.sameMeta(obj, old, true) {
		return c.errs
	}
	switch obj.(type) {
	case *corev1.Pod, *corev1.PersistentVolumeClaim, *corev1.PersistentVolume, *corev1.Node,
		*appsv1.ControllerRevision, *discoveryv1.EndpointSlice, *corev1.ServiceAccount, *corev1.LimitRange, *corev1.ResourceQuota:
		c.generateName(objectMeta(obj), subdomainName)
	}
	switch t := obj.(type) {
	case *corev1.Pod:
		c.podUpdate(t, old.(*corev1.Pod))
	case *appsv1.StatefulSet:
		c.statefulSetUpdate(t, old.(*appsv1.StatefulSet), o)
	case *corev1.PersistentVolumeClaim:
		c.claimUpdate(t, old.(*corev1.PersistentVolumeClaim))
	case *corev1.PersistentVolume:
		c.volumeUpdate(t, old.(*corev1.PersistentVolume))
	case *corev1.Service:
		c.serviceUpdate(t, old.(*corev1.Service))
	case *corev1.Node:
		c.podCIDRs(t.Spec.PodCIDRs)
		c.nodeUpdate(t, old.(*corev1.Node))
	case *corev1.Namespace:
		c.namespace(t)
	case *corev1.Event:
		c.eventUpdate(t, old.(*corev1.Event), o)
	case *appsv1.ControllerRevision:
		c.revisionUpdate(t, old.(*appsv1.ControllerRevision))
	case *discoveryv1.EndpointSlice:
		c.endpointSlice(t, old.(*discoveryv1.EndpointSlice))
		if t.AddressType != old.(*discoveryv1.EndpointSlice).AddressType { // declarative: no value is shown
			c.invalid(in("addressType"), nil, isImmutable)
		}
	case *corev1.ConfigMap:
		c.configMapUpdate(t, old.(*corev1.ConfigMap))
	case *corev1.Secret:
		c.secretUpdate(t, old.(*corev1.Secret))
	case *corev1.LimitRange:
		c.limitRange(t)
	case *corev1.ResourceQuota:
		c.quotaUpdate(t, old.(*corev1.ResourceQuota))
	case *storagev1.StorageClass:
		c.storageClassUpdate(t, old.(*storagev1.StorageClass))
	case *schedulingv1.PriorityClass:
		c.priorityClassUpdate(t, old.(*schedulingv1.PriorityClass))
	case *policyv1.PodDisruptionBudget:
		c.budget(t)
	}
	return c.errs
}

// UpdateStatus checks a new status, after PrepareStatusUpdate.
func UpdateStatus(obj, old runtime.Object) field.ErrorList {
	var c check
	if !c.sameMeta(obj, old, false) {
		return c.errs
	}
	switch t := obj.(type) {
	case *corev1.Pod:
		c.podStatus(t, old.(*corev1.Pod))
	case *appsv1.StatefulSet:
		c.statefulSetStatus(t, old.(*appsv1.StatefulSet))
	case *corev1.PersistentVolumeClaim:
		c.claimStatus(t)
	case *corev1.Service:
		c.serviceStatus(t)
	case *corev1.Node:
		c.nodeUpdate(t, old.(*corev1.Node))
	case *corev1.Namespace:
		c.namespaceStatus(t)
	case *policyv1.PodDisruptionBudget:
		c.budgetStatus(t)
	case *corev1.ResourceQuota:
		c.quotaStatus(t)
	}
	return c.errs
}

// UpdateFinalizers checks a Namespace whose spec.finalizers are to change, with
// their own subresource.
func UpdateFinalizers(n, old *corev1.Namespace) field.ErrorList {
	var c check
	c.sameMeta(n, old, false)
	p := spec.child("finalizers")
	for i, f := range n.Spec.Finalizers {
		c.qualified(p.at(i), string(f))
		c.kubeFinalizer(p.at(i), string(f))
	}
	return c.errs
}

// sameMeta compares the metadata of an object and its predecessor. It reports
// whether there is any. whole tells an update from that of a status.
func (c *check) sameMeta(obj, old runtime.Object, whole bool) bool {
	a, b := objectMeta(obj), objectMeta(old)
	if a == nil || b == nil {
		return false
	}
	c.metaUpdate(a, b)
	if _, ok := obj.(*corev1.Namespace); ok && whole {
		c.generateName(a, labelName)
	}
	if _, ok := obj.(*storagev1.StorageClass); ok {
		c.generateName(a, subdomainName)
	}
	switch obj.(type) {
	case *policyv1.PodDisruptionBudget, *corev1.Event: // their strategies look at no metadata
	default:
		c.kubeFinalizers(a.Finalizers)
	}
	return true
}

func objectMeta(obj runtime.Object) *metav1.ObjectMeta {
	if a, ok := obj.(metav1.ObjectMetaAccessor); ok {
		if m, ok := a.GetObjectMeta().(*metav1.ObjectMeta); ok {
			return m
		}
	}
	return nil
}

// otherCreate holds a kind without behaviour to what every object is held to.
func (c *check) otherCreate(obj runtime.Object) {
	m := objectMeta(obj)
	if m == nil {
		_, err := meta.Accessor(obj)
		c.errs = append(c.errs, field.InternalError(metadata.field(), err))
		return
	}
	c.meta(m, m.Namespace != "", segmentName)
}
