package quota

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is what quotas see in the kinds of one resource: an evaluator. Pods,
// Services, claims and ResourceClaims are measured, the others counted.
type Resource struct {
	group schema.GroupResource
	names []corev1.ResourceName // by which one object counts as one
}

// aliases are the names beside count/… by which a resource is counted
// (legacyObjectCountAliases).
var aliases = map[schema.GroupResource]corev1.ResourceName{
	{Resource: "configmaps"}:             corev1.ResourceConfigMaps,
	{Resource: "resourcequotas"}:         corev1.ResourceQuotas,
	{Resource: "replicationcontrollers"}: corev1.ResourceReplicationControllers,
	{Resource: "secrets"}:                corev1.ResourceSecrets,
}

var (
	pods           = schema.GroupResource{Resource: "pods"}
	services       = schema.GroupResource{Resource: "services"}
	claims         = schema.GroupResource{Resource: "persistentvolumeclaims"}
	resourceClaims = schema.GroupResource{Group: resourcev1.GroupName, Resource: "resourceclaims"}
)

// Of returns the Resource of a group and a plural name (Q1,
// ObjectCountQuotaResourceNameFor). It reports false for what
// no quota is asked about: Events, and reviews, which are not stored
// (DefaultIgnoredResources).
func Of(gr schema.GroupResource) (Resource, bool) {
	if gr.Resource == "events" && (gr.Group == "" || gr.Group == "events.k8s.io") {
		return Resource{}, false
	}
	switch gr.Group {
	case "authentication.k8s.io", "authorization.k8s.io":
		return Resource{}, false
	}
	name := "count/" + gr.Resource
	if gr.Group != "" {
		name += "." + gr.Group
	}
	r := Resource{group: gr, names: []corev1.ResourceName{corev1.ResourceName(name)}}
	if alias, ok := aliases[gr]; ok {
		r.names = append(r.names, alias)
	}
	return r, true
}

// Counted reports whether an object of the resource takes nothing but its count,
// for ever.
func (r *Resource) Counted() bool {
	switch r.group {
	case pods, services, claims, resourceClaims:
		return false
	}
	return true
}

// Matches reports whether a quota's resource counts the objects
// (MatchingResources).
func (r *Resource) Matches(name corev1.ResourceName) bool {
	if slices.Contains(r.names, name) {
		return true
	}
	switch r.group {
	case pods:
		return matchesPods(name)
	case services:
		return name == corev1.ResourceServices || name == corev1.ResourceServicesNodePorts || name == corev1.ResourceServicesLoadBalancers
	case claims:
		return matchesClaims(name)
	case resourceClaims:
		return strings.HasSuffix(string(name), corev1.ResourceClaimsPerClass)
	}
	return false
}

// Matching returns those names of a list that count the objects, sorted.
func (r *Resource) Matching(list corev1.ResourceList) []corev1.ResourceName {
	var names []corev1.ResourceName
	for name := range list { // sorted below
		if r.Matches(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Usage returns what an object takes at a time (Usage). For an object of another
// kind it panics.
func (r *Resource) Usage(obj runtime.Object, now time.Time) corev1.ResourceList {
	usage := corev1.ResourceList{}
	for _, name := range r.names {
		usage[name] = count(1)
	}
	switch r.group {
	case pods:
		podUsage(usage, obj.(*corev1.Pod), now)
	case services:
		serviceUsage(usage, obj.(*corev1.Service))
	case claims:
		claimUsage(usage, obj.(*corev1.PersistentVolumeClaim))
	case resourceClaims:
		if c, ok := obj.(*resourcev1.ResourceClaim); ok { // of an older version nothing but the count
			deviceUsage(usage, c)
		}
	}
	return usage
}

// Selects reports whether a quota is about an object: one of its resources counts
// it, and all its scopes are the object's (Matches).
func (r *Resource) Selects(q *corev1.ResourceQuota, obj runtime.Object) bool {
	for name := range q.Status.Hard { // one is enough
		if r.Matches(name) {
			return r.InScope(&q.Spec, obj)
		}
	}
	return false
}

// Handles reports whether a request may change what is taken of a quota, old being
// nil for a creation (Handles).
func (r *Resource) Handles(status bool, obj, old runtime.Object) bool {
	switch {
	case old == nil:
		return !status
	case status:
		return r.group == claims // see Replenishes
	}
	switch r.group {
	case pods:
		return isTerminating(obj.(*corev1.Pod)) != isTerminating(old.(*corev1.Pod))
	case services, claims, resourceClaims:
		return true
	}
	return false
}

// Constraints returns the names among those that a quota counts an object by and
// that the object must state, with which of its containers do not; "" if all do
// (Constraints).
func (r *Resource) Constraints(names []corev1.ResourceName, obj runtime.Object) string {
	if r.group != pods {
		return ""
	}
	return podConstraints(names, obj.(*corev1.Pod))
}

// serviceUsage adds what a Service takes: node ports by what it asks for, since
// they are not given out yet (serviceEvaluator.Usage).
func serviceUsage(usage corev1.ResourceList, svc *corev1.Service) {
	ports, balancers := 0, 0
	switch s := &svc.Spec; s.Type {
	case corev1.ServiceTypeNodePort:
		ports = len(s.Ports)
	case corev1.ServiceTypeLoadBalancer:
		balancers, ports = 1, len(s.Ports)
		if a := s.AllocateLoadBalancerNodePorts; a != nil && !*a {
			ports = 0
			for i := range s.Ports {
				if s.Ports[i].NodePort != 0 {
					ports++
				}
			}
		}
	}
	usage[corev1.ResourceServices] = count(1)
	usage[corev1.ResourceServicesNodePorts] = count(int64(ports))
	usage[corev1.ResourceServicesLoadBalancers] = count(int64(balancers))
}

// deviceUsage adds what a ResourceClaim takes of each device class: of
// alternatives the most (claimEvaluator.Usage).
func deviceUsage(usage corev1.ResourceList, c *resourcev1.ResourceClaim) {
	amount := func(mode resourcev1.DeviceAllocationMode, n int64) resource.Quantity {
		switch mode {
		case resourcev1.DeviceAllocationModeExactCount:
			return count(n)
		case resourcev1.DeviceAllocationModeAll:
			return count(resourcev1.AllocationResultsMaxSize)
		}
		return count(0)
	}
	name := func(class string) corev1.ResourceName {
		return corev1.ResourceName(class + corev1.ResourceClaimsPerClass)
	}
	for i := range c.Spec.Devices.Requests {
		req := &c.Spec.Devices.Requests[i]
		if e := req.Exactly; e != nil && len(req.FirstAvailable) == 0 {
			charge(usage, name(e.DeviceClassName), amount(e.AllocationMode, e.Count))
		}
		most := corev1.ResourceList{}
		for _, sub := range req.FirstAvailable {
			q := amount(sub.AllocationMode, sub.Count)
			if had := most[name(sub.DeviceClassName)]; q.Cmp(had) > 0 {
				most[name(sub.DeviceClassName)] = q
			}
		}
		for class, q := range most { // each for itself
			charge(usage, class, q)
		}
	}
}
