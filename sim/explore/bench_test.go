package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/explore"
)

// BenchmarkHistories is a random history of up to 16 commands, with all named properties.
func BenchmarkHistories(b *testing.B) {
	r, err := ordered.Histories(explore.Hunt{Seed: 1, Histories: b.N, Workers: 1, Raw: true})
	require.NoError(b, err)
	b.ReportMetric(float64(r.Histories)/b.Elapsed().Seconds(), "histories/s")
	b.ReportMetric(float64(r.Events)/b.Elapsed().Seconds(), "events/s")
}
