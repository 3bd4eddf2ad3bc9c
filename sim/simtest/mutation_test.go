package simtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

// Whatever happens to a cluster, no component changes an object that is stored.
func TestNoOperationMutates(t *testing.T) {
	trial := simtest.Trial{Config: func() sim.Config { return sim.Config{DetectMutation: true} }}
	draw := rapid.Custom(trial.Draw)
	for seed := range 40 {
		c, err := trial.Run(draw.Example(seed))
		require.NoError(t, err)
		c.CheckMutations()
	}
}
