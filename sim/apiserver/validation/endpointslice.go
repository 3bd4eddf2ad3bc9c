package validation

import (
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim/apiserver/endpoint"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// Bounds of an EndpointSlice.
const (
	maxEndpoints = 1000
	maxAddresses = 100
	maxPorts     = 20000
)

// endpointSlice is ValidateEndpointSlice without metadata, hints and the
// topology of v1beta1. The endpoints that were in the old slice, if there is
// one, were valid then: those that it took over are passed over.
func (c *check) endpointSlice(s, old *discoveryv1.EndpointSlice) {
	present(c, in("addressType"), s.AddressType, discoveryv1.AddressTypeFQDN, discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6)
	c.endpointPorts(in("ports"), s.Ports)
	p := in("endpoints")
	if n := len(s.Endpoints); n > maxEndpoints {
		c.errs = append(c.errs, field.TooMany(p.field(), n, maxEndpoints))
		return
	}
	var was []discoveryv1.Endpoint
	if old != nil && old.AddressType == s.AddressType {
		was = old.Endpoints
	}
	_, come := endpoint.Changed(was, s.Endpoints)
	for _, i := range come {
		e, at := &s.Endpoints[i], p.at(i)
		c.addresses(at.child("addresses"), e.Addresses, s.AddressType)
		if e.NodeName != nil {
			c.name(at.child("nodeName"), *e.NodeName, subdomainName)
		}
		if e.Hostname != nil {
			c.name(at.child("hostname"), *e.Hostname, labelName)
		}
	}
}

// sameSlice reports whether two slices are equal in what their generation counts.
func sameSlice(a, b *discoveryv1.EndpointSlice) bool {
	if a.AddressType != b.AddressType || len(a.Endpoints) != len(b.Endpoints) || !shared.Equal(a.Labels, b.Labels) ||
		!apiequality.Semantic.DeepEqual(a.Ports, b.Ports) {
		return false
	}
	for i := range a.Endpoints {
		if !sameEndpoint(&a.Endpoints[i], &b.Endpoints[i]) {
			return false
		}
	}
	return true
}

// sameEndpoint is Semantic.DeepEqual, without reflection where it can be told.
func sameEndpoint(a, b *discoveryv1.Endpoint) bool {
	return endpoint.IsShared(a, b) || slices.Equal(a.Addresses, b.Addresses) &&
		samePointed(a.Conditions.Ready, b.Conditions.Ready) &&
		samePointed(a.Conditions.Serving, b.Conditions.Serving) &&
		samePointed(a.Conditions.Terminating, b.Conditions.Terminating) &&
		samePointed(a.Hostname, b.Hostname) && samePointed(a.NodeName, b.NodeName) && samePointed(a.Zone, b.Zone) &&
		samePointed(a.TargetRef, b.TargetRef) &&
		shared.Equal(a.DeprecatedTopology, b.DeprecatedTopology) &&
		(a.Hints == b.Hints || apiequality.Semantic.DeepEqual(a.Hints, b.Hints))
}

func samePointed[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func (c *check) addresses(p path, list []string, kind discoveryv1.AddressType) {
	if len(list) == 0 {
		c.required(p, "")
	} else if len(list) > maxAddresses {
		c.errs = append(c.errs, field.TooMany(p.field(), len(list), maxAddresses))
	}
	for i, a := range list {
		at := p.at(i)
		before := len(c.errs)
		switch kind {
		case discoveryv1.AddressTypeFQDN:
			c.add(validation.IsFullyQualifiedDomainName(at.field(), a))
			continue
		case discoveryv1.AddressTypeIPv4:
			c.ip(at, a)
		case discoveryv1.AddressTypeIPv6:
			c.add(validation.IsValidIP(at.field(), a))
		default:
			continue
		}
		if len(c.errs) > before {
			continue
		}
		if isIPv6(a) != (kind == discoveryv1.AddressTypeIPv6) {
			c.invalid(p, a, "must be an "+string(kind)+" address")
		}
		c.endpointIP(at, a)
	}
}

func (c *check) endpointPorts(p path, ports []discoveryv1.EndpointPort) {
	if len(ports) > maxPorts {
		c.errs = append(c.errs, field.TooMany(p.field(), len(ports), maxPorts))
		return
	}
	names := make([]string, 0, len(ports))
	for i := range ports {
		port, at := &ports[i], p.at(i)
		if name := port.Name; name != nil {
			if *name != "" {
				c.name(at.child("name"), *name, labelName)
			}
			if slices.Contains(names, *name) {
				c.duplicate(at.child("name"), name)
			} else {
				names = append(names, *name)
			}
		}
		if port.Protocol == nil {
			c.required(at.child("protocol"), "")
		} else {
			c.protocol(at.child("protocol"), *port.Protocol)
		}
		if port.AppProtocol != nil {
			c.qualified(at.child("appProtocol"), *port.AppProtocol)
		}
	}
}
