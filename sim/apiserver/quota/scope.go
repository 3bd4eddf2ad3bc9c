package quota

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
)

// InScope reports whether all scopes of a quota are an object's. A kind that has
// no scopes is in none (getScopeSelectorsFromQuota, MatchesNoScopeFunc).
func (r *Resource) InScope(spec *corev1.ResourceQuotaSpec, obj runtime.Object) bool {
	for _, scope := range spec.Scopes {
		if !r.inScope(&corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists}, obj) {
			return false
		}
	}
	if spec.ScopeSelector != nil {
		for i := range spec.ScopeSelector.MatchExpressions {
			if !r.inScope(&spec.ScopeSelector.MatchExpressions[i], obj) {
				return false
			}
		}
	}
	return true
}

func (r *Resource) inScope(want *corev1.ScopedResourceSelectorRequirement, obj runtime.Object) bool {
	switch r.group {
	case pods:
		return podInScope(want, obj.(*corev1.Pod))
	case claims:
		return want.ScopeName == corev1.ResourceQuotaScopeVolumeAttributesClass && names(want, attributesClasses(obj.(*corev1.PersistentVolumeClaim)))
	}
	return false
}

// podInScope is podMatchesScopeFunc.
func podInScope(want *corev1.ScopedResourceSelectorRequirement, pod *corev1.Pod) bool {
	switch want.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return isTerminating(pod)
	case corev1.ResourceQuotaScopeNotTerminating:
		return !isTerminating(pod)
	case corev1.ResourceQuotaScopeBestEffort:
		return pod.Status.QOSClass == corev1.PodQOSBestEffort
	case corev1.ResourceQuotaScopeNotBestEffort:
		return pod.Status.QOSClass != corev1.PodQOSBestEffort
	case corev1.ResourceQuotaScopePriorityClass:
		var classes []string
		if pod.Spec.PriorityClassName != "" {
			classes = []string{pod.Spec.PriorityClassName}
		}
		return names(want, classes)
	case corev1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return looksAcross(pod)
	}
	return false
}

// names reports whether a scope that names classes is that of an object with some
// (podMatchesSelector, pvcMatchesSelector). Validation leaves nothing that cannot be
// made a selector of.
func names(want *corev1.ScopedResourceSelectorRequirement, classes []string) bool {
	var op selection.Operator
	switch want.Operator {
	case corev1.ScopeSelectorOpExists:
		return len(classes) > 0
	case corev1.ScopeSelectorOpDoesNotExist:
		op = selection.DoesNotExist
	case corev1.ScopeSelectorOpIn:
		op = selection.In
	case corev1.ScopeSelectorOpNotIn:
		op = selection.NotIn
	}
	key := string(want.ScopeName)
	req, err := labels.NewRequirement(key, op, want.Values)
	if err != nil {
		return false
	}
	if len(classes) == 0 {
		return req.Matches(labels.Set{})
	}
	for _, class := range classes {
		if req.Matches(labels.Set{key: class}) {
			return true
		}
	}
	return false
}

// isTerminating reports whether a pod has a deadline, which is what the scope
// Terminating means (IsTerminating).
func isTerminating(pod *corev1.Pod) bool {
	return pod.Spec.ActiveDeadlineSeconds != nil && *pod.Spec.ActiveDeadlineSeconds >= 0
}

// looksAcross reports whether a pod wants to be near or far from pods of other
// namespaces (usesCrossNamespacePodAffinity).
func looksAcross(pod *corev1.Pod) bool {
	a := pod.Spec.Affinity
	if a == nil {
		return false
	}
	var terms []corev1.PodAffinityTerm
	preferred := func(list []corev1.WeightedPodAffinityTerm) {
		for i := range list {
			terms = append(terms, list[i].PodAffinityTerm)
		}
	}
	if p := a.PodAffinity; p != nil {
		terms = append(terms, p.RequiredDuringSchedulingIgnoredDuringExecution...)
		preferred(p.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if p := a.PodAntiAffinity; p != nil {
		terms = append(terms, p.RequiredDuringSchedulingIgnoredDuringExecution...)
		preferred(p.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	for i := range terms {
		if len(terms[i].Namespaces) > 0 || terms[i].NamespaceSelector != nil {
			return true
		}
	}
	return false
}
