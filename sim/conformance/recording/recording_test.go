package recording

import (
	"flag"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var states = flag.Int("states", 600, "how many sequences of notes to compare")

func TestMain(m *testing.M) { seeded.Main(m) }

// Both recorders write the same Events about the same notes (A10).
func TestNotes(t *testing.T) {
	marks := map[string]int{}
	seeded.Check(t, 0, *states, func(rt *rapid.T) {
		s := drawScript(rt)
		want, trail := upstream(s, marks)
		marks["forgotten"] += len(trail)
		if got := ours(s, trail); !slices.Equal(want, got) {
			rt.Fatalf("-upstream +ours:\n%s\nscript:\n%v", cmp.Diff(want, got), s)
		}
	})
	t.Logf("%v", marks)
	if seeded.Replaying() || t.Failed() {
		return
	}
	for _, mark := range []string{"created", "patched", "combined", "spam", "created again", "refused", "erased", "odd type", "forgotten"} {
		require.NotZero(t, marks[mark], mark)
	}
}
