package volume_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume"
)

// BenchmarkBindPool binds a pool of equal volumes to as many claims; the cost is
// that of one claim and one volume, API server included.
func BenchmarkBindPool(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				c := newBench(b, controller.Latency{}, 1, volume.NewBinder(volume.Config{}), volume.NewClaimProtection(), volume.NewVolumeProtection())
				for i := range n {
					c.create(nfs(fmt.Sprintf("nfs-%d", i)))
				}
				for c.host.Step() {
				}
				for i := range n {
					c.create(pvc(fmt.Sprintf("c-%d", i)))
				}
				for c.host.Step() {
				}
				c.host.Drain()
				require.Equal(b, corev1.ClaimBound, c.claim(fmt.Sprintf("c-%d", n-1)).Status.Phase)
				require.Less(b, time.Duration(c.host.Engine().Now()), time.Second)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/claim")
		})
	}
}
