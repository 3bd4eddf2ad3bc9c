package endpointslice

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"
)

// TestSameEndpoint holds isSameEndpoint against upstream's hash.
func TestSameEndpoint(t *testing.T) {
	endpoint := func(rt *rapid.T) *discoveryv1.Endpoint {
		few := rapid.SampledFrom([]string{"", "a", "b"})
		ep := &discoveryv1.Endpoint{Addresses: rapid.SliceOfN(few, 0, 2).Draw(rt, "addresses")}
		if name := few.Draw(rt, "hostname"); name != "b" { // a name that is empty counts as none
			ep.Hostname = &name
		}
		if rapid.Bool().Draw(rt, "target") {
			ep.TargetRef = &corev1.ObjectReference{Namespace: "a" + few.Draw(rt, "namespace"), Name: "a" + few.Draw(rt, "name")}
		}
		return ep
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := endpoint(rt), endpoint(rt)
		require.Equal(rt, identityOf(a) == identityOf(b), isSameEndpoint(a, b))
	})
}
