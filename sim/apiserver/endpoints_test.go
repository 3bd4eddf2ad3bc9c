package apiserver

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	discoveryv1 "k8s.io/api/discovery/v1"
	"pgregory.net/rapid"
)

// TestChangedEndpoints changes, removes and appends endpoints at random: what
// is gone and what has come leads from the old list to the new one.
func TestChangedEndpoints(t *testing.T) {
	made := 0
	endpoint := func() discoveryv1.Endpoint {
		made++
		return discoveryv1.Endpoint{Addresses: []string{fmt.Sprint(made)}}
	}
	rapid.Check(t, func(rt *rapid.T) {
		var before, after []discoveryv1.Endpoint
		var gone, come []string
		for range rapid.IntRange(0, 10).Draw(rt, "before") {
			before = append(before, endpoint())
		}
		for _, ep := range before {
			what := rapid.SampledFrom([]string{"keep", "change", "remove"}).Draw(rt, "what")
			if what == "keep" {
				after = append(after, ep)
				continue
			}
			gone = append(gone, ep.Addresses[0])
			if what == "change" {
				after = append(after, endpoint())
				come = append(come, after[len(after)-1].Addresses[0])
			}
		}
		for range rapid.IntRange(0, 3).Draw(rt, "appended") {
			after = append(after, endpoint())
			come = append(come, after[len(after)-1].Addresses[0])
		}
		left, arrived := ChangedEndpoints(before, after)
		require.Equal(rt, gone, addresses(left))
		require.Equal(rt, come, addresses(arrived))
	})
}

func addresses(list []*discoveryv1.Endpoint) []string {
	var all []string
	for _, ep := range list {
		all = append(all, ep.Addresses[0])
	}
	return all
}
