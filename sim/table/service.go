package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var (
	serviceColumns       = columns("*Name Type Cluster-IP External-IP Port(s) Age +Selector")
	endpointSliceColumns = columns("*Name AddressType Ports Endpoints Age")
)

// serviceCells is printService (K26).
func serviceCells(svc *corev1.Service, now time.Time) []string {
	ip := none
	if len(svc.Spec.ClusterIPs) > 0 {
		ip = svc.Spec.ClusterIPs[0]
	}
	return []string{
		svc.Name, string(svc.Spec.Type), ip, externalIP(svc), orNone(servicePorts(svc.Spec.Ports)),
		age(svc.CreationTimestamp, now), labels.FormatLabels(svc.Spec.Selector),
	}
}

// externalIP is how a service is reached from outside.
func externalIP(svc *corev1.Service) string {
	ips := svc.Spec.ExternalIPs
	switch svc.Spec.Type {
	case corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort:
		return orNone(strings.Join(ips, ","))
	case corev1.ServiceTypeLoadBalancer:
		all := slices.Concat(ingressAddresses(svc.Status.LoadBalancer.Ingress), ips)
		if len(all) == 0 {
			return "<pending>"
		}
		return strings.Join(all, ",")
	case corev1.ServiceTypeExternalName:
		return svc.Spec.ExternalName
	}
	return unknown
}

// ingressAddresses are the addresses of a load balancer, sorted, each once.
func ingressAddresses(ingress []corev1.LoadBalancerIngress) []string {
	var list []string
	for i := range ingress {
		if a := ingress[i].IP; a != "" {
			list = append(list, a)
		} else if a := ingress[i].Hostname; a != "" {
			list = append(list, a)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func servicePorts(ports []corev1.ServicePort) string {
	list := make([]string, len(ports))
	for i := range ports {
		p := &ports[i]
		if p.NodePort > 0 {
			list[i] = fmt.Sprintf("%d:%d/%s", p.Port, p.NodePort, p.Protocol)
		} else {
			list[i] = fmt.Sprintf("%d/%s", p.Port, p.Protocol)
		}
	}
	return strings.Join(list, ",")
}

// endpointSliceCells is printEndpointSlice.
func endpointSliceCells(s *discoveryv1.EndpointSlice, now time.Time) []string {
	var ports, addresses []string
	for i := range s.Ports {
		switch p := &s.Ports[i]; {
		case p.Port != nil:
			ports = append(ports, strconv.Itoa(int(*p.Port)))
		case p.Name != nil:
			ports = append(ports, *p.Name)
		default:
			ports = append(ports, "*")
		}
	}
	for i := range s.Endpoints {
		addresses = append(addresses, s.Endpoints[i].Addresses...)
	}
	return []string{
		s.Name, string(s.AddressType), fewOr(ports, unset), fewOr(addresses, unset),
		age(s.CreationTimestamp, now),
	}
}

// fewOr joins the first three of a list and counts the rest.
func fewOr(list []string, empty string) string {
	const most = 3
	switch {
	case len(list) > most:
		return fmt.Sprintf("%s + %d more...", strings.Join(list[:most], ","), len(list)-most)
	case strings.Join(list, ",") == "":
		return empty
	}
	return strings.Join(list, ",")
}
