package rig

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

// plays is how often upstream may play a history until it does what ours does: in
// which order it walks a map, and which of several requests a fault meets, is chance
// there. Few histories are played more than once.
const plays = 100

// wanted is how many histories have to show all scenes.
const wanted = 200

// Compare draws scripts and has both sides play them. The scenes are words that
// the histories have to show between them, so that they are worth something.
func Compare(t *testing.T, shard, states int, scenes []string, draw func(*rapid.T) Script, upstream, ours func(Script) string) {
	marks, again := map[string]int{}, 0
	seeded.Check(t, shard, states, func(rt *rapid.T) {
		s := draw(rt)
		want, got := upstream(s), ours(s)
		for _, m := range scenes {
			if strings.Contains(want, m) {
				marks[m]++
			}
		}
		for i := 1; got != want && i < plays; i++ {
			again++
			want = upstream(s)
		}
		if got != want {
			rt.Fatalf("-upstream +ours:\n%s\nscript:\n%v", cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")), s)
		}
	})
	t.Logf("%5d times upstream was played again", again)
	for _, m := range scenes {
		t.Logf("%5d of %d histories show %s", marks[m], states, m)
		if states >= wanted && !seeded.Replaying() && !testing.Short() && !t.Failed() {
			require.NotZero(t, marks[m], m)
		}
	}
}
