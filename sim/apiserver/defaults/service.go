package defaults

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// service is SetDefaults_Service (A2).
func service(svc *corev1.Service) {
	s := &svc.Spec
	zero(&s.SessionAffinity, corev1.ServiceAffinityNone)
	switch s.SessionAffinity {
	case corev1.ServiceAffinityNone:
		s.SessionAffinityConfig = nil
	case corev1.ServiceAffinityClientIP:
		if c := s.SessionAffinityConfig; c == nil || c.ClientIP == nil || c.ClientIP.TimeoutSeconds == nil {
			timeout := int32(corev1.DefaultClientIPServiceAffinitySeconds)
			s.SessionAffinityConfig = &corev1.SessionAffinityConfig{
				ClientIP: &corev1.ClientIPConfig{TimeoutSeconds: &timeout}}
		}
	}
	zero(&s.Type, corev1.ServiceTypeClusterIP)
	each(&s.Ports, servicePort)
	balanced := s.Type == corev1.ServiceTypeLoadBalancer
	if s.ExternalTrafficPolicy == "" && isExternal(s) {
		s.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyCluster
	}
	if balanced || s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeClusterIP {
		fill(&s.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster)
	}
	if balanced {
		fill(&s.AllocateLoadBalancerNodePorts, true)
		each(&svc.Status.LoadBalancer.Ingress, ingress)
	}
}

// isExternal reports whether a Service can be reached from outside.
func isExternal(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeLoadBalancer || s.Type == corev1.ServiceTypeNodePort ||
		s.Type == corev1.ServiceTypeClusterIP && len(s.ExternalIPs) > 0
}

func servicePort(p *corev1.ServicePort) *corev1.ServicePort {
	o := own[corev1.ServicePort]{v: p}
	if p.Protocol == "" {
		o.write().Protocol = corev1.ProtocolTCP
	}
	if t := p.TargetPort; t == intstr.FromInt32(0) && p.Port != 0 || t == intstr.FromString("") {
		o.write().TargetPort = intstr.FromInt32(p.Port)
	}
	return o.v
}

func ingress(i *corev1.LoadBalancerIngress) *corev1.LoadBalancerIngress {
	o := own[corev1.LoadBalancerIngress]{v: i}
	if i.IP != "" && i.IPMode == nil {
		fill(&o.write().IPMode, corev1.LoadBalancerIPModeVIP)
	}
	return o.v
}

func endpointPort(p *discoveryv1.EndpointPort) *discoveryv1.EndpointPort {
	o := own[discoveryv1.EndpointPort]{v: p}
	if p.Name == nil {
		o.write().Name = new(string)
	}
	if p.Protocol == nil {
		fill(&o.write().Protocol, corev1.ProtocolTCP)
	}
	return o.v
}
