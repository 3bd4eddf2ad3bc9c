package validation

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	resourcehelper "k8s.io/component-helpers/resource"
)

// resourceRule is what the names of resources must be like.
type resourceRule uint8

const (
	containerResource resourceRule = iota
	podResource
)

// resources is validateResourceRequirements.
func (c *check) resources(p path, r *corev1.ResourceRequirements, claims []corev1.PodResourceClaim, rule resourceRule) {
	if len(r.Limits) > 0 || len(r.Requests) > 0 {
		c.limitsAndRequests(p, r, rule)
	}
	if len(r.Claims) > 0 {
		c.claimNames(p.child("claims"), r.Claims, claims)
	}
}

func (c *check) limitsAndRequests(p path, r *corev1.ResourceRequirements, rule resourceRule) {
	huge, plain := false, false
	note := func(name corev1.ResourceName) {
		huge = huge || isHugePage(name)
		plain = plain || name == corev1.ResourceCPU || name == corev1.ResourceMemory
	}
	limits, requests := p.child("limits"), p.child("requests")
	for _, name := range sorted(r.Limits) {
		note(name)
		c.resource(limits.key(string(name)), name, r.Limits[name], rule)
	}
	for _, name := range sorted(r.Requests) {
		note(name)
		q := r.Requests[name]
		limit, ok := r.Limits[name]
		c.resourceName(requests.key(string(name)), name, rule)
		c.resourceQuantity(requests.key(string(name)), name, q)
		switch {
		case !ok && !isOvercommitted(name):
			c.required(limits, "Limit must be set for non overcommitable resources")
		case ok && !isOvercommitted(name) && q.Cmp(limit) != 0:
			c.invalid(requests, q.String(), fmt.Sprintf("must be equal to %s limit of %s", name, limit.String()))
		case ok && q.Cmp(limit) > 0:
			c.invalid(requests, q.String(), fmt.Sprintf("must be less than or equal to %s limit of %s", name, limit.String()))
		}
		c.hugePages(requests.key(string(name)), name, q)
	}
	if huge && !plain {
		c.forbidden(p, "HugePages require cpu or memory")
	}
}

func (c *check) resource(p path, name corev1.ResourceName, q resource.Quantity, rule resourceRule) {
	c.resourceName(p, name, rule)
	c.resourceQuantity(p, name, q)
	c.hugePages(p, name, q)
}

// resourceQuantity is ValidateResourceQuantityValue.
func (c *check) resourceQuantity(p path, name corev1.ResourceName, q resource.Quantity) {
	if q.Sign() < 0 {
		c.invalid(p, q.String(), isNegative)
	}
	if isWhole(name) && q.MilliValue()%1000 != 0 {
		c.invalid(p, q, "must be an integer")
	}
}

func (c *check) hugePages(p path, name corev1.ResourceName, q resource.Quantity) {
	if !isHugePage(name) {
		return
	}
	size, err := resource.ParseQuantity(strings.TrimPrefix(string(name), corev1.ResourceHugePagesPrefix))
	if err != nil || size.Sign() <= 0 || size.MilliValue()%1000 != 0 || q.Value()%size.Value() != 0 {
		c.invalid(p, q.String(), fmt.Sprintf("%s is not positive integer multiple of %s", q.String(), name))
	}
}

// resourceName is ValidateContainerResourceName and validatePodResourceName.
func (c *check) resourceName(p path, name corev1.ResourceName, rule resourceRule) {
	switch name {
	case corev1.ResourceCPU, corev1.ResourceMemory:
		return
	}
	before := len(c.errs)
	if msgs := validation.IsQualifiedName(string(name)); len(msgs) > 0 {
		for _, m := range msgs {
			c.invalid(p, name, m)
		}
	} else if !strings.Contains(string(name), "/") && !isStandard(name) {
		c.invalid(p, name, "must be a standard resource type or fully qualified")
	}
	if rule == podResource {
		if len(c.errs) == before && !resourcehelper.IsSupportedPodLevelResource(name) {
			c.errs = append(c.errs, field.NotSupported(p.field(), name, sortedNames(resourcehelper.SupportedPodLevelResources())))
		}
		return
	}
	switch {
	case !strings.Contains(string(name), "/"):
		if name != corev1.ResourceEphemeralStorage && !isHugePage(name) {
			c.invalid(p, name, "must be a standard resource for containers")
		}
	case !isNative(name) && !isExtended(name):
		c.invalid(p, name, "doesn't follow extended resource name standard")
	}
}

func sortedNames[V any](set map[corev1.ResourceName]V) []corev1.ResourceName { return sorted(set) }

