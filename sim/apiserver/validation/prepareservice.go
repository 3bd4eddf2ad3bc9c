package validation

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// KeepAllocated brings the two fields for cluster IPs of a Service into line,
// and fills what a client left out with what the Service has: the storage does
// so before it allocates, and before any strategy (patchAllocatedValues,
// normalizeClusterIPs). old is nil for a new Service; to do it twice changes
// nothing more.
func KeepAllocated(svc, old *corev1.Service) {
	s := &svc.Spec
	if old == nil {
		if s.ClusterIP != "" && len(s.ClusterIPs) == 0 {
			s.ClusterIPs = []string{s.ClusterIP}
		}
		return
	}
	was := &old.Spec
	keepAllocated(s, was)
	if len(was.ClusterIPs) > 0 && len(s.ClusterIPs) == 0 && was.ClusterIP == s.ClusterIP {
		s.ClusterIPs = was.ClusterIPs
	}
	if was.ClusterIP != s.ClusterIP && slices.Equal(was.ClusterIPs, s.ClusterIPs) {
		s.ClusterIPs = nil
		if s.ClusterIP != "" {
			s.ClusterIPs = []string{s.ClusterIP}
		}
	}
}

// keepAllocated fills the addresses and ports that a client left out with those
// that the Service has, so that its manifest can be submitted again
// (patchAllocatedValues). was is only read; the ports of s are copied before
// they change.
func keepAllocated(s, was *corev1.ServiceSpec) {
	if was.Type != corev1.ServiceTypeExternalName && s.Type != corev1.ServiceTypeExternalName {
		if s.ClusterIP == "" {
			s.ClusterIP = was.ClusterIP
		}
		if len(s.ClusterIPs) == 0 && len(was.ClusterIPs) > 0 {
			s.ClusterIPs = was.ClusterIPs
		}
	}
	if hasNodePorts(was) && hasNodePorts(s) {
		keepNodePorts(s, was)
	}
	if needsHealthPort(was) && needsHealthPort(s) && s.HealthCheckNodePort == 0 {
		s.HealthCheckNodePort = was.HealthCheckNodePort
	}
}

// keepNodePorts gives ports without a node port the one that the port of their
// name had, unless another port has it already.
func keepNodePorts(s, was *corev1.ServiceSpec) {
	has := func(ports []corev1.ServicePort, n int32) bool {
		return slices.ContainsFunc(ports, func(p corev1.ServicePort) bool { return p.NodePort == n })
	}
	asked := s.Ports
	for i := range asked {
		if asked[i].NodePort != 0 {
			continue
		}
		kept := int32(0)
		for j := range was.Ports { // the last of a name
			if was.Ports[j].Name == asked[i].Name {
				kept = was.Ports[j].NodePort
			}
		}
		if kept == 0 || has(asked, kept) {
			continue
		}
		if &s.Ports[0] == &asked[0] {
			s.Ports = slices.Clone(asked)
		}
		s.Ports[i].NodePort = kept
	}
}

// isOnNodes reports whether a type can have node ports at all (the strategy's
// needsNodePort; the storage has another, hasNodePorts).
func isOnNodes(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeLoadBalancer
}

// addsNodePorts reports whether s has a node port that was did not have.
func addsNodePorts(s, was *corev1.ServiceSpec) bool {
	return slices.ContainsFunc(s.Ports, func(p corev1.ServicePort) bool {
		return p.NodePort != 0 && !slices.ContainsFunc(was.Ports, func(o corev1.ServicePort) bool { return o.NodePort == p.NodePort })
	})
}
