package apiserver

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/state"
)

// An index finds what was filed and not taken out, whatever its hashes.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var x index
		hashes := map[int32]uint32{} // by place
		check := func(x *index) {
			require.Equal(rt, len(hashes), x.n)
			for place, hash := range hashes {
				found, ok := x.find(hash, func(p int32) bool { return p == place })
				require.True(rt, ok)
				require.Equal(rt, place, found)
			}
			_, ok := x.find(rapid.Uint32().Draw(rt, "other"), func(int32) bool { return false })
			require.False(rt, ok)
		}
		next := int32(0)
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(rt *rapid.T) {
				hash := rapid.OneOf(rapid.Uint32Range(0, 9), rapid.Uint32()).Draw(rt, "hash")
				x.add(hash, next)
				hashes[next] = hash
				next++
			},
			"remove": func(rt *rapid.T) {
				if next == 0 {
					return
				}
				place := rapid.Int32Range(0, next-1).Draw(rt, "place")
				if hash, ok := hashes[place]; ok {
					x.remove(hash, place)
					delete(hashes, place)
				}
			},
			"fork": func(*rapid.T) {
				other := state.Copy(nil, x)
				x.add(1, next)
				check(&other)
				x = other
			},
			"": func(*rapid.T) { check(&x) },
		})
	})
}
