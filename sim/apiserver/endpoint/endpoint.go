package endpoint

import (
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// Changed compares the endpoints of a slice with those of its predecessor, and
// returns the places, ascending, of those that are gone from the old list and of
// those that have come with the new one. What changed in place is among both.
func Changed(before, after []discoveryv1.Endpoint) (gone, come []int) {
	i := 0 // what stands before it is accounted for
	for j := range after {
		k := i
		for k < len(before) && !IsShared(&before[k], &after[j]) {
			k++
		}
		if k == len(before) {
			come = append(come, j)
			continue
		}
		for ; i < k; i++ {
			gone = append(gone, i)
		}
		i++
	}
	for ; i < len(before); i++ {
		gone = append(gone, i)
	}
	return gone, come
}

// IsShared reports whether two endpoints point to the same memory, and so are
// equal.
func IsShared(a, b *discoveryv1.Endpoint) bool {
	return a.TargetRef == b.TargetRef && a.Conditions == b.Conditions && a.Hostname == b.Hostname &&
		a.NodeName == b.NodeName && a.Zone == b.Zone && a.Hints == b.Hints &&
		shared.List(a.Addresses, b.Addresses) &&
		len(a.DeprecatedTopology) == 0 && len(b.DeprecatedTopology) == 0
}
