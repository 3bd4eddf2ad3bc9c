package defaults

import corev1 "k8s.io/api/core/v1"

// podSpec is what pods and pod templates share (A3): SetDefaults_PodSpec and
// what generated code calls for the parts of the spec.
func podSpec(s *corev1.PodSpec) {
	if s.ServiceAccountName == "" {
		s.ServiceAccountName = s.DeprecatedServiceAccount
	}
	s.DeprecatedServiceAccount = s.ServiceAccountName
	zero(&s.DNSPolicy, corev1.DNSClusterFirst)
	zero(&s.RestartPolicy, corev1.RestartPolicyAlways)
	fill(&s.SecurityContext, corev1.PodSecurityContext{})
	if s.TerminationGracePeriodSeconds == nil {
		fill(&s.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
	}
	zero(&s.SchedulerName, corev1.DefaultSchedulerName)

	each(&s.Volumes, volume)
	each(&s.InitContainers, container)
	each(&s.Containers, container)
	each(&s.EphemeralContainers, ephemeralContainer)
	resourceList(&s.Overhead)
	through(&s.Resources, podResources)
}

func podResources(r *corev1.ResourceRequirements) *corev1.ResourceRequirements {
	o := own[corev1.ResourceRequirements]{v: r}
	if limits := r.Limits; resourceList(&limits) {
		o.write().Limits = limits
	}
	if requests := r.Requests; resourceList(&requests) {
		o.write().Requests = requests
	}
	return o.v
}

// pod is podSpec with what only pods get: SetDefaults_Pod and
// SetDefaults_PodStatus.
func pod(p *corev1.Pod) {
	s := &p.Spec
	if g := s.TerminationGracePeriodSeconds; g != nil && *g < 0 {
		one := int64(1)
		s.TerminationGracePeriodSeconds = &one
	}
	each(&s.Containers, requestsFromLimits)
	each(&s.InitContainers, requestsFromLimits)
	fill(&s.EnableServiceLinks, corev1.DefaultEnableServiceLinks)
	if s.HostNetwork {
		each(&s.Containers, hostPorts)
		each(&s.InitContainers, hostPorts)
	}
	podIPs(&p.Status)
	podSpec(s)
}

// hostPorts gives every port of a container on the host's network its own
// number there.
func hostPorts(c *corev1.Container) *corev1.Container {
	o := own[corev1.Container]{v: c}
	if ports := c.Ports; each(&ports, hostPort) {
		o.write().Ports = ports
	}
	return o.v
}

func hostPort(p *corev1.ContainerPort) *corev1.ContainerPort {
	o := own[corev1.ContainerPort]{v: p}
	if p.HostPort == 0 && p.ContainerPort != 0 {
		o.write().HostPort = p.ContainerPort
	}
	return o.v
}

// podIPs keeps podIP and podIPs in step; podIP wins.
func podIPs(s *corev1.PodStatus) {
	switch {
	case s.PodIP == "" && len(s.PodIPs) > 0:
		s.PodIP = s.PodIPs[0].IP
	case s.PodIP != "" && (len(s.PodIPs) == 0 || s.PodIPs[0].IP != s.PodIP):
		s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	}
}
