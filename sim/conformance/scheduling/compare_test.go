package scheduling

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/kubernetes/pkg/features"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var states = flag.Int("states", 20000, "how many states to compare")

var survey = flag.String("survey", "", "a directory: do not fail, but file there one example of each kind of difference")

// sign files a difference by what it says, numbers aside.
func sign(dir, diff string, s *State, tally Tally) {
	var kind []string
	for _, line := range strings.Split(diff, "\n") {
		if line = numbers.ReplaceAllString(strings.Join(strings.Fields(line), " "), "#"); strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+") {
			kind = append(kind, line)
		}
	}
	slices.Sort(kind)
	name := "DIFF " + strings.Join(slices.Compact(kind), " ")
	if tally[name]++; tally[name] == 1 {
		h := fnv.New32()
		h.Write([]byte(name))
		_ = os.WriteFile(fmt.Sprintf("%s/%x.txt", dir, h.Sum32()), []byte(name+"\n"+diff+"\n"+s.String()), 0o644)
	}
}

var numbers = regexp.MustCompile(`n?[0-9]+`)

func TestMain(m *testing.M) { seeded.Main(m) }

// One cycle by the real scheduler and one by ours, from the same state.
func TestOneCycle(t *testing.T) {
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.SchedulerAsyncPreemption, false)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	real := NewReal(ctx)
	tally := Tally{}
	seeded.Check(t, 0, *states, func(rt *rapid.T) {
		s := draw(rt)
		diff := compare(real, s, tally)
		switch {
		case diff == "":
		case *survey != "":
			sign(*survey, diff, s, tally)
		default:
			rt.Fatalf("%s\nstate:\n%v", diff, s)
		}
	})
	t.Log(tally)
	if *states < 2000 || seeded.Replaying() {
		return
	}
	require.Less(t, tally.sum("invalid"), *states/100, "the generator draws too much that the server refuses")
	for _, mark := range marks {
		require.NotZero(t, tally.sum(mark), "no state showed: %s", mark)
	}
}

// marks are what some states must show, by the beginning of the tally's words.
var marks = []string{
	"decided: a node", "decided: 1 victims", "decided: 2 victims", "decided: no node", "scored with a difference",
	"prefilter VolumeBinding", "prefilter VolumeRestrictions", "prefilter VolumeZone",
	"filter NodeUnschedulable", "filter TaintToleration", "filter NodeAffinity", "filter NodePorts",
	"filter NodeResourcesFit: Insufficient cpu", "filter NodeResourcesFit: Too many pods",
	"filter VolumeRestrictions: node(s) had no", "filter VolumeRestrictions: node(s) unavailable",
	"filter VolumeBinding: node(s) didn't find", "filter VolumeBinding: node(s) didn't match", "filter VolumeZone",
	"filter PodTopologySpread: node(s) didn't match pod topology spread constraints",
	"filter InterPodAffinity: node(s) didn't match pod affinity", "filter InterPodAffinity: node(s) didn't match pod anti-affinity",
	"filter InterPodAffinity: node(s) didn't satisfy existing",
}

// compare returns how ours differs in a state, or "".
func compare(real *Real, s *State, tally Tally) string {
	c, err := Build(s)
	if err != nil {
		tally["invalid: "+numbers.ReplaceAllString(err.Error(), "#")]++
		return ""
	}
	real.load(c)
	want := real.Judge()
	got := c.Judge(real.selector())
	tally.count(&want)
	if diff := DiffVerdicts(want, got); diff != "" {
		return fmt.Sprintf("ours judges otherwise (-upstream +ours)\n%s\nupstream's scores: %v", diff, want.Parts)
	}
	theirs := real.Decide()
	ours := c.Decide()
	tally.decided(&theirs)
	if diff := real.diff(theirs, ours, c); diff != "" {
		return "ours decides otherwise (-upstream +ours)\n" + diff
	}
	return ""
}

// diff compares two decisions.
func (r *Real) diff(want, got Decision, c *Cluster) string {
	if best := r.Ties(); want.Node != got.Node && slices.Contains(best, want.Node) && slices.Contains(best, got.Node) {
		want.Node = got.Node // C5: any of the best
	}
	if want.Nominate != nil && *want.Nominate == c.nominated {
		want.Nominate = nil // changes nothing
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

// Tally counts what the states showed.
type Tally map[string]int

func (t Tally) count(v *Verdicts) {
	if v.PreFilter.Code != "" {
		t["prefilter "+v.PreFilter.Plugin]++
	}
	for _, n := range v.Nodes {
		for _, r := range n.Reasons {
			t["filter "+n.Plugin+": "+r]++
		}
		if n.Code == "" {
			t["feasible nodes"]++
		}
	}
	if v.Totals != nil {
		t["scored"]++
		if len(v.Best()) < len(v.Totals) {
			t["scored with a difference"]++
		}
	}
}

func (t Tally) decided(d *Decision) {
	switch {
	case d.Node != "":
		t["decided: a node"]++
	case len(d.Victims) > 0:
		t["decided: "+strconv.Itoa(len(d.Victims))+" victims"]++
	case d.IsError:
		t["decided: error"]++
	default:
		t["decided: no node"]++
	}
}

// sum adds the counts that begin with a word.
func (t Tally) sum(prefix string) (n int) {
	for name, count := range t { // a sum does not depend on the order
		if strings.HasPrefix(name, prefix) {
			n += count
		}
	}
	return n
}

// String prints the counts, sorted.
func (t Tally) String() string {
	var out string
	for _, k := range sortedKeys(t) {
		out += fmt.Sprintf("%8d %s\n", t[k], k)
	}
	return "\n" + out
}
