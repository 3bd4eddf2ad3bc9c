package endpoints

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// scene is something that the histories have to reach, as upstream shows it.
type scene struct {
	name  string
	shows func(r *rest) bool
}

// scenes are what TestHistories asserts.
var scenes = []scene{
	{"an endpoint that is ready (D1)", hasEndpoint(func(e *discoveryv1.Endpoint) bool { return *e.Conditions.Ready })},
	{"one that is not", hasEndpoint(func(e *discoveryv1.Endpoint) bool { return !*e.Conditions.Ready })},
	{"one that terminates and serves", hasEndpoint(func(e *discoveryv1.Endpoint) bool { return isTrue(e.Conditions.Terminating) && *e.Conditions.Serving })},
	{"one that is published though its pod is not ready", hasEndpoint(func(e *discoveryv1.Endpoint) bool {
		return *e.Conditions.Ready && e.Conditions.Serving != nil && !*e.Conditions.Serving
	})},
	{"one with a hostname", hasEndpoint(func(e *discoveryv1.Endpoint) bool { return e.Hostname != nil })},
	{"one in a zone", hasEndpoint(func(e *discoveryv1.Endpoint) bool { return e.Zone != nil })},
	{"one with a hint for zones", hasEndpoint(func(e *discoveryv1.Endpoint) bool { return e.Hints != nil && e.Hints.ForZones != nil })},
	{"one with a hint for nodes", hasEndpoint(func(e *discoveryv1.Endpoint) bool { return e.Hints != nil && e.Hints.ForNodes != nil })},
	{"a slice of IPv6", hasSlice(func(s *discoveryv1.EndpointSlice) bool {
		return s.AddressType == discoveryv1.AddressTypeIPv6 && isMade(s)
	})},
	{"slices of both families", hasPair(func(a, b *discoveryv1.EndpointSlice) bool { return a.AddressType != b.AddressType })},
	{"slices that differ in ports", hasPair(func(a, b *discoveryv1.EndpointSlice) bool {
		return a.AddressType == b.AddressType && shown(a.Ports) != shown(b.Ports)
	})},
	{"slices that differ in nothing but their endpoints", hasPair(func(a, b *discoveryv1.EndpointSlice) bool { return place(a) == place(b) })},
	{"a slice with several ports", hasSlice(func(s *discoveryv1.EndpointSlice) bool { return len(s.Ports) > 1 })},
	{"a slice with endpoints and no ports", hasSlice(func(s *discoveryv1.EndpointSlice) bool { return len(s.Ports) == 0 && len(s.Endpoints) > 0 && isMade(s) })},
	{"a slice of a hundred", hasSlice(func(s *discoveryv1.EndpointSlice) bool { return len(s.Endpoints) == 100 })},
	{"a placeholder", hasSlice(func(s *discoveryv1.EndpointSlice) bool {
		return len(s.Ports) == 0 && len(s.Endpoints) == 0 && isMade(s)
	})},
	{"a slice of a headless Service", hasLabel(corev1.IsHeadlessService)},
	{"a label of the Service's", hasLabel("team")},
	{"a trigger time", hasSlice(func(s *discoveryv1.EndpointSlice) bool { return isMade(s) && len(s.Annotations) > 0 })},
	{"a write without one", hasSlice(func(s *discoveryv1.EndpointSlice) bool { return isMade(s) && s.Annotations == nil })},
	{"a slice that somebody else keeps", hasSlice(func(s *discoveryv1.EndpointSlice) bool {
		return s.Labels[discoveryv1.LabelManagedBy] == "somebody-else"
	})},
	{"a slice whose deletion is held up", hasSlice(func(s *discoveryv1.EndpointSlice) bool { return s.DeletionTimestamp != nil })},
	{"a creation", hasLine("asked: create")},
	{"an update", hasLine("asked: update")},
	{"a deletion", hasLine("asked: delete")},
	{"a creation that fails", hasLine("asked: create → ")},
	{"an update that meets a conflict", hasLine("asked: update → Conflict")},
	{"a deletion that fails", hasLine("asked: delete → ")},
	{"the Event about a missing node", hasText("skipping Pod")},
	{"the Event about several", hasText(": [skipping Pod")},
	{"the Event about a failed write", hasText("failed to ")},
}

// isMade reports whether the controller made a slice.
func isMade(s *discoveryv1.EndpointSlice) bool { return s.GenerateName != "" }

func isTrue(b *bool) bool { return b != nil && *b }

func hasSlice(is func(*discoveryv1.EndpointSlice) bool) func(*rest) bool {
	return func(r *rest) bool { return slices.ContainsFunc(r.slices, is) }
}

func hasLabel(key string) func(*rest) bool {
	return hasSlice(func(s *discoveryv1.EndpointSlice) bool {
		_, ok := s.Labels[key]
		return ok && isMade(s)
	})
}

// hasPair asks about two slices of one Service.
func hasPair(are func(a, b *discoveryv1.EndpointSlice) bool) func(*rest) bool {
	return func(r *rest) bool {
		for i, a := range r.slices {
			for _, b := range r.slices[:i] {
				if isMade(a) && a.GenerateName == b.GenerateName && are(a, b) {
					return true
				}
			}
		}
		return false
	}
}

// hasEndpoint asks about an endpoint that the controller wrote.
func hasEndpoint(is func(*discoveryv1.Endpoint) bool) func(*rest) bool {
	return hasSlice(func(s *discoveryv1.EndpointSlice) bool {
		return slices.ContainsFunc(s.Endpoints, func(e discoveryv1.Endpoint) bool { return e.TargetRef != nil && is(&e) })
	})
}

// hasLine asks about a request and its answer, whatever its trigger time, or
// with any answer where the line ends in an arrow.
func hasLine(line string) func(*rest) bool {
	return func(r *rest) bool {
		return slices.ContainsFunc(r.calls, func(c string) bool {
			return c == line || strings.HasPrefix(c, line+" (") || strings.HasSuffix(line, "→ ") && strings.HasPrefix(c, line)
		})
	}
}

func hasText(text string) func(*rest) bool {
	return func(r *rest) bool {
		return slices.ContainsFunc(r.events, func(e string) bool { return strings.Contains(e, text) })
	}
}
