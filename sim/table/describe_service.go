package table

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// service writes a Service (describeService).
func (p *page) service(svc *corev1.Service, others []apiserver.Object) {
	spec := &svc.Spec
	p.identity(&svc.ObjectMeta)
	p.about(&svc.ObjectMeta)
	p.line(0, "Selector:\t%s", labels.FormatLabels(spec.Selector))
	p.line(0, "Type:\t%s", spec.Type)
	p.serviceAddresses(svc)
	slices := slicesOf(svc, others)
	for i := range spec.Ports {
		p.servicePort(&spec.Ports[i], slices)
	}
	p.line(0, "Session Affinity:\t%s", spec.SessionAffinity)
	if spec.ExternalTrafficPolicy != "" {
		p.line(0, "External Traffic Policy:\t%s", spec.ExternalTrafficPolicy)
	}
	if spec.InternalTrafficPolicy != nil {
		p.line(0, "Internal Traffic Policy:\t%s", *spec.InternalTrafficPolicy)
	}
	if spec.HealthCheckNodePort != 0 {
		p.line(0, "HealthCheck NodePort:\t%d", spec.HealthCheckNodePort)
	}
	if len(spec.LoadBalancerSourceRanges) > 0 {
		p.line(0, "LoadBalancer Source Ranges:\t%s", strings.Join(spec.LoadBalancerSourceRanges, ","))
	}
	if spec.TrafficDistribution != nil {
		p.line(0, "Traffic Distribution:\t%s", *spec.TrafficDistribution)
	}
}

func (p *page) serviceAddresses(svc *corev1.Service) {
	spec := &svc.Spec
	if spec.IPFamilyPolicy != nil {
		p.line(0, "IP Family Policy:\t%s", *spec.IPFamilyPolicy)
	}
	families := make([]string, len(spec.IPFamilies))
	for i, f := range spec.IPFamilies {
		families[i] = string(f)
	}
	p.line(0, "IP Families:\t%s", orNone(strings.Join(families, ",")))
	p.line(0, "IP:\t%s", spec.ClusterIP)
	p.line(0, "IPs:\t%s", orNone(strings.Join(spec.ClusterIPs, ",")))
	if len(spec.ExternalIPs) > 0 {
		p.line(0, "External IPs:\t%s", strings.Join(spec.ExternalIPs, ","))
	}
	if spec.LoadBalancerIP != "" {
		p.line(0, "Desired LoadBalancer IP:\t%s", spec.LoadBalancerIP)
	}
	if spec.ExternalName != "" {
		p.line(0, "External Name:\t%s", spec.ExternalName)
	}
	if len(svc.Status.LoadBalancer.Ingress) > 0 {
		var list []string
		for _, in := range svc.Status.LoadBalancer.Ingress {
			switch {
			case in.IP == "":
				list = append(list, in.Hostname)
			case in.IPMode != nil:
				list = append(list, fmt.Sprintf("%s (%s)", in.IP, *in.IPMode))
			default:
				list = append(list, in.IP)
			}
		}
		p.line(0, "LoadBalancer Ingress:\t%s", strings.Join(list, ", "))
	}
}

func (p *page) servicePort(port *corev1.ServicePort, slices []*discoveryv1.EndpointSlice) {
	name := port.Name
	if name == "" {
		name = unset
	}
	p.line(0, "Port:\t%s\t%d/%s", name, port.Port, port.Protocol)
	if port.TargetPort.Type == intstr.Int {
		p.line(0, "TargetPort:\t%d/%s", port.TargetPort.IntVal, port.Protocol)
	} else {
		p.line(0, "TargetPort:\t%s/%s", port.TargetPort.StrVal, port.Protocol)
	}
	if port.AppProtocol != nil {
		p.line(0, "AppProtocol:\t%s", *port.AppProtocol)
	}
	if port.NodePort != 0 {
		p.line(0, "NodePort:\t%s\t%d/%s", name, port.NodePort, port.Protocol)
	}
	p.line(0, "Endpoints:\t%s", serviceEndpoints(slices, port.Name))
}

