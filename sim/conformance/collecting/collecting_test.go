package collecting

import (
	"flag"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var states = flag.Int("states", 3000, "how many histories TestHistories compares")

func TestMain(m *testing.M) { seeded.Main(m) }

// Upstream's collector and ours leave the same behind at every rest, and ask
// for the same on the way.
func TestHistories(t *testing.T) {
	reached := map[string]int{}
	seeded.Check(t, 0, *states, func(rt *rapid.T) {
		s := drawScript(rt)
		theirs := upstream(t, s, 0)
		for _, sc := range scenes {
			if sc.shows.MatchString(theirs.String()) {
				reached[sc.name]++
			}
		}
		f := search{script: s, want: theirs.rests}
		if !f.found() {
			rt.Fatalf("nothing that we do at rest %d is what upstream did; the closest (-upstream +ours):\n%s\nscript:\n%v\nupstream:\n%v", f.deepest,
				cmp.Diff(strings.Split(f.want[f.deepest], "\n"), strings.Split(f.closest, "\n")), s, theirs)
		}
	})
	for _, sc := range scenes {
		t.Logf("%5d of %d histories show %s", reached[sc.name], *states, sc.name)
		if *states >= 3000 && !seeded.Replaying() && !testing.Short() && !t.Failed() {
			require.NotZero(t, reached[sc.name], sc.name)
		}
	}
}

// scenes are what the histories have to reach, as a diary shows it.
var scenes = []struct {
	name  string
	shows *regexp.Regexp
}{
	{"a dependent deleted in the background (S38)", regexp.MustCompile(`asked: delete \S+ \S+ Background .*versioned=true\n`)},
	{"a dependent deleted in the foreground, because its owner is (S39)", regexp.MustCompile(`asked: delete \S+ \S+ Foreground .*versioned=true\n`)},
	{"a dependent deleted as an orphaner, because its finalizer says so", regexp.MustCompile(`asked: delete \S+ \S+ Orphan `)},
	{"an owner that waits for its dependents", regexp.MustCompile(`  \S+ \S+ \S+ .*finalizers \[.*foregroundDeletion.*deleting`)},
	{"an owner released after its dependents", regexp.MustCompile(`did: .* -foregroundDeletion`)},
	{"an owner gone after its dependents are orphans (S40)", regexp.MustCompile(`did: .* -orphan`)},
	{"a reference taken off", regexp.MustCompile(`did: .*: -\S+/\S+/`)},
	{"a circle, unblocked", regexp.MustCompile(`did: .* -(\S+),b=true.* \+\S+,b=false`)},
	{"a reference that blocks still", regexp.MustCompile(`owners .*b=true.*deleting`)},
	{"an object kept by somebody else's finalizer (A9)", regexp.MustCompile(`finalizers \[example.com/hold\] deleting`)},
	{"a pod in its grace period (A9)", regexp.MustCompile(`  Pod .* deleting 30`)},
	{"a claim kept by its protection", regexp.MustCompile(`  PersistentVolumeClaim .*pvc-protection\] deleting`)},
	{"a dependent of an earlier object of the name, gone", regexp.MustCompile(`did: \S+ \S+ \S+: gone`)},
	{"the Event about a foreign namespace", regexp.MustCompile(`OwnerRefInvalidNamespace: ownerRef .* does not exist in namespace "\w+"`)},
	{"the Event about a cluster-wide dependent", regexp.MustCompile(`OwnerRefInvalidNamespace: .* does not exist in namespace ""`)},
	{"a cluster-wide object with a namespaced owner", regexp.MustCompile(`  Node .*owners .*(StatefulSet|Revision|Pod|Claim|Service)`)},
	{"an owner of an unknown kind", regexp.MustCompile(`  \S+ \S+ \S+ owners .*example.com/v1/Widget`)},
	{"a deletion that meets a conflict", regexp.MustCompile(`asked: delete .* → Conflict`)},
	{"a deletion again, of whatever version", regexp.MustCompile(`asked: delete .*versioned=false`)},
	{"a deletion that fails", regexp.MustCompile(`asked: delete .* → InternalError`)},
	{"a deletion of what is gone", regexp.MustCompile(`asked: delete .* → NotFound`)},
	{"a patch that meets a conflict", regexp.MustCompile(`asked: patch .* → Conflict`)},
	{"a patch that fails", regexp.MustCompile(`asked: patch .* → (InternalError|Forbidden)`)},
	{"a patch of what is gone", regexp.MustCompile(`asked: patch .* → NotFound`)},
}

// The dependents of a set go in any order (S38): over many runs both sides show
// every one.
func TestOrders(t *testing.T) {
	set := pool[4]
	s := script{before: append(namespaces(), step{verb: "create", object: set})}
	for _, o := range []object{pool[0], pool[6], pool[7]} {
		s.before = append(s.before, step{verb: "create", object: o, owners: []owner{{object: set, block: yes, controller: yes}}})
	}
	for _, p := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground} {
		s.steps = []step{{verb: "delete", object: set, propagation: p, pause: 3 * time.Second}}
		theirs, our := map[string]int{}, map[string]int{}
		const orders, runs = 6, 2000 // of three dependents
		for seed := range uint64(runs) {
			theirs[strings.Join(upstream(t, s, seed).gone, " ")]++
			our[strings.Join(ours(s, seed).diary.gone, " ")]++
			if len(theirs) == orders && len(our) == orders {
				break
			}
		}
		t.Logf("%s: %v by upstream, %v by ours", p, theirs, our)
		require.Len(t, theirs, orders)
		require.Equal(t, slices.Sorted(maps.Keys(theirs)), slices.Sorted(maps.Keys(our)))
	}
}
