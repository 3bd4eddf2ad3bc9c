package endpointslice

import (
	"fmt"
	"testing"

	"github.com/statefulsim/statefulsim/sim/controller"
)

// BenchmarkPodEvent is one change of readiness in a Service of n pods, from the
// pod's write to the slice's: it must not grow with n.
func BenchmarkPodEvent(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCluster(b, controller.Latency{})
			c.create(newNode("n1", ""))
			c.create(newService("web", nil))
			for i := range n {
				name := fmt.Sprintf("web-%d", i)
				c.create(newPod(name, "web", "n1", nil))
				c.ready(name, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
			}
			c.settle()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%2 == 0 {
					c.unready("web-50")
				} else {
					c.ready("web-50", "10.0.0.50")
				}
				c.settle()
			}
		})
	}
}
