package playground

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkStory plays the longest lesson step by step, as a page does; ms/slowest is
// the slowest of its steps.
func BenchmarkStory(b *testing.B) {
	for range b.N {
		var p Playground
		ask := func(request string) (r Response) {
			require.NoError(b, json.Unmarshal(p.Call([]byte(request)), &r))
			require.Empty(b, r.Error)
			return r
		}
		for r := ask(`{"op":"open","lesson":"story"}`); r.Next != nil; {
			r = ask(`{"op":"next"}`)
		}
	}
}
