package deploying

import (
	"flag"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var states = flag.Int("states", 200, "how many histories to compare")

// plays is how often upstream may play a history until it does what ours does:
// it does not always do the same.
const plays = 60

func TestMain(m *testing.M) { seeded.Main(m) }

// Upstream's controllers and ours leave the same behind at every rest (W1 to W12).
func TestHistories(t *testing.T) {
	marks, again := map[string]int{}, 0
	seeded.Check(t, 0, *states, func(rt *rapid.T) {
		s := drawScript(rt)
		want := upstream(t, s)
		for _, m := range scenes {
			if strings.Contains(want, m) {
				marks[m]++
			}
		}
		got := ours(s)
		for i := 1; got != want && i < plays; i++ {
			again++
			want = upstream(t, s)
		}
		if got != want {
			rt.Fatalf("-upstream +ours:\n%s\nscript:\n%v", cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")), s)
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
	"NewReplicaSetAvailable", "ReplicaSetUpdated", "ProgressDeadlineExceeded", "DeploymentPaused", "DeploymentResumed", "NewReplicaSetCreated",
	"MinimumReplicasUnavailable", "MinimumReplicasAvailable", "ReplicaFailure", "FailedCreate", "FailedDelete", "SuccessfulDelete", "revision-history",
	"DeploymentRollback:", "DeploymentRollbackRevisionNotFound", "DeploymentRollbackTemplateUnchanged", "Scaled up", "Scaled down", "pod s1 of lone", "of nobody", "collisionCount",
}
