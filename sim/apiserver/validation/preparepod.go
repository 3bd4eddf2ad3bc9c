package validation

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// preparePod is the pod strategy's PrepareForCreate, without AppArmor's
// annotations.
func preparePod(p *corev1.Pod) {
	p.Generation = 1
	p.Status = corev1.PodStatus{Phase: corev1.PodPending}
	dropAlpha(&p.Spec)
	if len(p.Spec.SchedulingGates) > 0 {
		p.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonSchedulingGated,
			Message: "Scheduling is blocked due to non-empty scheduling gates",
		}}
	}
	mergeLabelKeys(p)
	if p.Spec.Resources != nil {
		levelResources(&p.Spec)
	}
	p.Status.QOSClass = qosClass(&p.Spec)
}

// preparePodStatus: what the kubelet leaves out stays.
func preparePodStatus(p, old *corev1.Pod) {
	p.Spec = old.Spec
	p.OwnerReferences, p.DeletionTimestamp = old.OwnerReferences, old.DeletionTimestamp
	s, was := &p.Status, &old.Status
	if was.VolumeHealth == nil {
		s.VolumeHealth = nil // behind an alpha gate
	}
	if s.QOSClass == "" {
		s.QOSClass = was.QOSClass
	}
	if s.ResourceClaimStatuses == nil {
		s.ResourceClaimStatuses = was.ResourceClaimStatuses
	}
	if s.ExtendedResourceClaimStatus == nil {
		s.ExtendedResourceClaimStatus = was.ExtendedResourceClaimStatus
	}
	if s.ObservedGeneration == 0 {
		s.ObservedGeneration = was.ObservedGeneration
	}
	copied := false
	for i := range s.Conditions {
		if s.Conditions[i].ObservedGeneration != 0 {
			continue
		}
		n := observed(was.Conditions, s.Conditions[:i], s.Conditions[i].Type)
		if n == 0 {
			continue
		}
		if !copied {
			s.Conditions, copied = slices.Clone(s.Conditions), true
		}
		s.Conditions[i].ObservedGeneration = n
	}
}

// observed returns the observedGeneration of the old condition of a type: the
// n-th one, if n conditions of that type came before.
func observed(old, before []corev1.PodCondition, t corev1.PodConditionType) int64 {
	skip := 0
	for i := range before {
		if before[i].Type == t {
			skip++
		}
	}
	for i := range old {
		if old[i].Type != t {
			continue
		}
		if skip == 0 {
			return old[i].ObservedGeneration
		}
		skip--
	}
	return 0
}

// qosClass is GetPodQOS (A3).
func qosClass(s *corev1.PodSpec) corev1.PodQOSClass {
	if r := s.Resources; r != nil && resourcehelper.IsPodLevelResourcesSet(&corev1.Pod{Spec: *s}) {
		return requirementsQOS(r)
	}
	var class corev1.PodQOSClass
	for _, list := range [...][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			switch c := requirementsQOS(&list[i].Resources); {
			case c == corev1.PodQOSBurstable, class != "" && c != class:
				return corev1.PodQOSBurstable
			default:
				class = c
			}
		}
	}
	if class == "" {
		return corev1.PodQOSBestEffort
	}
	return class
}

func requirementsQOS(r *corev1.ResourceRequirements) corev1.PodQOSClass {
	if len(r.Requests)+len(r.Limits) == 0 {
		return corev1.PodQOSBestEffort
	}
	cpu, memory := resourceQOS(r, corev1.ResourceCPU), resourceQOS(r, corev1.ResourceMemory)
	if cpu != memory {
		return corev1.PodQOSBurstable
	}
	return cpu
}

func resourceQOS(r *corev1.ResourceRequirements, name corev1.ResourceName) corev1.PodQOSClass {
	request, limit := r.Requests[name], r.Limits[name]
	switch {
	case !request.Equal(limit):
		return corev1.PodQOSBurstable
	case request.IsZero():
		return corev1.PodQOSBestEffort
	}
	return corev1.PodQOSGuaranteed
}

// mergeLabelKeys writes matchLabelKeys and mismatchLabelKeys into the
// selectors (mutatePodAffinity, mutateTopologySpreadConstraints).
func mergeLabelKeys(p *corev1.Pod) {
	if a := p.Spec.Affinity; a != nil && (usesLabelKeys(a.PodAffinity) || usesLabelKeys((*corev1.PodAffinity)(a.PodAntiAffinity))) {
		a = a.DeepCopy()
		mergeTerms(a.PodAffinity, p.Labels)
		mergeTerms((*corev1.PodAffinity)(a.PodAntiAffinity), p.Labels)
		p.Spec.Affinity = a
	}
	copied := false
	for i := range p.Spec.TopologySpreadConstraints {
		t := &p.Spec.TopologySpreadConstraints[i]
		if len(t.MatchLabelKeys) == 0 || t.LabelSelector == nil {
			continue
		}
		if !copied {
			p.Spec.TopologySpreadConstraints, copied = slices.Clone(p.Spec.TopologySpreadConstraints), true
			t = &p.Spec.TopologySpreadConstraints[i]
		}
		t.LabelSelector = t.LabelSelector.DeepCopy()
		mergeKeys(t.LabelSelector, t.MatchLabelKeys, metav1.LabelSelectorOpIn, p.Labels)
	}
}