// slicesOf returns the EndpointSlices of a service, found by their label.
func slicesOf(svc *corev1.Service, others []apiserver.Object) []*discoveryv1.EndpointSlice {
	var list []*discoveryv1.EndpointSlice
	for _, other := range others {
		s, ok := other.(*discoveryv1.EndpointSlice)
		if ok && s.Namespace == svc.Namespace && s.Labels[discoveryv1.LabelServiceName] == svc.Name {
			list = append(list, s)
		}
	}
	return list
}

// serviceEndpoints are the ready addresses behind a port, the first three and
// a count of the rest (formatEndpointSlices). Without slices there is <none>;
// with slices but no ready endpoint there is nothing.
func serviceEndpoints(slices []*discoveryv1.EndpointSlice, port string) string {
	if len(slices) == 0 {
		return none
	}
	var list []string
	for _, s := range slices {
		if len(s.Ports) == 0 { // a headless service may have no ports
			list = append(list, readyAddresses(s, "")...)
			continue
		}
		for _, sp := range s.Ports {
			if sp.Name == nil || *sp.Name != port || sp.Port == nil {
				continue
			}
			list = append(list, readyAddresses(s, strconv.Itoa(int(*sp.Port)))...)
		}
	}
	return fewOr(list, "")
}

// readyAddresses are the first addresses of the ready endpoints; an endpoint
// that says nothing is ready.
func readyAddresses(s *discoveryv1.EndpointSlice, port string) []string {
	var list []string
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		switch {
		case e.Conditions.Ready != nil && !*e.Conditions.Ready || len(e.Addresses) == 0:
		case port == "":
			list = append(list, e.Addresses[0])
		default:
			list = append(list, net.JoinHostPort(e.Addresses[0], port))
		}
	}
	return list
}

// endpointSlice writes an EndpointSlice (describeEndpointSliceV1).
func (p *page) endpointSlice(s *discoveryv1.EndpointSlice) {
	p.identity(&s.ObjectMeta)
	p.about(&s.ObjectMeta)
	p.line(0, "AddressType:\t%s", s.AddressType)
	if len(s.Ports) == 0 {
		p.line(0, "Ports: <unset>")
	} else {
		p.line(0, "Ports:")
		p.line(1, "Name\tPort\tProtocol")
		p.line(1, "----\t----\t--------")
		for _, port := range s.Ports {
			name, number, protocol := unset, unset, ""
			if port.Name != nil && *port.Name != "" {
				name = *port.Name
			}
			if port.Port != nil {
				number = strconv.Itoa(int(*port.Port))
			}
			if port.Protocol != nil {
				protocol = string(*port.Protocol)
			}
			p.line(1, "%s\t%s\t%s", name, number, protocol)
		}
	}
	if len(s.Endpoints) == 0 {
		p.line(0, "Endpoints: <none>")
		return
	}
	p.line(0, "Endpoints:")
	for i := range s.Endpoints {
		p.endpoint(&s.Endpoints[i])
	}
}

func (p *page) endpoint(e *discoveryv1.Endpoint) {
	p.line(1, "- Addresses:\t%s", orNone(strings.Join(e.Addresses, ", ")))
	ready := unset
	if e.Conditions.Ready != nil {
		ready = strconv.FormatBool(*e.Conditions.Ready)
	}
	p.line(2, "Conditions:")
	p.line(3, "Ready:\t%s", ready)
	p.line(2, "Hostname:\t%s", orUnset(e.Hostname))
	if e.TargetRef != nil {
		p.line(2, "TargetRef:\t%s/%s", e.TargetRef.Kind, e.TargetRef.Name)
	}
	p.line(2, "NodeName:\t%s", orUnset(e.NodeName))
	p.line(2, "Zone:\t%s", orUnset(e.Zone))
}
