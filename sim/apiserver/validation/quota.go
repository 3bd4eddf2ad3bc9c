package validation

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// quota is ValidateResourceQuotaSpec.
func (c *check) quota(s *corev1.ResourceQuotaSpec) {
	c.quotaList(spec.child("hard"), s.Hard)
	if len(s.Scopes) > 0 {
		c.quotaScopes(s)
	}
	if s.ScopeSelector != nil {
		c.scopeSelector(s)
	}
}

// quotaUpdate is ValidateResourceQuotaUpdate, but for the metadata.
func (c *check) quotaUpdate(q, old *corev1.ResourceQuota) {
	c.quota(&q.Spec)
	if !sameScopes(q.Spec.Scopes, old.Spec.Scopes) {
		c.invalid(spec.child("scopes"), q.Spec.Scopes, isImmutable)
	}
}

func sameScopes(a, b []corev1.ResourceQuotaScope) bool {
	within := func(a, b []corev1.ResourceQuotaScope) bool {
		return !slices.ContainsFunc(a, func(s corev1.ResourceQuotaScope) bool { return !slices.Contains(b, s) })
	}
	return within(a, b) && within(b, a)
}

// quotaStatus is ValidateResourceQuotaStatusUpdate, but for the metadata.
func (c *check) quotaStatus(q *corev1.ResourceQuota) {
	if q.ResourceVersion == "" {
		c.required(in("resourceVersion"), "")
	}
	status := in("status")
	c.quotaList(status.child("hard"), q.Status.Hard)
	c.quotaList(status.child("used"), q.Status.Used)
}

// quotaList holds names and amounts to what a quota may have
// (ValidateResourceQuotaResourceName, ValidateResourceQuantityValue).
func (c *check) quotaList(p path, list corev1.ResourceList) {
	for _, name := range sorted(list) {
		at := p.key(string(name))
		c.anyResource(at, name)
		if !strings.Contains(string(name), "/") && !isOfQuota(name) {
			c.invalid(at, name, "must be a standard resource for quota")
		}
		c.resourceQuantity(at, name, list[name])
	}
}

// isOfQuota is IsStandardQuotaResourceName.
func isOfQuota(name corev1.ResourceName) bool {
	return name != corev1.ResourceStorage && isStandard(name)
}

// podQuota and claimQuota are the names that scopes of pods and claims go with.
var (
	podQuota = []corev1.ResourceName{corev1.ResourcePods, corev1.ResourceCPU, corev1.ResourceMemory,
		corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory}
	claimQuota = []corev1.ResourceName{corev1.ResourcePersistentVolumeClaims, corev1.ResourceRequestsStorage}
)

// isScope is IsStandardResourceQuotaScope.
func isScope(s corev1.ResourceQuotaScope) bool {
	switch s {
	case corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating, corev1.ResourceQuotaScopeBestEffort,
		corev1.ResourceQuotaScopeNotBestEffort, corev1.ResourceQuotaScopePriorityClass, corev1.ResourceQuotaScopeVolumeAttributesClass,
		corev1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return true
	}
	return false
}

// scopeFits is IsResourceQuotaScopeValidForResource.
func scopeFits(s corev1.ResourceQuotaScope, name corev1.ResourceName) bool {
	switch s {
	case corev1.ResourceQuotaScopeBestEffort:
		return name == corev1.ResourcePods
	case corev1.ResourceQuotaScopeVolumeAttributesClass:
		return slices.Contains(claimQuota, name)
	}
	return !isScope(s) || slices.Contains(podQuota, name)
}

// misfits counts the standard names of a quota that a scope does not go with.
func misfits(s corev1.ResourceQuotaScope, hard corev1.ResourceList) (n int) {
	for name := range hard { // a count
		if isOfQuota(name) && !scopeFits(s, name) {
			n++
		}
	}
	return n
}

// clashes counts the pairs of scopes that exclude each other.
func clashes(scopes []corev1.ResourceQuotaScope) (n int) {
	for _, pair := range [][2]corev1.ResourceQuotaScope{
		{corev1.ResourceQuotaScopeBestEffort, corev1.ResourceQuotaScopeNotBestEffort},
		{corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating},
	} {
		if slices.Contains(scopes, pair[0]) && slices.Contains(scopes, pair[1]) {
			n++
		}
	}
	return n
}

// quotaScopes is validateResourceQuotaScopes.
func (c *check) quotaScopes(s *corev1.ResourceQuotaSpec) {
	p := spec.child("scopes")
	for _, scope := range s.Scopes {
		if !isScope(scope) {
			c.invalid(p, s.Scopes, "unsupported scope")
		}
		for range misfits(scope, s.Hard) {
			c.invalid(p, s.Scopes, "unsupported scope applied to resource")
		}
	}
	for range clashes(s.Scopes) {
		c.invalid(p, s.Scopes, "conflicting scopes")
	}
}

// scopeSelector is validateScopedResourceSelectorRequirement.
func (c *check) scopeSelector(s *corev1.ResourceQuotaSpec) {
	selector := spec.child("scopeSelector")
	p := selector.child("matchExpressions")
	var scopes []corev1.ResourceQuotaScope
	for i := range s.ScopeSelector.MatchExpressions {
		req := &s.ScopeSelector.MatchExpressions[i]
		if !isScope(req.ScopeName) {
			c.invalid(p.child("scopeName"), req.ScopeName, "unsupported scope")
		}
		for range misfits(req.ScopeName, s.Hard) {
			c.invalid(p, s.ScopeSelector, "unsupported scope applied to resource")
		}
		c.scopeOperator(p, req)
		scopes = append(scopes, req.ScopeName)
	}
	for range clashes(scopes) {
		c.invalid(p, s.Scopes, "conflicting scopes")
	}
}

func (c *check) scopeOperator(p path, req *corev1.ScopedResourceSelectorRequirement) {
	switch req.ScopeName {
	case corev1.ResourceQuotaScopePriorityClass, corev1.ResourceQuotaScopeVolumeAttributesClass:
	default:
		if isScope(req.ScopeName) && req.Operator != corev1.ScopeSelectorOpExists {
			c.invalid(p.child("operator"), req.Operator,
				"must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity")
		}
	}
	switch req.Operator {
	case corev1.ScopeSelectorOpIn, corev1.ScopeSelectorOpNotIn:
		if len(req.Values) == 0 {
			c.required(p.child("values"), "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
		}
	case corev1.ScopeSelectorOpExists, corev1.ScopeSelectorOpDoesNotExist:
		if len(req.Values) != 0 {
			c.invalid(p.child("values"), req.Values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
		}
	default:
		c.invalid(p.child("operator"), req.Operator, "not a valid selector operator")
	}
}

// quotaWarnings are those of the strategy: a request above its limit
// (WarningsOnCreate).
func (w *warner) quota(s *corev1.ResourceQuotaSpec) {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceStorage, corev1.ResourceEphemeralStorage} {
		asked := corev1.DefaultResourceRequestsPrefix + name
		request, ok := s.Hard[asked]
		if !ok && (name == corev1.ResourceCPU || name == corev1.ResourceMemory) {
			asked = name
			request, ok = s.Hard[name]
		}
		var limit resource.Quantity
		limited := corev1.ResourceName("limits.") + name
		limit, has := s.Hard[limited]
		if ok && has && request.Cmp(limit) > 0 {
			w.add(fmt.Sprintf("ResourceQuota %s (%s) should be less than %s (%s)", asked, request.String(), limited, limit.String()))
		}
	}
}
