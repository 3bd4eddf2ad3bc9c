package validation

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	netutils "k8s.io/utils/net"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// updatable are the fields of a pod's spec that may change, as the error
// lists them.
const updatable = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`," +
	"`spec.tolerations` (only additions to existing tolerations)," +
	"`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"

// podUpdate is ValidatePodUpdate.
func (c *check) podUpdate(p, old *corev1.Pod) {
	c.isPod = true
	if sharesSpec(&p.Spec, &old.Spec) {
		c.podAnnotations(metadata.child("annotations"), p.Annotations, &p.Spec)
		c.podAnnotationUpdate(p, old)
		return
	}
	c.podSpecAlone(p)
	c.podAnnotationUpdate(p, old)
	if !c.sameContainers("containers", p.Spec.Containers, old.Spec.Containers) ||
		!c.sameContainers("initContainers", p.Spec.InitContainers, old.Spec.InitContainers) ||
		!c.deadline(p.Spec.ActiveDeadlineSeconds, old.Spec.ActiveDeadlineSeconds) {
		return
	}
	c.addedTolerations(p.Spec.Tolerations, old.Spec.Tolerations)
	c.removedGates(p.Spec.SchedulingGates, old.Spec.SchedulingGates)
	if apiequality.Semantic.DeepEqual(p.Spec, old.Spec) {
		return
	}
	rest := c.withoutUpdatable(p, old)
	if !apiequality.Semantic.DeepEqual(rest, old.Spec) {
		c.forbidden(spec, fmt.Sprintf("pod updates may not change fields other than %s\n%v", updatable, diff.Diff(shown(old.Spec), shown(rest))))
	}
}

// podSpecAlone is validatePodMetadataAndSpec without the metadata.
func (c *check) podSpecAlone(p *corev1.Pod) {
	c.podAnnotations(metadata.child("annotations"), p.Annotations, &p.Spec)
	c.podSpec(spec, &p.Spec, p.Name)
	if p.Spec.ServiceAccountName == "" {
		c.tokensWithoutAccount(p.Spec.Volumes)
	}
	if g := p.Spec.TerminationGracePeriodSeconds; g != nil {
		nonNegative(c, spec.child("terminationGracePeriodSeconds"), *g)
	}
	c.trimmedImages(spec.child("containers"), p.Spec.Containers)
	c.trimmedImages(spec.child("initContainers"), p.Spec.InitContainers)
}

// sharesSpec reports whether two specs are the same memory in all that
// matters: an update of the metadata alone.
func sharesSpec(a, b *corev1.PodSpec) bool {
	if len(a.Containers) == 0 || len(b.Containers) == 0 || &a.Containers[0] != &b.Containers[0] {
		return false
	}
	return apiequality.Semantic.DeepEqual(a, b)
}

func (c *check) podAnnotationUpdate(p, old *corev1.Pod) {
	at := metadata.child("annotations")
	before, had := old.Annotations[corev1.MirrorPodAnnotationKey]
	after, has := p.Annotations[corev1.MirrorPodAnnotationKey]
	switch {
	case had && (!has || before != after):
		c.forbidden(at.key(corev1.MirrorPodAnnotationKey), "may not remove or update mirror pod annotation")
	case !had && has:
		c.forbidden(at.key(corev1.MirrorPodAnnotationKey), "may not add mirror pod annotation")
	}
}

// sameContainers is ValidateContainerUpdates. It reports whether to go on.
func (c *check) sameContainers(name string, now, old []corev1.Container) bool {
	p := spec.child(name)
	if len(now) != len(old) {
		c.forbidden(p, "pod updates may not add or remove containers")
		return false
	}
	return true // images were looked at with the spec
}

func (c *check) deadline(now, old *int64) bool {
	p := spec.child("activeDeadlineSeconds")
	switch {
	case now == nil && old != nil:
		c.invalid(p, now, "must not update from a positive integer to nil value")
	case now == nil:
	case *now < 0 || *now > math.MaxInt32:
		c.invalid(p, *now, validation.InclusiveRangeError(0, math.MaxInt32))
		return false
	case old != nil && *old < *now:
		c.invalid(p, *now, "must be less than or equal to previous value")
		return false
	}
	return true
}

// addedTolerations: tolerations may be added, and their seconds may change.
func (c *check) addedTolerations(now, old []corev1.Toleration) {
	for _, o := range old {
		if !slices.ContainsFunc(now, func(n corev1.Toleration) bool {
			n.TolerationSeconds, o.TolerationSeconds = nil, nil
			return n == o
		}) {
			c.forbidden(spec.child("tolerations"), "existing toleration can not be modified except its tolerationSeconds")
			return
		}
	}
}

func (c *check) removedGates(now, old []corev1.PodSchedulingGate) {
	p := spec.child("schedulingGates")
	for i, g := range now {
		if !slices.Contains(old, g) && !slices.Contains(now[i+1:], g) {
			at := p.at(i)
			c.forbidden(at.child("name"), fmt.Sprintf("only deletion is allowed, but found new scheduling gate '%s'", g.Name))
		}
	}
}

