package apiserver

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// onNodes reports whether a type of Service has ports on the nodes.
func onNodes(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeLoadBalancer
}

// drawsPorts reports whether ports without a node port get one
// (shouldAllocateNodePorts).
func drawsPorts(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeNodePort || s.AllocateLoadBalancerNodePorts == nil || *s.AllocateLoadBalancerNodePorts
}

// ports takes and frees the node ports of a Service.
func (a *allocation) ports(was *corev1.Service) error {
	s := &a.svc.Spec
	if was != nil && onNodes(&was.Spec) && !onNodes(s) {
		a.freePorts(&was.Spec, nil)
	}
	if !onNodes(s) {
		return nil
	}
	s.Ports = slices.Clone(s.Ports)
	if was == nil {
		return a.newPorts()
	}
	return a.updatePorts(&was.Spec)
}

// freePorts frees the node ports of a spec that are not among those kept.
func (a *allocation) freePorts(s *corev1.ServiceSpec, kept []corev1.ServicePort) {
	for _, p := range s.Ports {
		if p.NodePort != 0 && !hasNodePort(kept, p.NodePort) {
			a.freed = append(a.freed, portID(p.NodePort))
		}
	}
}

func hasNodePort(ports []corev1.ServicePort, n int32) bool {
	return slices.ContainsFunc(ports, func(p corev1.ServicePort) bool { return p.NodePort == n })
}

func (a *allocation) badPort(i int, value any, why error) error {
	return a.invalid(field.Invalid(field.NewPath("spec", "ports").Index(i).Child("nodePort"), value, why.Error()))
}

// newPorts is initNodePorts: equal ports, of two protocols, share a node port.
func (a *allocation) newPorts() error {
	s := &a.svc.Spec
	shared := map[int32]int32{}
	for i := range s.Ports {
		p := &s.Ports[i]
		if p.NodePort == 0 && !drawsPorts(s) {
			continue
		}
		has := shared[p.Port]
		switch {
		case has == 0:
			asked := slices.IndexFunc(s.Ports, func(o corev1.ServicePort) bool { return o.Port == p.Port && o.NodePort != 0 })
			if asked < 0 {
				p.NodePort = a.nextPort(strconv.Itoa(i))
			} else {
				n := s.Ports[asked].NodePort
				if err := a.takePort(n); err != nil {
					return a.badPort(i, int(n), err)
				}
				p.NodePort = n
			}
			shared[p.Port] = p.NodePort
		case p.NodePort == 0:
			p.NodePort = has
		case p.NodePort != has:
			if err := a.takePort(p.NodePort); err != nil {
				return a.badPort(i, p.NodePort, err)
			}
		}
	}
	return nil
}

// updatePorts is updateNodePorts: what the Service had stays its own.
func (a *allocation) updatePorts(was *corev1.ServiceSpec) error {
	s := &a.svc.Spec
	type use struct {
		protocol corev1.Protocol
		port     int32
	}
	var uses []use
	for i := range s.Ports {
		p := &s.Ports[i]
		switch {
		case p.NodePort == 0 && !drawsPorts(s):
			continue
		case p.NodePort == 0:
			p.NodePort = a.nextPort(strconv.Itoa(i))
		case !hasNodePort(was.Ports, p.NodePort) && !slices.Contains(a.taken, portID(p.NodePort)):
			if err := a.takePort(p.NodePort); err != nil {
				return a.badPort(i, p.NodePort, err)
			}
		}
		u := use{p.Protocol, p.NodePort}
		if slices.Contains(uses, u) {
			return unknownError(fmt.Errorf("duplicate nodePort: {%s %d}", u.protocol, u.port))
		}
		uses = append(uses, u)
	}
	a.freePorts(was, s.Ports)
	return nil
}

// probed reports whether a load balancer asks the nodes which of them have the
// Service's pods (NeedsHealthCheck).
func probed(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeLoadBalancer && s.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
}

// healthPort takes or frees the port where it asks (updateHealthCheckNodePort).
func (a *allocation) healthPort(was *corev1.Service) error {
	s := &a.svc.Spec
	had := was != nil && probed(&was.Spec)
	switch {
	case had && !probed(s):
		a.freed = append(a.freed, portID(was.Spec.HealthCheckNodePort))
	case had, !probed(s):
	case s.HealthCheckNodePort == 0:
		s.HealthCheckNodePort = a.nextPort("health")
	default:
		if err := a.takePort(s.HealthCheckNodePort); err != nil {
			return apierrors.NewInternalError(fmt.Errorf("failed to allocate requested HealthCheck NodePort %v: %v", s.HealthCheckNodePort, err))
		}
	}
	return nil
}

// release frees what a Service that is gone had.
func (s *Server) release(obj Object) {
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return
	}
	ips := *s.ips.Write()
	for _, ip := range svc.Spec.ClusterIPs {
		delete(ips, ip)
	}
	for _, p := range svc.Spec.Ports {
		delete(ips, portID(p.NodePort))
	}
	if probed(&svc.Spec) {
		delete(ips, portID(svc.Spec.HealthCheckNodePort))
	}
}
