package apiserver

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	resourcehelper "k8s.io/component-helpers/resource"
)

// limitRangeKind is that of LimitRanges, which nobody watches.
var limitRangeKind = KindFor(corev1.SchemeGroupVersion.WithKind("LimitRange"))

// limitRangerAnnotation says what a pod got unasked.
const limitRangerAnnotation = "kubernetes.io/limit-ranger"

// limitRanges returns those of a namespace. Upstream takes them in the order of a
// map; here they are in that of their names.
func (s *Server) limitRanges(namespace string) []Object {
	if !s.asks(limitRanger) || s.Count(limitRangeKind) == 0 {
		return nil
	}
	return s.List(limitRangeKind, namespace)
}

// defaultLimits gives a new pod's containers the requests and limits that its
// namespace has for those without (limitranger, PodMutateLimitFunc).
func (s *Server) defaultLimits(pod *corev1.Pod) {
	for _, o := range s.limitRanges(pod.Namespace) {
		requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
		for _, item := range o.(*corev1.LimitRange).Spec.Limits {
			if item.Type == corev1.LimitTypeContainer {
				maps.Copy(requests, item.DefaultRequest)
				maps.Copy(limits, item.Default)
			}
		}
		var told []string
		for n, list := range []*[]corev1.Container{&pod.Spec.Containers, &pod.Spec.InitContainers} {
			*list = slices.Clone(*list) // the sender's
			for i := range *list {
				c := &(*list)[i]
				what := []string{"container", "init container"}[n]
				told = fillResources(&c.Resources.Requests, requests, told, " request for "+what+" "+c.Name)
				told = fillResources(&c.Resources.Limits, limits, told, " limit for "+what+" "+c.Name)
			}
		}
		if len(told) > 0 {
			pod.Annotations = maps.Clone(pod.Annotations)
			if pod.Annotations == nil {
				pod.Annotations = map[string]string{}
			}
			pod.Annotations[limitRangerAnnotation] = "LimitRanger plugin set: " + strings.Join(told, "; ")
		}
	}
}

// fillResources adds what a list has not, and to what is told which those are
// (mergeContainerResources).
func fillResources(list *corev1.ResourceList, defaults corev1.ResourceList, told []string, of string) []string {
	var set []string
	for _, name := range sortedKeys(defaults) {
		if _, has := (*list)[name]; has {
			continue
		}
		if set == nil {
			*list = maps.Clone(*list)
			if *list == nil {
				*list = corev1.ResourceList{}
			}
		}
		(*list)[name] = defaults[name].DeepCopy()
		set = append(set, string(name))
	}
	if set == nil {
		return told
	}
	return append(told, strings.Join(set, ", ")+of)
}

func sortedKeys[V any](m map[corev1.ResourceName]V) []corev1.ResourceName {
	return slices.Sorted(maps.Keys(m))
}

// admitLimits holds a new pod, or a claim, to the limits of its namespace
// (limitranger, PodValidateLimitFunc, PersistentVolumeClaimValidateLimitFunc). The
// first LimitRange that is violated is told of, with all that is wrong.
func (s *Server) admitLimits(obj, old Object) error {
	kind := Pod
	if _, ok := obj.(*corev1.PersistentVolumeClaim); ok {
		kind = PersistentVolumeClaim
	}
	if old != nil && (kind == Pod || old.GetDeletionTimestamp() != nil) {
		return nil
	}
	for _, o := range s.limitRanges(obj.GetNamespace()) {
		var errs []error
		for i := range o.(*corev1.LimitRange).Spec.Limits {
			item := &o.(*corev1.LimitRange).Spec.Limits[i]
			switch t := obj.(type) {
			case *corev1.Pod:
				errs = append(errs, podLimits(item, t)...)
			case *corev1.PersistentVolumeClaim:
				errs = append(errs, claimLimits(item, t)...)
			}
		}
		if err := utilerrors.NewAggregate(errs); err != nil {
			return forbidden(kind, obj, err)
		}
	}
	return nil
}

// podLimits holds a pod to one kind of limit.
func podLimits(item *corev1.LimitRangeItem, pod *corev1.Pod) (errs []error) {
	switch item.Type {
	case corev1.LimitTypeContainer:
		for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
			for i := range list {
				errs = append(errs, usageLimits(item, list[i].Resources.Requests, list[i].Resources.Limits)...)
			}
		}
	case corev1.LimitTypePod:
		opts := resourcehelper.PodResourcesOptions{ExcludeOverhead: true}
		errs = usageLimits(item, resourcehelper.PodRequests(pod, opts), resourcehelper.PodLimits(pod, opts))
	}
	return errs
}

