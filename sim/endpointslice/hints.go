package endpointslice

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// hinting is what a Service's spec.trafficDistribution asks of the slices: hints
// for the endpoint's own zone, perhaps for its own node too, or none.
type hinting struct{ zones, nodes bool }

func hintingOf(service *corev1.Service) hinting {
	if service.Spec.TrafficDistribution == nil {
		return hinting{}
	}
	switch *service.Spec.TrafficDistribution {
	case corev1.ServiceTrafficDistributionPreferClose, corev1.ServiceTrafficDistributionPreferSameZone:
		return hinting{zones: true}
	case corev1.ServiceTrafficDistributionPreferSameNode:
		return hinting{zones: true, nodes: true}
	}
	return hinting{}
}

// isStale reports whether a slice that is not written otherwise has to be, for
// its hints (needsUpdate). Of an endpoint that is not ready hints do not matter,
// unless there should be none at all.
func (h hinting) isStale(s *discoveryv1.EndpointSlice) bool {
	for i := range s.Endpoints {
		ep := &s.Endpoints[i]
		if !h.zones {
			if ep.Hints != nil {
				return true
			}
			continue
		}
		if isTrue(ep.Conditions.Ready) && !isHinted(ep.Hints, h.hints(ep)) {
			return true
		}
	}
	return false
}

// apply sets the hints of a slice that is about to be written. The slice's
// endpoints must be the caller's own.
func (h hinting) apply(s *discoveryv1.EndpointSlice) {
	for i := range s.Endpoints {
		ep := &s.Endpoints[i]
		switch {
		case !h.zones:
			if ep.Hints != nil {
				ep.Hints = nil
			}
		case isTrue(ep.Conditions.Ready):
			ep.Hints = h.hints(ep)
		}
	}
}

// hints returns the hints that a ready endpoint should have, or nil.
func (h hinting) hints(ep *discoveryv1.Endpoint) *discoveryv1.EndpointHints {
	var hints discoveryv1.EndpointHints
	if ep.Zone != nil {
		hints.ForZones = []discoveryv1.ForZone{{Name: *ep.Zone}}
	}
	if ep.NodeName != nil && h.nodes {
		hints.ForNodes = []discoveryv1.ForNode{{Name: *ep.NodeName}}
	}
	if hints.ForZones == nil && hints.ForNodes == nil {
		return nil
	}
	return &hints
}

// isHinted reports whether hints are as they should be.
func isHinted(got, want *discoveryv1.EndpointHints) bool {
	if got == nil {
		got = &discoveryv1.EndpointHints{}
	}
	if want == nil {
		want = &discoveryv1.EndpointHints{}
	}
	if len(got.ForZones) != len(want.ForZones) || len(got.ForNodes) != len(want.ForNodes) {
		return false
	}
	for i := range want.ForZones {
		if got.ForZones[i] != want.ForZones[i] {
			return false
		}
	}
	for i := range want.ForNodes {
		if got.ForNodes[i] != want.ForNodes[i] {
			return false
		}
	}
	return true
}

func isTrue(b *bool) bool { return b != nil && *b }