// withoutUpdatable returns the new spec with the old values of all that may
// change.
func (c *check) withoutUpdatable(p, old *corev1.Pod) corev1.PodSpec {
	s, o := p.Spec, &old.Spec
	s.Containers = withImages(s.Containers, o.Containers)
	s.InitContainers = withImages(s.InitContainers, o.InitContainers)
	s.ActiveDeadlineSeconds, s.SchedulingGates, s.Tolerations = o.ActiveDeadlineSeconds, o.SchedulingGates, o.Tolerations
	if g, was := s.TerminationGracePeriodSeconds, o.TerminationGracePeriodSeconds; g != nil && *g == 1 && was != nil && *was < 0 {
		s.TerminationGracePeriodSeconds = was
	}
	if len(o.SchedulingGates) == 0 {
		return s
	}
	if !apiequality.Semantic.DeepEqual(s.NodeSelector, o.NodeSelector) {
		for _, k := range sorted(o.NodeSelector) {
			if v, ok := s.NodeSelector[k]; !ok || v != o.NodeSelector[k] {
				c.invalid(spec.child("nodeSelector"), s.NodeSelector, "only additions to spec.nodeSelector are allowed (no mutations or deletions)")
				break
			}
		}
		s.NodeSelector = o.NodeSelector
	}
	c.gatedAffinity(&s, o)
	return s
}

func withImages(now, old []corev1.Container) []corev1.Container {
	if len(now) == 0 {
		return nil
	}
	now = slices.Clone(now)
	for i := range now {
		now[i].Image = old[i].Image
	}
	return now
}

// gatedAffinity: the node affinity of a gated pod can be narrowed.
func (c *check) gatedAffinity(s, old *corev1.PodSpec) {
	var now, was *corev1.NodeAffinity
	if s.Affinity != nil {
		now = s.Affinity.NodeAffinity
	}
	if old.Affinity != nil {
		was = old.Affinity.NodeAffinity
	}
	if apiequality.Semantic.DeepEqual(now, was) {
		return
	}
	c.narrowed(now, was)
	a := corev1.Affinity{NodeAffinity: was}
	if s.Affinity != nil {
		a.PodAffinity, a.PodAntiAffinity = s.Affinity.PodAffinity, s.Affinity.PodAntiAffinity
	}
	if s.Affinity = &a; a == (corev1.Affinity{}) && old.Affinity == nil {
		s.Affinity = nil
	}
}

// narrowed is validateNodeAffinityMutation.
func (c *check) narrowed(now, old *corev1.NodeAffinity) {
	if old == nil || old.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return
	}
	p := spec.child("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms")
	before := old.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	var after []corev1.NodeSelectorTerm
	if now != nil && now.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		after = now.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	}
	if len(before) > 0 && len(before) != len(after) {
		c.invalid(p, after, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
		return
	}
	for i := range before {
		if !extends(&after[i], &before[i]) {
			c.invalid(p.at(i), after[i], "only additions are allowed (no mutations or deletions)")
		}
	}
}

// extends reports whether a term is an older one with more to ask for.
func extends(now, old *corev1.NodeSelectorTerm) bool {
	e, f := len(old.MatchExpressions), len(old.MatchFields)
	if e+f == 0 {
		return len(now.MatchExpressions)+len(now.MatchFields) == 0
	}
	return len(now.MatchExpressions) >= e && len(now.MatchFields) >= f &&
		(e == 0 || apiequality.Semantic.DeepEqual(now.MatchExpressions[:e], old.MatchExpressions)) &&
		(f == 0 || apiequality.Semantic.DeepEqual(now.MatchFields[:f], old.MatchFields))
}

// podStatus is ValidatePodStatusUpdate, without what devices, volumes and
// claims report. Addresses that are the stored pod's own were checked when it
// was stored.
func (c *check) podStatus(p, old *corev1.Pod) {
	c.podAnnotations(metadata.child("annotations"), p.Annotations, &p.Spec)
	c.podAnnotationUpdate(p, old)
	at := in("status")
	conditions := at.child("conditions")
	for i := range p.Status.Conditions {
		con, one := &p.Status.Conditions[i], conditions.at(i)
		nonNegativeInteger(c, one.child("observedGeneration"), con.ObservedGeneration)
		c.qualified(one.child("Type"), string(con.Type)) // sic
	}
	if p.Spec.NodeName != old.Spec.NodeName {
		c.forbidden(at.child("nodeName"), "may not be changed directly")
	}
	if n := p.Status.NominatedNodeName; n != "" && n != old.Status.NominatedNodeName {
		c.name(at.child("nominatedNodeName"), n, subdomainName)
		if old.Spec.NodeName != "" {
			c.forbidden(at.child("nominatedNodeName"), "may not be set on pods that are already bound to a node")
		}
	}
	nonNegativeInteger(c, at.child("observedGeneration"), p.Status.ObservedGeneration)
	if p.Status.QOSClass != old.Status.QOSClass {
		c.invalid(at.child("qosClass"), p.Status.QOSClass, isImmutable)
	}
	c.restarts(at.child("containerStatuses"), p.Status.ContainerStatuses, old.Status.ContainerStatuses, old.Spec.Containers, &old.Spec)
	c.restarts(at.child("initContainerStatuses"), p.Status.InitContainerStatuses, old.Status.InitContainerStatuses, old.Spec.InitContainers, &old.Spec)
	if p.Status.PodIP != old.Status.PodIP || !shared.List(p.Status.PodIPs, old.Status.PodIPs) {
		c.podIPs(at.child("podIPs"), &p.Status)
	}
	if p.Status.HostIP != old.Status.HostIP || !shared.List(p.Status.HostIPs, old.Status.HostIPs) {
		c.hostIPs(at.child("hostIPs"), &p.Status)
	}
}

