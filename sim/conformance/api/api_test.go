package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/kubernetes/pkg/features"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var (
	states = flag.Int("states", 24000, "how many requests to compare")
	survey = flag.Int("survey", 0, "print up to so many differences of each kind and do not fail")
)

func TestMain(m *testing.M) { seeded.Main(m) }

// Upstream's server and ours answer the same to the same request.
func TestRequests(t *testing.T) {
	shares := 0
	for _, k := range kinds {
		shares += k.share
	}
	for i, k := range kinds {
		t.Run(k.gvk.Kind, func(t *testing.T) {
			check(t, i, k, max(*states*k.share/shares, 1), validation.Options{MaxUnavailable: true})
		})
	}
}

// The bases are valid and complete, so that a change of one place shows what it
// does.
func TestBases(t *testing.T) {
	for _, k := range kinds {
		for _, tree := range bases(k) {
			obj := k.decode(tree)
			require.NotNil(t, obj, tree)
			u := newUpstream(k, obj, "")
			in := u.defaulted(obj)
			u.prepareCreate(in)
			require.Empty(t, texts(u.validateCreate(in)), "%s %s", k.gvk.Kind, obj.GetName())
			require.NotNil(t, stored(k, tree), "the status of %s %s", k.gvk.Kind, obj.GetName())
		}
	}
}

// The gates of StatefulSets, on and off.
func TestGates(t *testing.T) {
	for i, o := range []validation.Options{{}, {Recreate: true}, {MaxUnavailable: true, Recreate: true}} {
		t.Run(fmt.Sprintf("maxUnavailable=%v,recreate=%v", o.MaxUnavailable, o.Recreate), func(t *testing.T) {
			featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.MaxUnavailableStatefulSet, o.MaxUnavailable)
			featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.StatefulSetRecreateStrategy, o.Recreate)
			check(t, len(kinds)+i, kinds[0], max(*states/50, 1), o)
		})
	}
}

func check(t *testing.T, shard int, k kind, count int, o validation.Options) {
	list := bases(k)
	require.NotEmpty(t, list)
	left, refused, broken := *survey, 0, 0
	seen := map[string]bool{}
	seeded.Check(t, shard, count, func(t *rapid.T) {
		r := drawRequest(t, k, list)
		if r == nil {
			broken++
			return
		}
		r.options = o
		diff, errs := r.diff()
		if len(errs) > 0 {
			refused++
		}
		switch {
		case diff == "":
		case *survey == 0:
			t.Fatalf("%s\nobject: %s\nold: %s", diff, show(r.obj), show(r.old))
		case left > 0 && !seen[gist(diff)]:
			left--
			seen[gist(diff)] = true
			fmt.Println(diff)
		}
	})
	t.Logf("%d requests, %d refused by both, %d not of the kind's form", count, refused, broken)
}

// gist is what tells one kind of difference from another, roughly.
func gist(diff string) string {
	_, body, _ := strings.Cut(diff, "\n")
	return volatile.ReplaceAllString(body, "")
}

var volatile = regexp.MustCompile("\"[^\"]*\"|`[^`]*?: |\\d+|(?m)^  .*$")

func show(obj object) string {
	text, err := json.Marshal(obj)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
