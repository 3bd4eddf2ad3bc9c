package apiserver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

func TestExpiry(t *testing.T) {
	const n = 5000
	written := func(i int) expiring { return expiring{engine.Time(i), int32(i)} }
	end := func(i int) engine.Time { return engine.Time(i).Add(eventTTL) }
	var x expiry
	forks := map[int]expiry{}
	for i := range n {
		if i%700 == 0 {
			forks[i] = state.Copy(nil, x)
		}
		x.add(written(i))
	}
	for i := range n {
		require.False(t, x.isDue(end(i)-1))
		require.True(t, x.isDue(end(i)))
		require.Equal(t, written(i), x.take())
	}
	require.False(t, x.isDue(end(n)))

	for from, f := range forks { // each on its own
		f.add(written(n))
		var last expiring
		count := 0
		for f.isDue(end(n)) {
			last = f.take()
			count++
		}
		require.Equal(t, from+1, count)
		require.Equal(t, written(n), last)
	}
}