func nonNegativeInteger(c *check, p path, n int64) {
	if n < 0 {
		c.invalid(p, n, "must be a non-negative integer")
	}
}

// restarts is ValidateContainerStateTransition: what has ended stays ended,
// unless a policy restarts it. One whose container the pod does not have never
// restarts.
func (c *check) restarts(p path, now, old []corev1.ContainerStatus, containers []corev1.Container, s *corev1.PodSpec) {
	for i := range old {
		ended := old[i].State.Terminated
		runs := func(n corev1.ContainerStatus) bool { return n.Name == old[i].Name && n.State.Terminated == nil }
		if ended == nil || !slices.ContainsFunc(now, runs) || mayRestartAll(s) {
			continue
		}
		k := slices.IndexFunc(containers, func(ctr corev1.Container) bool { return ctr.Name == old[i].Name })
		if k < 0 || !mayRestart(&containers[k], s.RestartPolicy, ended.ExitCode) {
			at := p.at(i)
			c.forbidden(at.child("state"), "may not be transitioned to non-terminated state")
		}
	}
}

// mayRestartAll is podutil.AllContainersCouldRestart.
func mayRestartAll(s *corev1.PodSpec) (all bool) {
	eachContainer(s, func(_ string, _ int, ctr *corev1.Container) {
		all = all || slices.ContainsFunc(ctr.RestartPolicyRules, func(r corev1.ContainerRestartRule) bool {
			return r.Action == corev1.ContainerRestartRuleActionRestartAllContainers
		})
	})
	return all
}

// mayRestart is podutil.ContainerShouldRestart: rules first, then the
// container's policy, then the pod's.
func mayRestart(ctr *corev1.Container, policy corev1.RestartPolicy, code int32) bool {
	for _, r := range ctr.RestartPolicyRules {
		if r.ExitCodes == nil {
			continue
		}
		in := slices.Contains(r.ExitCodes.Values, code)
		if in == (r.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			return true
		}
	}
	if ctr.RestartPolicy != nil {
		policy = corev1.RestartPolicy(*ctr.RestartPolicy)
	}
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && code != 0
}

// podIPs is validatePodIPs.
func (c *check) podIPs(p path, s *corev1.PodStatus) {
	for i := range s.PodIPs {
		c.ip(p.at(i), s.PodIPs[i].IP)
	}
	ips := make([]string, len(s.PodIPs))
	for i := range s.PodIPs {
		ips[i] = s.PodIPs[i].IP
	}
	if !c.dualStack(p, ips) {
		c.invalid(p, s.PodIPs, "may specify no more than one IP for each IP family")
	}
	switch {
	case (s.PodIP != "") != (len(s.PodIPs) > 0):
		c.invalid(p, s.PodIPs, "podIP and podIPs must either both be set or both be unset")
	case len(s.PodIPs) > 0 && s.PodIP != s.PodIPs[0].IP:
		at := p.at(0)
		c.invalid(at.child("ip"), s.PodIPs[0].IP, "must be equal to `podIP`")
	}
}

// hostIPs is validateHostIPs.
func (c *check) hostIPs(p path, s *corev1.PodStatus) {
	if len(s.HostIPs) == 0 {
		return
	}
	if s.HostIP != s.HostIPs[0].IP {
		at := p.at(0)
		c.invalid(at.child("ip"), s.HostIPs[0].IP, "must be equal to `hostIP`")
	}
	for i := range s.HostIPs {
		c.ip(p.at(i), s.HostIPs[i].IP)
	}
	ips := make([]string, len(s.HostIPs))
	for i := range s.HostIPs {
		ips[i] = s.HostIPs[i].IP
	}
	if !c.dualStack(p, ips) {
		c.invalid(p, s.HostIPs, "may specify no more than one IP for each IP family")
	}
}

// dualStack reports whether there is at most one address of each family
// (IsDualStackIPStrings).
func (c *check) dualStack(p path, ips []string) bool {
	if len(ips) < 2 {
		return true
	}
	six := 0
	for i, ip := range ips {
		addr := netutils.ParseIPSloppy(ip)
		if addr == nil {
			c.errs = append(c.errs, field.InternalError(p.field(), fmt.Errorf("failed to check for dual stack with error:invalid IP[%d]: %v", i, ip)))
			return false
		}
		if netutils.IsIPv6(addr) {
			six++
		}
	}
	return len(ips) == 2 && six == 1
}
