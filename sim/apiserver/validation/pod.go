package validation

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// podCreate is ValidatePodCreate.
func (c *check) podCreate(p *corev1.Pod) {
	c.isPod = true
	c.meta(&p.ObjectMeta, true, subdomainName)
	c.podSpecAlone(p)
	if len(p.Spec.EphemeralContainers) > 0 {
		c.forbidden(spec.child("ephemeralContainers"), "cannot be set on create")
	}
	if p.Spec.NodeName != "" && len(p.Spec.SchedulingGates) > 0 {
		c.forbidden(spec.child("nodeName"), "cannot be set until all schedulingGates have been cleared")
	}
}

func (c *check) tokensWithoutAccount(volumes []corev1.Volume) {
	p := spec.child("volumes")
	for i := range volumes {
		if volumes[i].Projected == nil {
			continue
		}
		at := p.at(i)
		sources := at.child("projected.sources")
		for j := range volumes[i].Projected.Sources {
			if volumes[i].Projected.Sources[j].ServiceAccountToken != nil {
				source := sources.at(j)
				c.forbidden(source.child("serviceAccountToken"), "must not be specified when serviceAccountName is not set")
			}
		}
	}
}

func (c *check) trimmedImages(p path, containers []corev1.Container) {
	for i := range containers {
		if image := containers[i].Image; strings.TrimSpace(image) != image {
			at := p.at(i)
			c.invalid(at.child("image"), image, "must not have leading or trailing whitespace")
		}
	}
}

// template is ValidatePodTemplateSpec.
func (c *check) template(p path, t *corev1.PodTemplateSpec) {
	c.labels(p.child("labels"), t.Labels)
	c.annotations(p.child("annotations"), t.Annotations)
	c.podAnnotations(p.child("annotations"), t.Annotations, &t.Spec)
	c.podSpec(p.child("spec"), &t.Spec, "")
	if len(t.Spec.EphemeralContainers) > 0 {
		c.forbidden(p.child("spec.ephemeralContainers"), "ephemeral containers not allowed in pod template")
	}
}

// podAnnotations is the part of ValidatePodSpecificAnnotations that is not
// about seccomp and AppArmor, which now have fields.
func (c *check) podAnnotations(p path, annotations map[string]string, s *corev1.PodSpec) {
	if len(annotations) == 0 {
		return
	}
	if v, ok := annotations[corev1.MirrorPodAnnotationKey]; ok && s.NodeName == "" {
		c.invalid(p.key(corev1.MirrorPodAnnotationKey), v, "must set spec.nodeName if mirror pod annotation is set")
	}
	if v, ok := annotations[corev1.PodDeletionCost]; ok && !isDeletionCost(v) {
		c.invalid(p.key(corev1.PodDeletionCost), v, "must be a 32bit integer")
	}
}

// isDeletionCost: a number of 32 bits without plus sign or leading zeros.
func isDeletionCost(s string) bool {
	if s == "" || s[0] == '+' || len(s) > 1 && s[0] == '0' || strings.HasPrefix(s, "-0") {
		return false
	}
	_, err := strconv.ParseInt(s, 10, 32)
	return err == nil
}