// usageLimits holds requests and limits to a minimum, a maximum and a ratio.
func usageLimits(item *corev1.LimitRangeItem, requests, limits corev1.ResourceList) (errs []error) {
	add := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, name := range sortedKeys(item.Min) {
		add(minimum(item.Type, name, item.Min[name], requests, limits))
	}
	for _, name := range sortedKeys(item.Max) {
		add(maximum(item.Type, name, item.Max[name], requests, limits))
	}
	for _, name := range sortedKeys(item.MaxLimitRequestRatio) {
		add(ratio(item.Type, name, item.MaxLimitRequestRatio[name], requests, limits))
	}
	return errs
}

// claimLimits holds a claim to one kind of limit: it has requests alone.
func claimLimits(item *corev1.LimitRangeItem, claim *corev1.PersistentVolumeClaim) (errs []error) {
	if item.Type != corev1.LimitTypePersistentVolumeClaim {
		return nil
	}
	requests := claim.Spec.Resources.Requests
	for _, name := range sortedKeys(item.Min) {
		if err := minimum(item.Type, name, item.Min[name], requests, nil); err != nil {
			errs = append(errs, err)
		}
	}
	for _, name := range sortedKeys(item.Max) {
		most, request := item.Max[name], requests[name]
		has, enforced, _ := comparable3(request, most, resource.Quantity{})
		if _, ok := requests[name]; !ok {
			errs = append(errs, fmt.Errorf("maximum %s usage per %s is %s.  No request is specified", name, item.Type, most.String()))
		} else if has > enforced {
			errs = append(errs, fmt.Errorf("maximum %s usage per %s is %s, but request is %s", name, item.Type, most.String(), request.String()))
		}
	}
	return errs
}

// comparable3 returns quantities as numbers of one unit: thousandths if they fit
// (requestLimitEnforcedValues).
func comparable3(a, b, c resource.Quantity) (x, y, z int64) {
	x, y, z = a.Value(), b.Value(), c.Value()
	if x <= resource.MaxMilliValue && y <= resource.MaxMilliValue && z <= resource.MaxMilliValue {
		return a.MilliValue(), b.MilliValue(), c.MilliValue()
	}
	return x, y, z
}

// minimum is minConstraint.
func minimum(typ corev1.LimitType, name corev1.ResourceName, least resource.Quantity, requests, limits corev1.ResourceList) error {
	request, requested := requests[name]
	limit, limited := limits[name]
	r, l, enforced := comparable3(request, limit, least)
	switch {
	case !requested:
		return fmt.Errorf("minimum %s usage per %s is %s.  No request is specified", name, typ, least.String())
	case r < enforced:
		return fmt.Errorf("minimum %s usage per %s is %s, but request is %s", name, typ, least.String(), request.String())
	case limited && l < enforced:
		return fmt.Errorf("minimum %s usage per %s is %s, but limit is %s", name, typ, least.String(), limit.String())
	}
	return nil
}

// maximum is maxConstraint.
func maximum(typ corev1.LimitType, name corev1.ResourceName, most resource.Quantity, requests, limits corev1.ResourceList) error {
	request, requested := requests[name]
	limit, limited := limits[name]
	r, l, enforced := comparable3(request, limit, most)
	switch {
	case !limited:
		return fmt.Errorf("maximum %s usage per %s is %s.  No limit is specified", name, typ, most.String())
	case l > enforced:
		return fmt.Errorf("maximum %s usage per %s is %s, but limit is %s", name, typ, most.String(), limit.String())
	case requested && r > enforced:
		return fmt.Errorf("maximum %s usage per %s is %s, but request is %s", name, typ, most.String(), request.String())
	}
	return nil
}

// ratio is limitRequestRatioConstraint.
func ratio(typ corev1.LimitType, name corev1.ResourceName, most resource.Quantity, requests, limits corev1.ResourceList) error {
	request, requested := requests[name]
	limit, limited := limits[name]
	r, l, _ := comparable3(request, limit, most)
	switch {
	case !requested || r == 0:
		return fmt.Errorf("%s max limit to request ratio per %s is %s, but no request is specified or request is 0", name, typ, most.String())
	case !limited || l == 0:
		return fmt.Errorf("%s max limit to request ratio per %s is %s, but no limit is specified or limit is 0", name, typ, most.String())
	}
	shown := float64(l) / float64(r)
	observed, enforced := shown, float64(most.Value())
	if most.Value() <= resource.MaxMilliValue {
		observed, enforced = observed*1000, float64(most.MilliValue())
	}
	if observed > enforced {
		return fmt.Errorf("%s max limit to request ratio per %s is %s, but provided ratio is %f", name, typ, most.String(), shown)
	}
	return nil
}
