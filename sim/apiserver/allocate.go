package apiserver

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// serviceRange is the network that cluster IPs come from.
var serviceRange = netip.MustParsePrefix("10.96.0.0/12")

const (
	nodePortMin   = 30000
	nodePortCount = 2768
)

// allocate gives a Service its cluster IP, IP families and node ports. old is
// nil for a new object. A Service without a cluster IP of its own choice gets
// one by a hash of its key.
func (s *Server) allocate(obj, old Object) error {
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return nil
	}
	if was, _ := old.(*corev1.Service); was != nil {
		if svc.Spec.Type != corev1.ServiceTypeExternalName && svc.Spec.ClusterIP == "" {
			svc.Spec.ClusterIP, svc.Spec.ClusterIPs = was.Spec.ClusterIP, was.Spec.ClusterIPs
		}
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	s.own()
	if svc.Spec.IPFamilies == nil {
		svc.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
	if svc.Spec.IPFamilyPolicy == nil {
		single := corev1.IPFamilyPolicySingleStack
		svc.Spec.IPFamilyPolicy = &single
	}
	key := KeyOf(svc)
	switch ip := svc.Spec.ClusterIP; ip {
	case corev1.ClusterIPNone:
	case "":
		svc.Spec.ClusterIP = s.freeIP(key)
		s.ips[svc.Spec.ClusterIP] = key
	default:
		if owner, taken := s.ips[ip]; taken && owner != key {
			return apierrors.NewInvalid(Service.GroupVersionKind().GroupKind(), svc.Name, field.ErrorList{
				field.Invalid(field.NewPath("spec", "clusterIPs").Index(0), []string{ip}, "failed to allocate IP "+ip+": provided IP is already allocated")})
		}
		if addr, err := netip.ParseAddr(ip); err != nil || !serviceRange.Contains(addr) {
			return apierrors.NewInvalid(Service.GroupVersionKind().GroupKind(), svc.Name, field.ErrorList{
				field.Invalid(field.NewPath("spec", "clusterIPs").Index(0), []string{ip}, fmt.Sprintf("failed to allocate IP %s: the provided IP (%s) is not in the valid range. The range of valid IPs is %s", ip, ip, serviceRange))})
		}
		s.ips[ip] = key
	}
	svc.Spec.ClusterIPs = []string{svc.Spec.ClusterIP}
	s.allocatePorts(svc)
	return nil
}

// freeIP returns an unused address of the service range.
func (s *Server) freeIP(key Key) string {
	const hosts = 1<<20 - 2
	n := s.engine.Hash("cluster-ip", key.String())
	base := serviceRange.Addr().As4()
	for ; ; n++ {
		host := uint32(n%hosts) + 1
		ip := netip.AddrFrom4([4]byte{base[0], base[1] + byte(host>>16), byte(host >> 8), byte(host)}).String()
		if _, taken := s.ips[ip]; !taken {
			return ip
		}
	}
}

// allocatePorts fills the node ports of a NodePort or LoadBalancer Service.
func (s *Server) allocatePorts(svc *corev1.Service) {
	if svc.Spec.Type != corev1.ServiceTypeNodePort && svc.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return
	}
	ports := slices.Clone(svc.Spec.Ports)
	for i := range ports {
		n := s.engine.Hash("node-port", fmt.Sprintf("%s/%d", KeyOf(svc), i))
		for ports[i].NodePort == 0 {
			port := nodePortMin + int32(n%nodePortCount)
			if id := fmt.Sprintf("port/%d", port); s.ips[id] == (Key{}) {
				ports[i].NodePort = port
			}
			n++
		}
		s.ips[fmt.Sprintf("port/%d", ports[i].NodePort)] = KeyOf(svc)
	}
	svc.Spec.Ports = ports
}

// release frees what allocate took for an object.
func (s *Server) release(obj Object) {
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return
	}
	s.own()
	delete(s.ips, svc.Spec.ClusterIP)
	for _, p := range svc.Spec.Ports {
		delete(s.ips, fmt.Sprintf("port/%d", p.NodePort))
	}
}
