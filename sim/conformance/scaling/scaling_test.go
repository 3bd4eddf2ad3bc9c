package scaling

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

// plays is how often upstream may play a history until it does what ours does: which
// of two things of one instant comes first is a race.
const plays = 50

func TestMain(m *testing.M) { seeded.Main(m) }

// Upstream's controller and ours leave the same behind at every rest (W13 to W16).
func TestHistories(t *testing.T) {
	marks := map[string]int{}
	seeded.Check(t, 0, *states, func(rt *rapid.T) {
		s := drawScript(rt)
		want, got := upstream(t, s), ours(s)
		for i := 1; got != want && i < plays; i++ {
			want = upstream(t, s)
		}
		for _, m := range scenes {
			if strings.Contains(want, m) {
				marks[m]++
			}
		}
		if got != want {
			rt.Fatalf("-upstream +ours:\n%s\nscript:\n%v", cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")), s)
		}
	})
	for _, m := range scenes {
		t.Logf("%5d of %d histories show %s", marks[m], *states, m)
		if *states >= 2000 && !seeded.Replaying() && !t.Failed() {
			require.NotZero(t, marks[m], m)
		}
	}
}

// scenes are what the histories have to reach, as a diary shows it.
var scenes = []string{
	"Spec.MinReplicas", "Spec.MaxReplicas", "ScalingDisabled", "FailedGetScale", "above target", "All metrics below target", "ReadyForNewScale",
	"ScaleDownStabilized", "ScaleUpStabilized", "ScaleUpLimit", "ScaleDownLimit", "TooManyReplicas", "TooFewReplicas", "AmbiguousSelector",
	"FailedGetResourceMetric", "FailedGetContainerResourceMetric", "FailedGetPodsMetric", "FailedGetObjectMetric", "FailedGetExternalMetric",
	"FailedComputeMetricsReplicas", "missing request", "pods might be unready", "FailedRescale", "FailedUpdateStatus", "FailedUpdateScale", "the HPA controller scaled the workload to zero",
}
