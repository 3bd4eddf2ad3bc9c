package dns

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// TestIndexEqualsRebuilt changes slices and Services at random; the index must
// be what one gets by starting anew from what is left.
func TestIndexEqualsRebuilt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(Config{})
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			svc := rapid.SampledFrom([]string{"web", "db"}).Draw(rt, "service")
			name := fmt.Sprint("slice-", rapid.IntRange(0, 2).Draw(rt, "slice"))
			switch rapid.IntRange(0, 5).Draw(rt, "action") {
			case 0:
				if old := w.stored[apiserver.EndpointSlice][apiserver.Key{Namespace: "default", Name: name}]; old != nil {
					w.remove(old)
				}
			case 1:
				w.put(service(svc, rapid.SampledFrom([]string{"None", "10.96.0.1", "10.96.0.2"}).Draw(rt, "ip")))
			case 2:
				if old := w.stored[apiserver.Service][apiserver.Key{Namespace: "default", Name: svc}]; old != nil {
					w.remove(old)
				}
			default:
				w.put(slice(svc, name, 80, rapid.SliceOfN(rapid.SampledFrom([]string{
					"a=10.0.0.1", "a=10.0.0.2", "b=10.0.0.2", "b=10.0.0.2!", "=10.0.0.3", "c=10.0.0.4",
				}), 0, 6).Draw(rt, "endpoints")...))
			}
		}
		fresh := newWorld(Config{})
		for _, kind := range []apiserver.Kind{apiserver.Service, apiserver.EndpointSlice} {
			for _, obj := range w.stored[kind] { // lists are sorted below
				fresh.put(obj)
			}
		}
		fresh.serial = w.serial
		for _, x := range []*Index{w.Index, fresh.Index} {
			for k := range x.hosts {
				x.hosts[k] = slices.Sorted(slices.Values(x.hosts[k]))
			}
			for k := range x.addrs {
				x.addrs[k] = slices.SortedFunc(slices.Values(x.addrs[k]), func(a, b place) int {
					return a.service.Compare(b.service)*10 + compareStrings(a.slice, b.slice)
				})
			}
		}
		// Two Services that claim one cluster IP cannot be: the server allocates it.
		fresh.clusterIPs, w.clusterIPs = nil, nil
		require.Equal(t, fresh.Index, w.Index)
	})
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// BenchmarkApply changes the first and the last endpoint of a full slice.
func BenchmarkApply(b *testing.B) {
	var endpoints []string
	for i := range 100 {
		endpoints = append(endpoints, fmt.Sprintf("web-%d=%s", i, at(i)))
	}
	up := slice("web", "web-a", 80, endpoints...)
	down := *up
	down.Endpoints = slices.Clone(up.Endpoints)
	for _, i := range []int{0, 99} {
		down.Endpoints[i].Conditions.Ready = new(false)
	}
	w := newWorld(Config{})
	b.ReportAllocs()
	for b.Loop() {
		w.put(up, &down)
	}
}