func usesLabelKeys(a *corev1.PodAffinity) bool {
	if a == nil {
		return false
	}
	uses := func(t *corev1.PodAffinityTerm) bool { return len(t.MatchLabelKeys)+len(t.MismatchLabelKeys) > 0 }
	for i := range a.RequiredDuringSchedulingIgnoredDuringExecution {
		if uses(&a.RequiredDuringSchedulingIgnoredDuringExecution[i]) {
			return true
		}
	}
	for i := range a.PreferredDuringSchedulingIgnoredDuringExecution {
		if uses(&a.PreferredDuringSchedulingIgnoredDuringExecution[i].PodAffinityTerm) {
			return true
		}
	}
	return false
}

func mergeTerms(a *corev1.PodAffinity, labels map[string]string) {
	if a == nil {
		return
	}
	for i := range a.PreferredDuringSchedulingIgnoredDuringExecution {
		mergeTerm(&a.PreferredDuringSchedulingIgnoredDuringExecution[i].PodAffinityTerm, labels)
	}
	for i := range a.RequiredDuringSchedulingIgnoredDuringExecution {
		mergeTerm(&a.RequiredDuringSchedulingIgnoredDuringExecution[i], labels)
	}
}

func mergeTerm(t *corev1.PodAffinityTerm, labels map[string]string) {
	if t.LabelSelector == nil { // matches nothing: so it stays
		return
	}
	mergeKeys(t.LabelSelector, t.MatchLabelKeys, metav1.LabelSelectorOpIn, labels)
	mergeKeys(t.LabelSelector, t.MismatchLabelKeys, metav1.LabelSelectorOpNotIn, labels)
}

func mergeKeys(s *metav1.LabelSelector, keys []string, op metav1.LabelSelectorOperator, labels map[string]string) {
	for _, k := range keys {
		if v, ok := labels[k]; ok {
			s.MatchExpressions = append(s.MatchExpressions, metav1.LabelSelectorRequirement{Key: k, Operator: op, Values: []string{v}})
		}
	}
}

// levelResources is DefaultPodLevelResources: what a pod as a whole asks for
// follows from its containers, if it asks for anything.
func levelResources(s *corev1.PodSpec) {
	r := s.Resources
	if len(r.Requests)+len(r.Limits) == 0 {
		return
	}
	containers := &corev1.Pod{Spec: corev1.PodSpec{Containers: s.Containers, InitContainers: s.InitContainers}}
	requests, limits := maps.Clone(r.Requests), maps.Clone(r.Limits)
	set := func(list *corev1.ResourceList, name corev1.ResourceName, from corev1.ResourceList) {
		if _, ok := (*list)[name]; ok || !resourcehelper.IsSupportedPodLevelResource(name) {
			return
		}
		if *list == nil {
			*list = corev1.ResourceList{}
		}
		(*list)[name] = from[name].DeepCopy()
	}
	most := resourcehelper.AggregateContainerLimits(containers, resourcehelper.PodResourcesOptions{})
	for _, name := range sorted(most) {
		if _, asked := r.Requests[name]; isHugePage(name) && !asked {
			set(&limits, name, most)
		}
	}
	sum := resourcehelper.AggregateContainerRequests(containers, resourcehelper.PodResourcesOptions{})
	for _, name := range sorted(sum) {
		if isOvercommitted(name) {
			set(&requests, name, sum)
		}
	}
	for _, name := range sorted(limits) {
		set(&requests, name, limits)
	}
	for _, name := range sorted(requests) {
		if _, ok := most[name]; ok && allLimit(s, name) {
			if q := requests[name]; q.Cmp(most[name]) > 0 {
				set(&limits, name, requests)
			} else {
				set(&limits, name, most)
			}
		}
	}
	s.Resources = &corev1.ResourceRequirements{Requests: requests, Limits: limits, Claims: r.Claims}
}

// allLimit reports whether every container of a pod has a limit for a
// resource.
func allLimit(s *corev1.PodSpec, name corev1.ResourceName) bool {
	for _, list := range [...][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range list {
			if _, ok := list[i].Resources.Limits[name]; !ok {
				return false
			}
		}
	}
	return true
}
