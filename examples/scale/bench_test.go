package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/statefulsim/statefulsim/sim"
)

var (
	full = flag.Bool("scale.full", false, "measure the largest clusters, which takes minutes and gigabytes, and not a small part of them")
	part = flag.Int("scale.part", 100, "measure the `N`th part of the largest clusters; -scale.full is 1")
)

// size returns a number, or the part of it that is asked for.
func size(n int) int {
	if *full {
		return n
	}
	return max(n / *part, 1)
}

// largest is the largest cluster that Kubernetes supports.
func largest() options {
	return options{
		nodes: size(5000), pods: size(150_000), sets: 30, claims: true, events: true,
		what: phases, unavailable: 1, policy: appsv1.ParallelPodManagement, memory: defaultMemory,
	}
}

// benchmark runs a scenario and reports what a pod costs. The peak of memory is
// the process's: measure one benchmark at a time.
func benchmark(b *testing.B, opt options) {
	for b.Loop() {
		require.NoError(b, scale(opt, bufio.NewWriter(io.Discard), io.Discard))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*opt.pods), "ns/pod")
	b.ReportMetric(float64(peakMemory())/(1<<20), "peak-MiB")
}

// BenchmarkLargest creates, updates and deletes 5,000 nodes' 150,000 pods, with
// claims, probes and Events.
//
//	go test ./examples/scale -run '^$' -bench Largest -benchtime 1x -scale.full
func BenchmarkLargest(b *testing.B) { benchmark(b, largest()) }

// BenchmarkMillion creates and deletes a million pods on 30,000 nodes, without
// claims and Events.
//
//	go test ./examples/scale -run '^$' -bench Million -benchtime 1x -timeout 60m -scale.full
func BenchmarkMillion(b *testing.B) {
	opt := largest()
	opt.nodes, opt.pods, opt.sets = size(30_000), size(1_000_000), 200
	opt.claims, opt.events, opt.what, opt.memory = false, false, []string{"create", "delete"}, 15
	benchmark(b, opt)
}

// BenchmarkOrdered creates a set of pods one after the other. What a pod costs
// must not grow with their number.
//
//	go test ./examples/scale -run '^$' -bench Ordered -benchtime 1x -scale.full
func BenchmarkOrdered(b *testing.B) {
	for _, pods := range []int{100, 1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("replicas=%d", pods), func(b *testing.B) {
			if pods > 1000 && !*full {
				b.Skip("-scale.full runs it")
			}
			benchmark(b, options{
				nodes: max(pods/30, 10), pods: pods, sets: 1, claims: true, events: true, what: []string{"create"},
				unavailable: 1, policy: appsv1.OrderedReadyPodManagement,
			})
		})
	}
}

// BenchmarkMemory says how much memory a pod that runs takes, with everything
// that exists because of it, and how much of it are its Events.
func BenchmarkMemory(b *testing.B) {
	for _, bc := range []struct {
		name           string
		claims, events bool
	}{{"plain", false, false}, {"claims", true, false}, {"claims+events", true, true}} {
		b.Run(bc.name, func(b *testing.B) {
			opt := largest()
			opt.nodes, opt.pods, opt.sets, opt.claims, opt.events = 100, 3000, 3, bc.claims, bc.events
			for b.Loop() {
				before := heapInUse()
				c := cluster(opt)
				require.NoError(b, begin(c, opt, "create"))
				for readyPods(c, opt) < opt.pods {
					require.NoError(b, c.Run(time.Second))
				}
				b.ReportMetric(float64(heapInUse()-before)/float64(opt.pods), "B/pod")
				runtime.KeepAlive(c)
			}
		})
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// readyPods adds up what the sets' status says.
func readyPods(c *sim.Cluster, opt options) (n int) {
	for i := range opt.sets {
		if set, err := sim.Get[*appsv1.StatefulSet](c, "", setName(i)); err == nil {
			n += int(set.Status.ReadyReplicas)
		}
	}
	return n
}
