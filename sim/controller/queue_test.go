package controller

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/state"
)

func TestQueue(t *testing.T) {
	var q queue[int]
	in, out := 0, 0
	push := func() { in++; q.push(in) }
	pop := func() {
		out++
		require.Equal(t, out, q.first())
		require.Equal(t, out, q.pop())
	}
	for length := range 20 {
		for q.len() < length { // longer each time, so that it has to grow with some taken
			push()
		}
		f, want := state.Copy(nil, q), slices.Clone(q.all())
		for q.len() > length/3 {
			pop()
		}
		for range 40 {
			push()
			pop()
		}
		require.Equal(t, want, f.all(), "the fork sees none of it")
	}
}

func TestQueueUsesItsMemoryAgain(t *testing.T) {
	var q queue[int]
	q.push(1)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		q.pop()
		q.push(1)
	}))
	for range 3 {
		q.push(1)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		q.pop()
		q.push(1)
	}), "never empty")
}
