package simtest_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/simtest"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// The decisions stay the same: random operations with faults have one history,
// byte for byte, whether components keep account of what has changed or look at
// everything.
func TestNaiveHasTheSameHistory(t *testing.T) {
	draw := rapid.Custom(simtest.Trial{}.Draw)
	records := 0
	for seed := range 60 {
		script := draw.Example(seed)
		history := func(naive bool) string {
			trial := simtest.Trial{Config: func() sim.Config { return sim.Config{Naive: naive} }}
			c, err := trial.Run(script)
			require.NoError(t, err)
			records += len(c.History())
			var b bytes.Buffer
			w := trace.NewWriter(&b)
			for _, rec := range c.History() {
				require.NoError(t, w.Write(rec))
			}
			return b.String()
		}
		fast, slow := history(false), history(true)
		if fast != slow {
			t.Fatalf("seed %d: the fast ways (+) decide otherwise than the naive ones (-):\n%s\n%v", seed,
				firstDifference(strings.Split(slow, "\n"), strings.Split(fast, "\n")), script)
		}
	}
	t.Logf("%d records", records)
}

func firstDifference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return cmp.Diff(a[max(i-2, 0):i+1], b[max(i-2, 0):i+1])
		}
	}
	return "one goes on where the other ends"
}
