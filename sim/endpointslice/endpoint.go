package endpointslice

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// isReady reports whether the pod's Ready condition is True.
func isReady(pod *corev1.Pod) bool {
	c := readyCondition(pod)
	return c != nil && c.Status == corev1.ConditionTrue
}

func readyCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			return c
		}
	}
	return nil
}

func isTerminal(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// hasEndpoint is D1's "terminal pods and pods without an IP are left out"
// (ShouldPodBeInEndpoints; terminating pods stay in).
func hasEndpoint(pod *corev1.Pod) bool {
	return !isTerminal(pod) && (pod.Status.PodIP != "" || len(pod.Status.PodIPs) > 0)
}

// isNamedBy is D1's "hostname only if spec.subdomain names the Service".
func isNamedBy(pod *corev1.Pod, service *corev1.Service) bool {
	return pod.Spec.Hostname != "" && pod.Spec.Subdomain == service.Name && pod.Namespace == service.Namespace
}

// newEndpoint is the endpoint of a pod in slices of one address type
// (podToEndpoint). The node may be nil.
func newEndpoint(pod *corev1.Pod, node *corev1.Node, service *corev1.Service, typ discoveryv1.AddressType) discoveryv1.Endpoint {
	serving := isReady(pod)
	terminating := pod.DeletionTimestamp != nil
	ready := service.Spec.PublishNotReadyAddresses || serving && !terminating // D1
	ep := discoveryv1.Endpoint{
		Addresses:  addressesOf(pod, typ),
		Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating},
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
	}
	if pod.Spec.NodeName != "" {
		ep.NodeName = &pod.Spec.NodeName
	}
	if node != nil {
		if zone := node.Labels[corev1.LabelTopologyZone]; zone != "" {
			ep.Zone = &zone
		}
	}
	if isNamedBy(pod, service) {
		ep.Hostname = &pod.Spec.Hostname
	}
	return ep
}

// addressesOf lists the pod's addresses of one type, sorted. What is not an
// address is left out.
func addressesOf(pod *corev1.Pod, typ discoveryv1.AddressType) []string {
	var list []string
	for _, ip := range pod.Status.PodIPs {
		addr, err := netip.ParseAddr(ip.IP)
		if err != nil {
			continue
		}
		addr = addr.Unmap()
		if addr.Is4() == (typ == discoveryv1.AddressTypeIPv4) {
			list = append(list, addr.String())
		}
	}
	slices.Sort(list)
	return list
}

// identity tells endpoints apart: two with one identity are states of the same
// endpoint, and the later one is an update in place (hashEndpoint).
type identity string

func identityOf(ep *discoveryv1.Endpoint) identity {
	var b strings.Builder
	if ep.TargetRef != nil {
		b.WriteString(ep.TargetRef.Namespace)
		b.WriteByte('/')
		b.WriteString(ep.TargetRef.Name)
	}
	b.WriteByte('|')
	if ep.Hostname != nil {
		b.WriteString(*ep.Hostname)
	}
	addresses := ep.Addresses
	if !slices.IsSorted(addresses) {
		addresses = slices.Sorted(slices.Values(addresses))
	}
	for _, a := range addresses {
		b.WriteByte('|')
		b.WriteString(a)
	}
	return identity(b.String())
}

// isEqual compares two endpoints of one identity (EndpointsEqualBeyondHash).
// Hints do not count.
func isEqual(a, b *discoveryv1.Endpoint) bool {
	return same(a.NodeName, b.NodeName) && same(a.Zone, b.Zone) &&
		same(a.Conditions.Ready, b.Conditions.Ready) &&
		same(a.Conditions.Serving, b.Conditions.Serving) &&
		same(a.Conditions.Terminating, b.Conditions.Terminating) &&
		isSameTarget(a.TargetRef, b.TargetRef)
}

func isSameTarget(a, b *corev1.ObjectReference) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.ResourceVersion, y.ResourceVersion = "", ""
	return x == y
}

func same[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// targetOf is the name of the pod behind an endpoint, or "".
func targetOf(ep *discoveryv1.Endpoint) string {
	if ep.TargetRef == nil {
		return ""
	}
	return ep.TargetRef.Name
}
