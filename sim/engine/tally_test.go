package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim/state"
)

// A name that keeps coming up is counted exactly, however many others come and
// go, and memory stays bounded.
func TestTally(t *testing.T) {
	tally := Tally{limit: 10}
	const often = 1_000_000
	for i := range uint64(1000) {
		count, turn := tally.Next(i)
		assert.Zero(t, count)
		if i < 10 {
			assert.Zero(t, turn)
		}
		count, _ = tally.Next(often)
		assert.EqualValues(t, i, count)
		assert.LessOrEqual(t, tally.Len(), 20)
	}
	count, turn := tally.Next(0)
	assert.Zero(t, count, "forgotten")
	assert.NotZero(t, turn, "which can be told from the first time")
}

func TestTallyFork(t *testing.T) {
	a := Tally{limit: 3}
	a.Next(1)
	b := state.Copy(nil, a)
	for i := range uint64(9) {
		a.Next(i)
	}
	count, _ := b.Next(1)
	assert.EqualValues(t, 1, count)
	c := state.Copy(nil, b)
	b.Next(1)
	count, _ = c.Next(1)
	assert.EqualValues(t, 2, count)
}
