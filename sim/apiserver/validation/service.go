package validation

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

func (c *check) serviceCreate(s *corev1.Service) {
	c.meta(&s.ObjectMeta, true, labelName) // RelaxedServiceNameValidation is on
	c.service(s, nil)
}

// isHeadless: endpoints alone, no address of its own.
func isHeadless(s *corev1.Service) bool {
	return len(s.Spec.ClusterIPs) == 1 && s.Spec.ClusterIPs[0] == corev1.ClusterIPNone
}

// service is validateService; old is nil at a creation.
func (c *check) service(svc, old *corev1.Service) {
	s, headless := &svc.Spec, isHeadless(svc)
	ports := spec.child("ports")
	if len(s.Ports) == 0 && !headless && s.Type != corev1.ServiceTypeExternalName {
		c.required(ports, "")
	}
	c.serviceType(svc)
	for i := range s.Ports {
		c.servicePort(ports.at(i), s.Ports, i)
	}
	c.labels(spec.child("selector"), s.Selector)
	present(c, spec.child("sessionAffinity"), s.SessionAffinity, corev1.ServiceAffinityClientIP, corev1.ServiceAffinityNone)
	c.sessionAffinity(spec.child("sessionAffinityConfig"), s)
	if s.Type != corev1.ServiceTypeExternalName {
		c.clusterIPs(svc, old)
	}
	external := spec.child("externalIPs")
	for i, ip := range s.ExternalIPs {
		before := len(c.errs)
		if c.ip(external.at(i), ip); len(c.errs) == before {
			c.endpointIP(external.at(i), ip)
		}
	}
	present(c, spec.child("type"), s.Type, corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName, corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort)
	c.equalPorts(ports, s)
	c.balancer(svc)
	c.traffic(s)
}

func (c *check) serviceType(svc *corev1.Service) {
	s := &svc.Spec
	switch s.Type {
	case corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort:
		if isHeadless(svc) {
			ips := spec.child("clusterIPs")
			c.invalid(ips.at(0), s.ClusterIPs[0], fmt.Sprintf("may not be set to 'None' for %s services", s.Type))
		}
	case corev1.ServiceTypeExternalName:
		const detail = "may not be set for ExternalName services"
		if len(s.ClusterIPs) > 0 {
			c.forbidden(spec.child("clusterIPs"), detail)
		}
		if len(s.IPFamilies) > 0 {
			c.forbidden(spec.child("ipFamilies"), detail)
		}
		if s.IPFamilyPolicy != nil {
			c.forbidden(spec.child("ipFamilyPolicy"), detail)
		}
		if name := strings.TrimSuffix(s.ExternalName, "."); name == "" {
			c.required(spec.child("externalName"), "")
		} else {
			c.name(spec.child("externalName"), name, subdomainName)
		}
	}
}

// servicePort is validateServicePort.
func (c *check) servicePort(p path, ports []corev1.ServicePort, i int) {
	port := &ports[i]
	if port.Name != "" {
		c.name(p.child("name"), port.Name, labelName)
		if slices.ContainsFunc(ports[:i], func(o corev1.ServicePort) bool { return o.Name == port.Name }) {
			c.duplicate(p.child("name"), port.Name)
		}
	} else if len(ports) > 1 {
		c.required(p.child("name"), "")
	}
	c.portNumber(p.child("port"), port.Port)
	c.protocol(p.child("protocol"), port.Protocol)
	c.portOrName(p.child("targetPort"), port.TargetPort)
	if port.AppProtocol != nil {
		c.qualified(p.child("appProtocol"), *port.AppProtocol)
	}
}

func (c *check) sessionAffinity(p path, s *corev1.ServiceSpec) {
	const most = corev1.DefaultClientIPServiceAffinitySeconds * 8 // a day
	switch config := s.SessionAffinityConfig; {
	case s.SessionAffinity == corev1.ServiceAffinityNone && config != nil:
		c.forbidden(p, "must not be set when session affinity is None")
	case s.SessionAffinity != corev1.ServiceAffinityClientIP:
	case config == nil:
		c.required(p, "when session affinity type is ClientIP")
	case config.ClientIP == nil:
		c.required(p.child("clientIP"), "when session affinity type is ClientIP")
	case config.ClientIP.TimeoutSeconds == nil:
		c.required(p.child("clientIP.timeoutSeconds"), "when session affinity type is ClientIP")
	case *config.ClientIP.TimeoutSeconds <= 0 || *config.ClientIP.TimeoutSeconds > most:
		c.invalid(p.child("clientIP.timeoutSeconds"), config.ClientIP.TimeoutSeconds, fmt.Sprintf("must be greater than 0 and less than %d", most))
	}
}

// equalPorts: no port twice, and no node port without a type that has them.
func (c *check) equalPorts(p path, s *corev1.ServiceSpec) {
	for i := range s.Ports {
		if s.Type == corev1.ServiceTypeClusterIP && s.Ports[i].NodePort != 0 {
			at := p.at(i)
			c.forbidden(at.child("nodePort"), "may not be used when `type` is 'ClusterIP'")
		}
	}
	for i := range s.Ports {
		port := &s.Ports[i]
		if port.NodePort != 0 && slices.ContainsFunc(s.Ports[:i], func(o corev1.ServicePort) bool {
			return o.NodePort == port.NodePort && o.Protocol == port.Protocol
		}) {
			at := p.at(i)
			c.duplicate(at.child("nodePort"), port.NodePort)
		}
	}
	for i := range s.Ports {
		port := &s.Ports[i]
		if slices.ContainsFunc(s.Ports[:i], func(o corev1.ServicePort) bool { return o.Port == port.Port && o.Protocol == port.Protocol }) {
			c.duplicate(p.at(i), corev1.ServicePort{Protocol: port.Protocol, Port: port.Port})
		}
	}
}

