package apiserver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/engine"
)

func TestExpiry(t *testing.T) {
	const n = 5000
	written := func(i int) expiring { return expiring{engine.Time(i), int32(i)} }
	end := func(i int) engine.Time { return engine.Time(i).Add(eventTTL) }
	var x expiry
	forks := map[int]expiry{}
	for i := range n {
		if i%700 == 0 {
			forks[i] = x.fork()
		}
		x.add(written(i))
	}
	for i := range n {
		_, early := x.due(end(i) - 1)
		require.False(t, early)
		e, ok := x.due(end(i))
		require.True(t, ok)
		require.Equal(t, written(i), e)
	}
	_, ok := x.due(end(n))
	require.False(t, ok)

	for from, f := range forks { // each on its own
		f.add(written(n))
		var last expiring
		count := 0
		for e, ok := f.due(end(n)); ok; e, ok = f.due(end(n)) {
			last = e
			count++
		}
		require.Equal(t, from+1, count)
		require.Equal(t, written(n), last)
	}
}
