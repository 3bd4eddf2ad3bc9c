package daemons

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var states = flag.Int("states", 200, "how many histories to compare")

// plays is how often upstream may play a history until ours can do the same.
const plays = 60

func TestMain(m *testing.M) { seeded.Main(m) }

// Upstream's controller and ours leave the same behind at every rest (W17 to W22).
func TestHistories(t *testing.T) {
	marks, again := map[string]int{}, 0
	seeded.Check(t, 0, *states, func(rt *rapid.T) {
		s := drawScript(rt)
		want := upstream(t, s)
		got := follow(s, want)
		for i := 1; !slices.Equal(got, want) && i < plays; i++ {
			again++
			want = upstream(t, s)
			got = follow(s, want)
		}
		for _, m := range scenes {
			if slices.ContainsFunc(want, func(text string) bool { return strings.Contains(text, m) }) {
				marks[m]++
			}
		}
		if n := len(got) - 1; !slices.Equal(got, want) {
			rt.Fatalf("at step %d -upstream +ours:\n%s\nscript:\n%v", n, cmp.Diff(strings.Split(want[n], "\n"), strings.Split(got[n], "\n")), s)
		}
	})
	t.Logf("%5d times upstream was played again", again)
	for _, m := range scenes {
		t.Logf("%5d of %d histories show %s", marks[m], *states, m)
		if *states >= 2000 && !seeded.Replaying() && !t.Failed() {
			require.NotZero(t, marks[m], m)
		}
	}
}

// scenes are what the histories have to reach, as a diary shows it.
var scenes = []string{
	"FailedDaemonPod", "SucceededDaemonPod", "SuccessfulCreate", "SuccessfulDelete", "FailedCreate", "FailedDelete", "collisionCount",
	`"numberMisscheduled":1`, `"numberMisscheduled":2`, `"updatedNumberScheduled":3`, `"numberAvailable":3`, "of nobody", `"pod-template-generation":"4"`, "network-unavailable", `template.generation":"3"`,
}
