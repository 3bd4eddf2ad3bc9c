package validation

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

func (c *check) nodeCreate(n *corev1.Node) {
	c.meta(&n.ObjectMeta, false, subdomainName)
	c.node(n)
}

// node is ValidateNode without the metadata. Taints are reported under
// metadata: upstream's.
func (c *check) node(n *corev1.Node) {
	c.taints(in("metadata.taints"), n.Spec.Taints)
	c.nodeResources(n)
	c.podCIDRs(n.Spec.PodCIDRs)
}

func (c *check) podCIDRs(list []string) {
	p := spec.child("podCIDRs")
	for i, cidr := range list {
		at := p.at(i)
		c.add(validation.IsValidCIDRForLegacyField(at.field(), cidr, false, nil))
	}
	if n := len(list); n > 2 || n == 2 && isIPv6(list[0]) == isIPv6(list[1]) {
		c.invalid(p, list, "may specify no more than one CIDR for each IP family")
	}
}

func (c *check) nodeResources(n *corev1.Node) {
	c.quantities(in("status.capacity"), n.Status.Capacity)
	c.quantities(in("status.allocatable"), n.Status.Allocatable)
}

func (c *check) quantities(p path, list corev1.ResourceList) {
	for name, q := range list { // a search: order does not matter
		if q.Sign() < 0 || isWhole(name) && q.MilliValue()%1000 != 0 {
			for _, name := range sorted(list) {
				c.resourceQuantity(p.child(string(name)), name, list[name])
			}
			return
		}
	}
}

// nodeUpdate is ValidateNodeUpdate, for the node and for its status.
func (c *check) nodeUpdate(n, old *corev1.Node) {
	c.nodeResources(n)
	addresses := in("status.addresses")
	for i, a := range n.Status.Addresses {
		if slices.Contains(n.Status.Addresses[:i], a) {
			c.duplicate(addresses.at(i), a)
		}
	}
	if len(old.Spec.PodCIDRs) > 0 && !slices.Equal(n.Spec.PodCIDRs, old.Spec.PodCIDRs) {
		c.forbidden(spec.child("podCIDRs"), `node updates may not change podCIDR except from "" to valid`)
	}
	if was, now := old.Spec.ProviderID, n.Spec.ProviderID; was != "" && now == "" {
		c.invalid(spec.child("providerID"), nil, "field cannot be cleared once set")
	} else if was != "" && now != was {
		c.invalid(spec.child("providerID"), nil, "field cannot be modified once set")
	}
	c.taints(in("metadata.taints"), n.Spec.Taints)
	if n.Spec.DoNotUseExternalID != old.Spec.DoNotUseExternalID {
		c.forbidden(spec.child("externalID"), "may not be updated")
	}
}