func isHugePage(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

func isNative(name corev1.ResourceName) bool {
	return !strings.Contains(string(name), "/") || strings.Contains(string(name), corev1.ResourceDefaultNamespacePrefix)
}

func isOvercommitted(name corev1.ResourceName) bool { return isNative(name) && !isHugePage(name) }

// isExtended: a name that a quota can count as requests.<name>.
func isExtended(name corev1.ResourceName) bool {
	return !isNative(name) && !strings.HasPrefix(string(name), corev1.DefaultResourceRequestsPrefix) &&
		isQualified(corev1.DefaultResourceRequestsPrefix+string(name))
}

// standardResources are the names without a domain.
var standardResources = []corev1.ResourceName{
	corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage,
	corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceRequestsEphemeralStorage,
	corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceLimitsEphemeralStorage,
	corev1.ResourceStorage, corev1.ResourceRequestsStorage,
}

// countedResources are numbers of objects.
var countedResources = []corev1.ResourceName{
	corev1.ResourcePods, corev1.ResourceQuotas, corev1.ResourceServices, corev1.ResourceReplicationControllers,
	corev1.ResourceSecrets, corev1.ResourceConfigMaps, corev1.ResourcePersistentVolumeClaims,
	corev1.ResourceServicesNodePorts, corev1.ResourceServicesLoadBalancers,
}

func isStandard(name corev1.ResourceName) bool {
	return slices.Contains(standardResources, name) || slices.Contains(countedResources, name) ||
		isHugePage(name) || strings.HasPrefix(string(name), corev1.ResourceRequestsHugePagesPrefix)
}

func isWhole(name corev1.ResourceName) bool {
	return name != corev1.ResourceCPU && name != corev1.ResourceMemory &&
		(slices.Contains(countedResources, name) || isExtended(name))
}

// claimNames is validateResourceClaimNames.
func (c *check) claimNames(p path, list []corev1.ResourceClaim, known []corev1.PodResourceClaim) {
	var seen []string
	for i, claim := range list {
		at := p.at(i)
		if claim.Name == "" {
			c.required(at, "")
			continue
		}
		if slices.Contains(seen, claim.Name) {
			c.duplicate(at, claim.Name)
		} else {
			seen = c.claimRequest(at, claim, seen)
		}
		c.knownClaim(at, claim.Name, known)
	}
}

// claimRequest: a claim may be named once as a whole, or by its requests.
func (c *check) claimRequest(p path, claim corev1.ResourceClaim, seen []string) []string {
	key := claim.Name
	if claim.Request != "" {
		c.name(p.child("request"), claim.Request, labelName)
		key += "/" + claim.Request
	}
	if slices.Contains(seen, key) {
		c.duplicate(p, key)
	} else if claim.Request == "" {
		for _, s := range seen {
			if strings.HasPrefix(s, claim.Name+"/") {
				c.duplicate(p, claim.Name)
			}
		}
	}
	return append(seen, key)
}

func (c *check) knownClaim(p path, name string, known []corev1.PodResourceClaim) {
	var names []string
	for _, k := range known {
		if k.Name == name {
			return
		}
		if k.Name != "" && !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	e := field.NotFound(p.field(), name)
	e.Detail = "must be one of the names in pod.spec.resourceClaims"
	if len(names) == 0 {
		e.Detail += " which is empty"
	} else {
		slices.Sort(names)
		e.Detail += ": " + strings.Join(names, ", ")
	}
	c.errs = append(c.errs, e)
}

// resourceClaims is validatePodResourceClaims.
func (c *check) resourceClaims(p path, claims []corev1.PodResourceClaim) {
	for i := range claims {
		claim, at := &claims[i], p.at(i)
		switch {
		case claim.Name == "":
			c.required(at.child("name"), "")
		case slices.ContainsFunc(claims[:i], func(o corev1.PodResourceClaim) bool { return o.Name == claim.Name }):
			c.duplicate(at.child("name"), claim.Name)
		default:
			c.name(at.child("name"), claim.Name, labelName)
		}
		own, template := claim.ResourceClaimName, claim.ResourceClaimTemplateName
		if own != nil && template != nil {
			c.invalid(at, *claim, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified")
		}
		if own == nil && template == nil {
			c.invalid(at, *claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")
		}
		if own != nil {
			c.name(at.child("resourceClaimName"), *own, subdomainName)
		}
		if template != nil {
			c.name(at.child("resourceClaimTemplateName"), *template, subdomainName)
		}
	}
}

// podResources is validatePodResources: what a pod asks for as a whole.
func (c *check) podResources(p path, s *corev1.PodSpec) {
	if s.OS != nil && s.OS.Name == corev1.Windows {
		c.forbidden(p, "may not be set for a windows pod")
		return
	}
	if s.Resources.Claims != nil {
		c.forbidden(p.child("claims"), "claims may not be set for Resources at pod-level")
	}
	c.resources(p, s.Resources, s.ResourceClaims, podResource)
	pod := &corev1.Pod{Spec: *s}
	requests := p.child("requests")
	sum := resourcehelper.AggregateContainerRequests(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range sorted(sum) {
		need := sum[name]
		if q, ok := s.Resources.Requests[name]; ok && need.Cmp(q) > 0 {
			c.invalid(requests.key(string(name)), q.String(), "must be greater than or equal to aggregate container requests of "+need.String())
		}
	}
	limits := p.child("limits")
	most := resourcehelper.AggregateContainerLimits(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range sorted(most) {
		need := most[name]
		if q, ok := s.Resources.Limits[name]; ok && isHugePage(name) && need.Cmp(q) > 0 {
			c.invalid(limits.key(string(name)), q.String(), "must be greater than or equal to aggregate container limits of "+need.String())
		}
	}
	containers := p.child("containers")
	for i := range s.Containers {
		for _, name := range sorted(s.Containers[i].Resources.Limits) {
			q := s.Containers[i].Resources.Limits[name]
			if most, ok := s.Resources.Limits[name]; ok && q.Cmp(most) > 0 {
				ctr := containers.at(i)
				at := ctr.key(string(name))
				c.invalid(at.child("limits"), q.String(), "must be less than or equal to pod limits of "+most.String())
			}
		}
	}
}
