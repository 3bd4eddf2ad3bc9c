package endpointslice

import (
	"net/netip"
	"slices"

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
	// What the endpoint points to lies together, and none of it within the pod,
	// which would be kept with it.
	parts := &struct {
		address                     [1]string
		ready, serving, terminating bool
		node, zone, hostname        string
		target                      corev1.ObjectReference
	}{
		serving:     isReady(pod),
		terminating: pod.DeletionTimestamp != nil,
		node:        pod.Spec.NodeName,
		target:      corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
	}
	parts.ready = service.Spec.PublishNotReadyAddresses || parts.serving && !parts.terminating // D1
	ep := discoveryv1.Endpoint{
		Addresses:  appendAddresses(parts.address[:0], pod, typ),
		Conditions: discoveryv1.EndpointConditions{Ready: &parts.ready, Serving: &parts.serving, Terminating: &parts.terminating},
		TargetRef:  &parts.target,
	}
	if parts.node != "" {
		ep.NodeName = &parts.node
	}
	if node != nil {
		if parts.zone = node.Labels[corev1.LabelTopologyZone]; parts.zone != "" {
			ep.Zone = &parts.zone
		}
	}
	if isNamedBy(pod, service) {
		parts.hostname = pod.Spec.Hostname
		ep.Hostname = &parts.hostname
	}
	return ep
}

// appendAddresses appends the pod's addresses of one type to an empty list,
// sorted. What is not an address is left out.
func appendAddresses(list []string, pod *corev1.Pod, typ discoveryv1.AddressType) []string {
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

// isSameEndpoint tells endpoints apart: two that are the same are states of one
// endpoint, and the later one is an update in place (hashEndpoint).
func isSameEndpoint(a, b *discoveryv1.Endpoint) bool {
	return targetOf(a) == targetOf(b) && namespaceOf(a) == namespaceOf(b) && hostnameOf(a) == hostnameOf(b) &&
		slices.Equal(sorted(a.Addresses), sorted(b.Addresses))
}

func hostnameOf(ep *discoveryv1.Endpoint) string {
	if ep.Hostname == nil {
		return ""
	}
	return *ep.Hostname
}

func sorted(list []string) []string {
	if slices.IsSorted(list) {
		return list
	}
	return slices.Sorted(slices.Values(list))
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

// namespaceOf is the namespace of the pod behind an endpoint, or "".
func namespaceOf(ep *discoveryv1.Endpoint) string {
	if ep.TargetRef == nil {
		return ""
	}
	return ep.TargetRef.Namespace
}
