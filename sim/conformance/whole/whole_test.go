package whole

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/kubernetes/pkg/features"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// usual is how many scripts come into every situation by far.
const usual = 800

var (
	scripts = flag.Int("scripts", usual, "how many scripts TestScripts compares (a quarter with -short)")
	first   = flag.Uint64("seed", 1, "where TestScripts begins")
)

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("rapid.nofailfile", "true") // a seed and the script itself are printed
	runtime.GOMAXPROCS(1)                // fewer of the real controller's goroutines race
	os.Exit(m.Run())
}

func withGates(t *testing.T, g apiserver.Gates) {
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.StatefulSetRecreateStrategy, g.Recreate)
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func diff(want, got []string) string { return cmp.Diff(want, got) }

// maxPlays is how often the real controller is played a script at the most.
const maxPlays = 20

// compare plays a script to both controllers. Where the real one's goroutines
// race, it does not always do the same (see doc.go): ours has to do what it does
// sometimes. The marks are those of its first play.
func compare(t *testing.T, f fataler, s script, g apiserver.Gates) (diary, marks) {
	f.Helper()
	got := ours(s, g)
	want, m := upstream(t, s, g)
	d := differ(s, want, got, diff)
	for n := 1; d != "" && n < maxPlays; n++ {
		if again, _ := upstream(t, s, g); differ(s, again, got, diff) == "" {
			m["played again"]++
			return again, m
		}
	}
	if d != "" {
		f.Fatalf("ours leaves something else behind\n%s\nscript:\n%v", d, s)
	}
	return want, m
}

// The real controller, whole, and ours leave the same behind at every rest.
func TestScripts(t *testing.T) {
	n := *scripts
	if testing.Short() {
		n = min(n, usual/4)
	}
	reached := marks{}
	for i, g := range []apiserver.Gates{{}, {Recreate: true}} {
		t.Run("recreate="+strconv.FormatBool(g.Recreate), func(t *testing.T) {
			withGates(t, g)
			check(t, i, n/2, func(rt *rapid.T) {
				_, m := compare(t, rt, drawScript(rt, g.Recreate), g)
				for k, n := range m {
					reached[k] += n
				}
			})
		})
	}
	t.Logf("%6d scripts of %d were played again", reached["played again"], n)
	require.LessOrEqual(t, reached["played again"], n/50, "what is open is rare")
	for _, s := range situations {
		t.Logf("%6d times: %s", reached[s], s)
		if n >= usual && flag.Lookup("rapid.seed").Value.String() == "0" {
			require.NotZero(t, reached[s], s)
		}
	}
}

// check is rapid.Check with n scripts from the seed of a part. A seed given by
// -rapid.seed is a script that failed: that one alone is looked at.
func check(t *testing.T, part, n int, prop func(*rapid.T)) {
	t.Helper()
	was := flag.Lookup("rapid.seed").Value.String()
	defer flag.Set("rapid.seed", was)
	if was == "0" {
		require.NoError(t, flag.Set("rapid.seed", strconv.FormatUint(*first*1_000_003+uint64(part)<<40, 10)))
	} else {
		n = 1
	}
	if testing.Short() {
		n *= 5 // rapid does a fifth of what it is told
	}
	require.NoError(t, flag.Set("rapid.checks", strconv.Itoa(n)))
	rapid.Check(t, prop)
}
