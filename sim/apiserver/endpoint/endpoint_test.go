package endpoint_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver/endpoint"
)

// Example updates the second of three endpoints, removes the third and appends
// another.
func Example() {
	ep := func(address string) discoveryv1.Endpoint { return discoveryv1.Endpoint{Addresses: []string{address}} }
	before := []discoveryv1.Endpoint{ep("10.0.0.1"), ep("10.0.0.2"), ep("10.0.0.3")}
	after := []discoveryv1.Endpoint{before[0], ep("10.0.0.2"), ep("10.0.0.4")}
	fmt.Println(endpoint.Changed(before, after))
	// Output: [1 2] [1 2]
}

// TestChanged changes, removes and appends endpoints at random.
func TestChanged(t *testing.T) {
	made := 0
	another := func() discoveryv1.Endpoint {
		made++
		return discoveryv1.Endpoint{Addresses: []string{fmt.Sprint(made)}}
	}
	rapid.Check(t, func(rt *rapid.T) {
		var before, after []discoveryv1.Endpoint
		var gone, come []int
		for range rapid.IntRange(0, 10).Draw(rt, "before") {
			before = append(before, another())
		}
		for i, ep := range before {
			what := rapid.SampledFrom([]string{"keep", "change", "remove"}).Draw(rt, "what")
			if what == "keep" {
				after = append(after, ep)
				continue
			}
			gone = append(gone, i)
			if what == "change" {
				come = append(come, len(after))
				after = append(after, another())
			}
		}
		for range rapid.IntRange(0, 3).Draw(rt, "appended") {
			come = append(come, len(after))
			after = append(after, another())
		}
		wasGone, hasCome := endpoint.Changed(before, after)
		require.Equal(rt, gone, wasGone)
		require.Equal(rt, come, hasCome)
	})
}

// TestIsShared changes one field at a time: what is equal, and copied, is not
// shared.
func TestIsShared(t *testing.T) {
	full := discoveryv1.Endpoint{
		Addresses:  []string{"10.0.0.1"},
		Conditions: discoveryv1.EndpointConditions{Ready: new(true), Serving: new(true), Terminating: new(false)},
		Hostname:   new("web-0"), NodeName: new("n1"), Zone: new("z1"),
	}
	taken := full
	require.True(t, endpoint.IsShared(&full, &taken))
	for _, change := range []func(*discoveryv1.Endpoint){
		func(ep *discoveryv1.Endpoint) { ep.Addresses = []string{"10.0.0.1"} },
		func(ep *discoveryv1.Endpoint) { ep.Addresses = nil },
		func(ep *discoveryv1.Endpoint) { ep.Conditions.Ready = new(true) },
		func(ep *discoveryv1.Endpoint) { ep.Conditions.Serving = nil },
		func(ep *discoveryv1.Endpoint) { ep.Conditions.Terminating = new(true) },
		func(ep *discoveryv1.Endpoint) { ep.Hostname = new("web-1") },
		func(ep *discoveryv1.Endpoint) { ep.NodeName = nil },
		func(ep *discoveryv1.Endpoint) { ep.Zone = new("z2") },
		func(ep *discoveryv1.Endpoint) { ep.TargetRef = new(corev1.ObjectReference) },
		func(ep *discoveryv1.Endpoint) { ep.Hints = new(discoveryv1.EndpointHints) },
		func(ep *discoveryv1.Endpoint) { ep.DeprecatedTopology = map[string]string{"a": "b"} },
	} {
		other := full
		change(&other)
		require.False(t, endpoint.IsShared(&full, &other))
		require.False(t, endpoint.IsShared(&other, &full))
	}
}
