package sim_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
)

func BenchmarkFork(b *testing.B) {
	for _, n := range []int{3, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := sim.New(sim.Config{Provision: true})
			_, err := c.Apply(parallelSet("web", n))
			require.NoError(b, err)
			settle(b, c)
			b.ReportAllocs()
			for b.Loop() {
				c.Fork()
			}
		})
	}
}
