package statefulset

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// grow creates a set with n replicas, updates it, and scales it away; it returns
// how many pods the controller looked at for each record that it observed.
func grow(t tb, n int32, edits ...func(*appsv1.StatefulSet)) (perRecord float64) {
	c := newCluster(t)
	c.quiet = true
	c.create(web(n, edits...))
	c.settle()
	require.Equal(t, n, c.set("web").Status.ReadyReplicas)
	before := c.ctl.Examined()
	c.observed = 0
	c.image("web", "b")
	c.settle()
	require.Equal(t, n, c.set("web").Status.UpdatedReplicas)
	c.scale("web", 0)
	c.settle()
	require.Equal(t, 0, c.host.Server().Count(apiserver.Pod))
	return float64(c.ctl.Examined()-before) / float64(c.observed)
}

// What the controller does for one event does not grow with the set.
func TestWorkPerEventIsFlat(t *testing.T) {
	for name, edits := range map[string][]func(*appsv1.StatefulSet){"ordered": nil, "parallel": {parallel}} {
		t.Run(name, func(t *testing.T) {
			small := grow(t, 10, edits...)
			large := grow(t, 10000, edits...)
			t.Logf("pods looked at per record: %.2f for 10 replicas, %.2f for 10,000", small, large)
			require.LessOrEqual(t, large, 1.2*small)
			require.Less(t, large, 4.0)
		})
	}
}

func BenchmarkOrdered1000(b *testing.B) {
	for b.Loop() {
		grow(b, 1000)
	}
}

func BenchmarkOrdered10000(b *testing.B) {
	for b.Loop() {
		grow(b, 10000)
	}
}

func BenchmarkParallel1000(b *testing.B) {
	for b.Loop() {
		grow(b, 1000, parallel)
	}
}

func BenchmarkParallel5000(b *testing.B) {
	for b.Loop() {
		grow(b, 5000, parallel)
	}
}