// podSpec is ValidatePodSpec. podName is empty for a template.
func (c *check) podSpec(p path, s *corev1.PodSpec, podName string) {
	if s.TerminationGracePeriodSeconds == nil {
		c.required(p.child("terminationGracePeriodSeconds"), "")
	}
	vols := c.volumes(p.child("volumes"), s.Volumes, podName)
	if len(s.ResourceClaims) > 0 {
		c.resourceClaims(p.child("resourceClaims"), s.ResourceClaims)
	}
	env := podParts{spec: s, vols: vols}
	c.containers(p.child("containers"), &env)
	c.initContainers(p.child("initContainers"), &env)
	c.ephemeralContainers(p.child("ephemeralContainers"), &env)
	if s.Resources != nil {
		c.podResources(p.child("resources"), s)
	}
	if s.HostNetwork {
		c.hostNetwork(p.child("containers"), s)
	}
	present(c, p.child("restartPolicy"), s.RestartPolicy, corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever)
	present(c, p.child("dnsPolicy"), s.DNSPolicy, corev1.DNSClusterFirstWithHostNet, corev1.DNSClusterFirst, corev1.DNSDefault, corev1.DNSNone)
	c.labels(p.child("nodeSelector"), s.NodeSelector)
	c.podSecurity(p.child("securityContext"), s)
	if s.ShareProcessNamespace != nil && *s.ShareProcessNamespace && s.HostPID {
		c.invalid(p.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled")
	}
	if s.Affinity != nil {
		c.affinity(p.child("affinity"), s.Affinity)
	}
	c.dnsConfig(p.child("dnsConfig"), s.DNSConfig, s.DNSPolicy)
	c.gates(p, s)
	c.spread(p.child("topologySpreadConstraints"), s.TopologySpreadConstraints)
	c.hostUsers(p, s)
	c.podNames(p, s)
	if n := s.ActiveDeadlineSeconds; n != nil && (*n < 1 || *n > math.MaxInt32) {
		c.invalid(p.child("activeDeadlineSeconds"), *n, validation.InclusiveRangeError(1, math.MaxInt32))
	}
	if s.Hostname != "" {
		c.name(p.child("hostname"), s.Hostname, labelName)
	}
	if s.Subdomain != "" {
		c.name(p.child("subdomain"), s.Subdomain, labelName)
	}
	c.tolerations(p.child("tolerations"), s.Tolerations)
	c.hostAliases(p.child("hostAliases"), s.HostAliases)
	if s.PriorityClassName != "" {
		c.name(p.child("priorityClassName"), s.PriorityClassName, subdomainName)
	}
	if s.RuntimeClassName != nil {
		c.name(p.child("runtimeClassName"), *s.RuntimeClassName, subdomainName)
	}
	if s.PreemptionPolicy != nil {
		present(c, p.child("preemptionPolicy"), *s.PreemptionPolicy, corev1.PreemptLowerPriority, corev1.PreemptNever)
	}
	if s.Overhead != nil {
		c.resources(p.child("overhead"), &corev1.ResourceRequirements{Limits: s.Overhead}, nil, containerResource)
	}
	if s.OS != nil {
		c.os(p, s)
	}
	c.fileKeys(p, s)
}

// podNames: service account, node, and the name that overrides the host's.
func (c *check) podNames(p path, s *corev1.PodSpec) {
	if h := s.HostnameOverride; h != nil {
		at := p.child("hostnameOverride")
		if s.SetHostnameAsFQDN != nil && *s.SetHostnameAsFQDN {
			c.forbidden(at, "may not be specified when setHostnameAsFQDN is true")
		}
		if s.HostNetwork {
			c.forbidden(at, "may not be specified when hostNetwork is true")
		}
		if len(*h) > 64 {
			c.tooLong(at, 64)
		}
		c.name(at, *h, subdomainName)
	}
	if s.ServiceAccountName != "" {
		c.name(p.child("serviceAccountName"), s.ServiceAccountName, subdomainName)
	}
	if s.DeprecatedServiceAccount != s.ServiceAccountName {
		c.invalid(p.child("deprecatedServiceAccount"), s.DeprecatedServiceAccount, fmt.Sprintf("must be the same as serviceAccountName: %q", s.ServiceAccountName))
	}
	if s.NodeName != "" {
		c.name(p.child("nodeName"), s.NodeName, subdomainName)
	}
}

// gates: readiness gates and scheduling gates.
func (c *check) gates(p path, s *corev1.PodSpec) {
	ready := p.child("readinessGates")
	for i := range s.ReadinessGates {
		at := ready.at(i)
		c.qualified(at.child("conditionType"), string(s.ReadinessGates[i].ConditionType))
	}
	scheduling := p.child("schedulingGates")
	for i := range s.SchedulingGates {
		name := s.SchedulingGates[i].Name
		c.qualified(scheduling.at(i), name)
		for j := range s.SchedulingGates[:i] {
			if s.SchedulingGates[j].Name == name {
				c.duplicate(scheduling.at(i), name)
				break
			}
		}
	}
}

func (c *check) hostAliases(p path, aliases []corev1.HostAlias) {
	for i := range aliases {
		at := p.at(i)
		c.ip(at.child("ip"), aliases[i].IP)
		names := at.child("hostnames")
		for j, h := range aliases[i].Hostnames {
			c.name(names.at(j), h, subdomainName)
		}
	}
}

// ip is IsValidIPForLegacyField without the strict gate.
func (c *check) ip(p path, s string) {
	if !isIPv4(s) {
		c.add(validation.IsValidIPForLegacyField(p.field(), s, false, nil))
	}
}

// isIPv4 accepts plain dotted addresses.
func isIPv4(s string) bool {
	dots, value, digits := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b >= '0' && b <= '9':
			value, digits = value*10+int(b-'0'), digits+1
			if value > 255 || digits > 3 || digits > 1 && value < 10 {
				return false
			}
		case b == '.' && digits > 0:
			dots, value, digits = dots+1, 0, 0
		default:
			return false
		}
	}
	return dots == 3 && digits > 0
}
