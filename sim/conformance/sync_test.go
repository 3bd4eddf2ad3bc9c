package conformance

import (
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/kubernetes/pkg/features"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var states = flag.Int("states", 200_000, "how many states TestOneSync compares (5,000 with -short)")

func TestMain(m *testing.M) { seeded.Main(m) }

// gateSets are the combinations of the gates that change a StatefulSet's syncs.
var gateSets = []apiserver.Gates{
	{}, {Recreate: true}, {NoMaxUnavailable: true}, {NoMaxUnavailable: true, Recreate: true},
}

// One sync by the real controller and one by ours, from the same state: the same
// requests, objects, Events, status, and the same error or success.
func TestOneSync(t *testing.T) {
	n := *states
	if testing.Short() {
		n = min(n, 5000)
	}
	for i, g := range gateSets {
		t.Run(fmt.Sprintf("maxUnavailable=%v,recreate=%v", !g.NoMaxUnavailable, g.Recreate), func(t *testing.T) {
			// The real controller's gates are global: one combination at a time.
			featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.MaxUnavailableStatefulSet, !g.NoMaxUnavailable)
			featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.StatefulSetRecreateStrategy, g.Recreate)
			shards := runtime.GOMAXPROCS(0)
			t.Run("shards", func(t *testing.T) {
				for k := range shards {
					t.Run(strconv.Itoa(k), func(t *testing.T) {
						t.Parallel()
						seeded.Check(t, i*shards+k, n/len(gateSets)/shards, func(rt *rapid.T) { compare(rt, drawState(rt), g) })
					})
				}
			})
		})
	}
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// compare holds the two controllers against each other in one state.
func compare(t fataler, s *State, g apiserver.Gates) {
	t.Helper()
	c := build(s, g)
	u := newReference(c)
	// The second sync sees what the first has done, and is asked of controllers
	// that remember it: ours keeps its rosters, upstream a cache.
	rounds := 1
	if s.Seed%3 == 0 {
		rounds = 2
	}
	for round := range rounds {
		want, got := u.sync(), c.ours()
		if diff := c.Diff(want, got); diff != "" {
			t.Fatalf("ours decides otherwise in sync %d\n%s\nupstream:\n%s\nours:\n%s\nstate:\n%v", round, diff, show(want), show(got), s)
		}
		c.catchUp()
	}
}

func show(o Outcome) string {
	var b strings.Builder
	for _, c := range o.Calls {
		fmt.Fprintf(&b, "  %v\n", c)
	}
	for _, e := range o.Events {
		fmt.Fprintf(&b, "  event %s %s: %s\n", e.Type, e.Reason, e.Message)
	}
	fmt.Fprintf(&b, "  error %v, again after %v, then %v\n", o.Err, o.After, o.Again)
	return b.String()
}
