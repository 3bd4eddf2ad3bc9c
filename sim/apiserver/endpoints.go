package apiserver

import (
	discoveryv1 "k8s.io/api/discovery/v1"
)

// ChangedEndpoints compares the endpoints of a slice with those of its
// predecessor, and returns those that are gone and those that have come. An
// endpoint that changed is among both.
//
// Endpoints that a successor has taken over share all their memory with their
// predecessors: they are told by that alone, which costs next to nothing. One
// that was copied counts as changed.
func ChangedEndpoints(before, after []discoveryv1.Endpoint) (gone, come []*discoveryv1.Endpoint) {
	i := 0
	for j := range after {
		k := i
		for k < len(before) && !isShared(&before[k], &after[j]) {
			k++
		}
		if k == len(before) {
			come = append(come, &after[j])
			continue
		}
		for ; i < k; i++ {
			gone = append(gone, &before[i])
		}
		i++
	}
	for ; i < len(before); i++ {
		gone = append(gone, &before[i])
	}
	return gone, come
}

// isShared reports whether two endpoints point to the same memory, and so are
// equal.
func isShared(a, b *discoveryv1.Endpoint) bool {
	return a.TargetRef == b.TargetRef && a.Conditions == b.Conditions && a.Hostname == b.Hostname &&
		a.NodeName == b.NodeName && a.Zone == b.Zone && a.Hints == b.Hints &&
		len(a.Addresses) == len(b.Addresses) && (len(a.Addresses) == 0 || &a.Addresses[0] == &b.Addresses[0]) &&
		len(a.DeprecatedTopology) == 0 && len(b.DeprecatedTopology) == 0
}
