package apiserver

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/engine"
)

func TestExpiry(t *testing.T) {
	const n = 5000
	var x expiry
	forks := map[int]expiry{}
	for i := range n {
		if i%700 == 0 {
			forks[i] = x.fork()
		}
		x.add(expiring{engine.Time(i), Key{Name: strconv.Itoa(i)}})
	}
	for i := range n {
		_, early := x.due(engine.Time(i - 1))
		require.False(t, early)
		key, ok := x.due(engine.Time(i))
		require.True(t, ok)
		require.Equal(t, strconv.Itoa(i), key.Name)
	}
	_, ok := x.due(n)
	require.False(t, ok)

	for from, f := range forks { // each on its own
		f.add(expiring{n, Key{Name: "own"}})
		var last Key
		count := 0
		for key, ok := f.due(n); ok; key, ok = f.due(n) {
			last = key
			count++
		}
		require.Equal(t, from+1, count)
		require.Equal(t, "own", last.Name)
	}
}