// balancer: what only LoadBalancer services have.
func (c *check) balancer(svc *corev1.Service) {
	s := &svc.Spec
	balanced := s.Type == corev1.ServiceTypeLoadBalancer
	if len(s.LoadBalancerSourceRanges) > 0 {
		p := spec.child("LoadBalancerSourceRanges") // sic
		if !balanced {
			c.forbidden(p, onlyBalanced)
		}
		for i, r := range s.LoadBalancerSourceRanges {
			at := p.at(i)
			c.add(validation.IsValidCIDRForLegacyField(at.field(), strings.TrimSpace(r), false, nil))
		}
	}
	if s.AllocateLoadBalancerNodePorts != nil && !balanced {
		c.forbidden(spec.child("allocateLoadBalancerNodePorts"), onlyBalanced)
	}
	if balanced && s.AllocateLoadBalancerNodePorts == nil {
		c.required(in("allocateLoadBalancerNodePorts"), "")
	}
	c.balancerClass(s)
}

// onlyBalanced is said of what a Service of another type must not have.
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'"

// balancerClass is validateLoadBalancerClassField, which an update asks twice.
func (c *check) balancerClass(s *corev1.ServiceSpec) {
	switch class := s.LoadBalancerClass; {
	case class == nil:
	case s.Type == corev1.ServiceTypeLoadBalancer:
		c.qualified(spec.child("loadBalancerClass"), *class)
	default:
		c.forbidden(spec.child("loadBalancerClass"), onlyBalanced)
	}
}

// isExternal reports whether a Service can be reached from outside.
func isExternal(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeLoadBalancer || s.Type == corev1.ServiceTypeNodePort ||
		s.Type == corev1.ServiceTypeClusterIP && len(s.ExternalIPs) > 0
}

// needsHealthPort: traffic that stays on its node has to be told where it can.
func needsHealthPort(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeLoadBalancer && s.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
}

// traffic holds the traffic policies to the type. That a health check port is
// there is not asked for: it is allocated, if at all, after this.
func (c *check) traffic(s *corev1.ServiceSpec) {
	p := spec.child("externalTrafficPolicy")
	if isExternal(s) {
		present(c, p, s.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster, corev1.ServiceExternalTrafficPolicyLocal)
	} else if s.ExternalTrafficPolicy != "" {
		c.invalid(p, s.ExternalTrafficPolicy, "may only be set for externally-accessible services")
	}
	health := spec.child("healthCheckNodePort")
	if n := s.HealthCheckNodePort; n != 0 && !needsHealthPort(s) {
		c.invalid(health, n, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")
	} else if n != 0 {
		c.portNumber(health, n)
	}
	internal := spec.child("internalTrafficPolicy")
	if s.InternalTrafficPolicy != nil {
		oneOf(c, internal, *s.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster, corev1.ServiceInternalTrafficPolicyLocal)
	} else if s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeLoadBalancer || s.Type == corev1.ServiceTypeClusterIP {
		c.required(internal, "")
	}
	if s.TrafficDistribution != nil {
		oneOf(c, spec.child("trafficDistribution"), *s.TrafficDistribution, corev1.ServiceTrafficDistributionPreferClose,
			corev1.ServiceTrafficDistributionPreferSameZone, corev1.ServiceTrafficDistributionPreferSameNode)
	}
}

// endpointIP is ValidateEndpointIP for addresses known to be some.
func (c *check) endpointIP(p path, s string) {
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return
	}
	switch ip = ip.Unmap(); {
	case ip.IsUnspecified():
		c.invalid(p, s, fmt.Sprintf("may not be unspecified (%v)", s))
	case ip.IsLoopback():
		c.invalid(p, s, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
	case ip.IsLinkLocalUnicast():
		c.invalid(p, s, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
	case ip.IsLinkLocalMulticast():
		c.invalid(p, s, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
	}
}

// serviceStatus is ValidateLoadBalancerStatus.
func (c *check) serviceStatus(svc *corev1.Service) {
	p, list := in("status.loadBalancer.ingress"), svc.Status.LoadBalancer.Ingress
	if svc.Spec.Type != corev1.ServiceTypeLoadBalancer && len(list) > 0 {
		c.forbidden(p, "may only be used when `spec.type` is 'LoadBalancer'")
		return
	}
	for i := range list {
		n, at := &list[i], p.at(i)
		if n.IP != "" {
			c.ip(at.child("ip"), n.IP)
		}
		switch {
		case n.IPMode == nil && n.IP != "":
			c.required(at.child("ipMode"), "must be specified when `ip` is set")
		case n.IPMode != nil && n.IP == "":
			c.forbidden(at.child("ipMode"), "may not be specified when `ip` is not set")
		case n.IPMode != nil:
			oneOf(c, at.child("ipMode"), *n.IPMode, corev1.LoadBalancerIPModeProxy, corev1.LoadBalancerIPModeVIP)
		}
		if n.Hostname != "" {
			c.name(at.child("hostname"), n.Hostname, subdomainName)
			if _, err := netip.ParseAddr(n.Hostname); err == nil {
				c.invalid(at.child("hostname"), n.Hostname, "must be a DNS name, not an IP address")
			}
		}
	}
}
