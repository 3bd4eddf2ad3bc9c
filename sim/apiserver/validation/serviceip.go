package validation

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func isIPv6(s string) bool { return strings.Contains(s, ":") }

// ClusterIPs checks the addresses and families of a Service alone, as the
// storage does before it allocates. old is nil for a new Service.
func ClusterIPs(svc, old *corev1.Service) field.ErrorList {
	var c check
	if svc.Spec.Type != corev1.ServiceTypeExternalName {
		c.clusterIPs(svc, old)
	}
	return c.errs
}

// clusterIPs is ValidateServiceClusterIPsRelatedFields. A value that the old
// Service has is not looked at again, not even "None" in another place
// (IsValidIPForLegacyField); no other list of addresses can hold a bad one.
func (c *check) clusterIPs(svc, old *corev1.Service) {
	s, p := &svc.Spec, spec.child("clusterIPs")
	switch {
	case s.ClusterIP == "" && len(s.ClusterIPs) > 0:
		c.invalid(p, s.ClusterIPs, "must be empty when `clusterIP` is not specified")
	case s.ClusterIP != "" && len(s.ClusterIPs) == 0:
		c.required(p, "")
	case s.ClusterIP != "" && s.ClusterIPs[0] != s.ClusterIP:
		c.invalid(p, s.ClusterIPs, "first value must match `clusterIP`")
	}
	families := spec.child("ipFamilies")
	for i, f := range s.IPFamilies {
		oneOf(c, families.at(i), f, corev1.IPv4Protocol, corev1.IPv6Protocol)
		if slices.Contains(s.IPFamilies[:i], f) {
			c.duplicate(families.at(i), f)
		}
	}
	if s.IPFamilyPolicy != nil {
		oneOf(c, spec.child("ipFamilyPolicy"), *s.IPFamilyPolicy, corev1.IPFamilyPolicyPreferDualStack, corev1.IPFamilyPolicyRequireDualStack, corev1.IPFamilyPolicySingleStack)
	}
	bad := false
	for i, ip := range s.ClusterIPs {
		before := len(c.errs)
		if i == 0 && ip == corev1.ClusterIPNone {
			if len(s.ClusterIPs) > 1 {
				c.invalid(p, s.ClusterIPs, "'None' must be the first and only value")
			}
		} else if old == nil || !slices.Contains(old.Spec.ClusterIPs, ip) {
			c.ip(p.at(i), ip)
		}
		bad = bad || len(c.errs) > before
	}
	if len(s.ClusterIPs) > 2 {
		c.invalid(p, s.ClusterIPs, "may only hold up to 2 values")
	}
	if bad {
		return
	}
	if n := len(s.ClusterIPs); n > 1 && !slices.ContainsFunc(s.ClusterIPs, func(ip string) bool { return isIPv6(ip) != isIPv6(s.ClusterIPs[0]) }) {
		c.invalid(p, s.ClusterIPs, "may specify no more than one IP for each IP family")
	}
	if isHeadless(svc) {
		return
	}
	for i, ip := range s.ClusterIPs {
		if i < len(s.IPFamilies) && isIPv6(ip) != (s.IPFamilies[i] == corev1.IPv6Protocol) {
			c.invalid(p.at(i), ip, fmt.Sprintf("expected an %s value as indicated by `ipFamilies[%v]`", s.IPFamilies[i], i))
		}
	}
}

// serviceUpdate is ValidateServiceUpdate: addresses stay, once given.
func (c *check) serviceUpdate(svc, old *corev1.Service) {
	const external = corev1.ServiceTypeExternalName
	if svc.Spec.Type != external && old.Spec.Type != external {
		if !isHeadless(svc) || !isHeadless(old) {
			c.sameIPs(&svc.Spec, &old.Spec)
		}
		if !isHeadless(svc) && !isHeadless(old) {
			c.sameFamilies(&svc.Spec, &old.Spec)
		}
	}
	if was, now := old.Spec.LoadBalancerClass, svc.Spec.LoadBalancerClass; svc.Spec.Type == corev1.ServiceTypeLoadBalancer &&
		old.Spec.Type == corev1.ServiceTypeLoadBalancer && ((was == nil) != (now == nil) || was != nil && *was != *now) {
		c.invalid(spec.child("loadBalancerClass"), now, onceSet)
	}
	c.balancerClass(&svc.Spec)
	if needsHealthPort(&svc.Spec) && needsHealthPort(&old.Spec) && svc.Spec.HealthCheckNodePort != old.Spec.HealthCheckNodePort {
		c.forbidden(spec.child("healthCheckNodePort"), isImmutable)
	}
	c.service(svc, old)
}

const onceSet = "may not change once set"

// sameIPs is validateUpgradeDowngradeClusterIPs.
func (c *check) sameIPs(s, old *corev1.ServiceSpec) {
	p := spec.child("clusterIPs")
	now, was := s.ClusterIPs, old.ClusterIPs
	switch {
	case len(was) == len(now):
		for i, ip := range was {
			if ip != now[i] {
				c.invalid(p.at(i), now, onceSet)
			}
		}
	case len(now) == 0:
		c.invalid(p.at(0), now, "primary clusterIP can not be unset")
	case len(was) > 0 && now[0] != was[0]:
		c.invalid(p.at(0), now, onceSet)
	}
	if len(was) > 1 && len(now) == 1 {
		c.single(s, "clusterIP")
	}
}

// sameFamilies is validateUpgradeDowngradeIPFamilies.
func (c *check) sameFamilies(s, old *corev1.ServiceSpec) {
	p := spec.child("ipFamilies")
	now, was := s.IPFamilies, old.IPFamilies
	switch {
	case len(was) == len(now):
		for i, f := range was {
			if f != now[i] {
				c.invalid(p.at(0), now, onceSet)
			}
		}
		return
	case len(was) > len(now) && len(s.ClusterIPs) == 0:
		c.invalid(p.at(0), now, "primary ipFamily can not be unset")
	}
	if len(now) > 0 && len(was) > 0 && now[0] != was[0] {
		c.invalid(p.at(0), s.ClusterIPs, onceSet)
	}
	if len(was) > 1 && len(now) == 1 {
		c.single(s, "ipFamily")
	}
}

func (c *check) single(s *corev1.ServiceSpec, what string) {
	if s.IPFamilyPolicy == nil || *s.IPFamilyPolicy != corev1.IPFamilyPolicySingleStack {
		c.invalid(spec.child("ipFamilyPolicy"), s.IPFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary "+what)
	}
}
