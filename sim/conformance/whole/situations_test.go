package whole

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// situation compares the two in one script, in which the real controller has to
// come into the situations that are named.
func situation(t *testing.T, s script, wanted ...string) diary {
	t.Helper()
	withGates(t, apiserver.Gates{})
	seen, m := compare(t, t, s, apiserver.Gates{})
	for _, w := range wanted {
		require.NotZero(t, m[w], w)
	}
	return seen
}

const second = time.Second

// made is the beginning of a script: a set whose pods run.
func made(s setSpec) script {
	return script{{Do: "create", Set: &s}, {Do: "tend", N: 9, Pause: second}}
}

func with(s script, more ...op) script { return append(s, more...) }

// S3: a pod that matches and has no owner is adopted; it is not one of the set's
// making, and lacks what the set would give it.
func TestAdoption(t *testing.T) {
	situation(t, script{{Do: "stray", N: 0, Text: "matching"}, {Do: "create", Set: &setSpec{Replicas: 2}},
		{Do: "tend", N: 9, Pause: second}}, "pod adopted", "pod repaired")
}

// S3, S4: a pod whose labels no longer match is released, and then holds a name
// that the set wants: creations fail with AlreadyExists, without an Event, and are
// tried again later and later, until the pod is gone.
func TestRelease(t *testing.T) {
	situation(t, with(made(setSpec{Replicas: 2}), op{Do: "relabel", N: 0, Text: "other", Pause: 90 * second},
		op{Do: "gone", N: 0, Pause: long}, op{Do: "tend", N: 9, Pause: second}),
		"pod released", "name held by a foreign pod, tried again")
}

// S4: the same for a pod that was somebody else's from the beginning.
func TestForeignPod(t *testing.T) {
	situation(t, script{{Do: "stray", N: 1, Text: "foreign"}, {Do: "create", Set: &setSpec{Replicas: 2}}, {Do: "tend", N: 9, Pause: 90 * second},
		{Do: "gone", N: 1, Pause: long}, {Do: "tend", N: 9, Pause: second}},
		"name held by a foreign pod, tried again")
}

// S40: a deleted set leaves its pods and revisions behind, and another of its name
// adopts them.
func TestOrphans(t *testing.T) {
	s := setSpec{Replicas: 3, Limit: 2}
	situation(t, with(made(s), op{Do: "image", N: 1}, op{Do: "tend", N: 9, Pause: second},
		op{Do: "delete", Text: "Orphan"}, op{Do: "collect"}, op{Do: "collect", Pause: second}, op{Do: "create", Set: &s, Pause: second}, op{Do: "tend", N: 9, Pause: second}),
		"second set of the name", "pod adopted", "revision adopted", "set being deleted synced")
}

// S7, S9: revisions beyond the limit go, the oldest first; a template that was
// there before makes its revision the newest again.
func TestRevisionHistory(t *testing.T) {
	roll := func(n int) script { return script{{Do: "image", N: n}, {Do: "tend", N: 9, Pause: second}} }
	s := made(setSpec{Replicas: 1, Limit: 1})
	for _, n := range []int{1, 2, 3, 2} {
		s = append(s, roll(n)...)
	}
	situation(t, s, "revision created", "history truncated", "revision made newest again", "pod of an older revision deleted")
}

// S3: revisions that lost their owner are adopted.
func TestOrphanRevisions(t *testing.T) {
	situation(t, with(made(setSpec{Replicas: 1, Limit: 2}), op{Do: "rev-orphans"}, op{Do: "rev-stray", N: 3}, op{Do: "note", N: 1, Pause: second}), "revision adopted")
}

// S6, S7: a revision of the wanted name with other data has the name computed anew.
func TestCollision(t *testing.T) {
	situation(t, with(made(setSpec{Replicas: 1, Limit: 2}), op{Do: "rev-taken", N: 1}, op{Do: "image", N: 1}, op{Do: "tend", N: 9, Pause: second}), "collision resolved")
}

// S33: a pod counts as available when it has been ready for minReadySeconds; no
// event tells the controller, it comes back by itself.
func TestMinReadySeconds(t *testing.T) {
	situation(t, script{{Do: "create", Set: &setSpec{Replicas: 2, MinReady: 5}}, {Do: "tend", N: 2, Pause: 3 * second}, {Do: "wait", Pause: 6 * second},
		{Do: "tend", N: 2, Pause: 12 * second}, {Do: "unready", N: 0, Pause: second}, {Do: "min-ready", N: 20}, {Do: "run", N: 0, Pause: 90 * second}},
		"available after minReadySeconds")
}

// S1: a status that others' writes overtake is written again at once.
func TestStatusConflict(t *testing.T) {
	situation(t, with(made(setSpec{Replicas: 1}), op{Do: "fail", N: 8, Text: "update statefulsets conflict"}, op{Do: "note", N: 1}, op{Do: "scale", N: 2, Pause: second},
		op{Do: "tend", N: 9, Pause: second}), "status conflict")
}

// An update of a pod is tried four times, 10, 50 and 250 ms apart.
func TestPodConflict(t *testing.T) {
	situation(t, with(made(setSpec{Replicas: 1}), op{Do: "fail", N: 6, Text: "update pods conflict"}, op{Do: "unname", N: 0}, op{Do: "wait"}, op{Do: "wait"},
		op{Do: "wait", Pause: second}), "request failed: update", "pod repaired")
}

// S1: a quota refuses pods; the tries come later and later, and go on when it is lifted.
func TestQuota(t *testing.T) {
	situation(t, script{{Do: "fail", N: 8, Text: "create pods quota"}, {Do: "create", Set: &setSpec{Replicas: 2, Parallel: true}, Pause: 3 * second},
		{Do: "heal", Pause: long}, {Do: "tend", N: 9, Pause: second}}, "request failed: create")
}

// S15: a failed pod is deleted and made again.
func TestFailedPod(t *testing.T) {
	situation(t, with(made(setSpec{Replicas: 2}), op{Do: "end", N: 1, Text: "Failed", Pause: second}, op{Do: "tend", N: 9, Pause: second}), "failed pod deleted")
}

// S36: with whenScaled=Delete a claim belongs to the pod that is to go.
func TestRetention(t *testing.T) {
	situation(t, with(made(setSpec{Replicas: 2, Claims: true, Retain: "Delete/Delete"}), op{Do: "scale", N: 1}, op{Do: "tend", N: 9, Pause: second},
		op{Do: "collect"}, op{Do: "claim-free", N: 1}, op{Do: "scale", N: 2}, op{Do: "tend", N: 9, Pause: second}), "claim's owners changed", "scaled down")
}

// S35: while its claim is being deleted a pod cannot be made.
func TestClaimBeingDeleted(t *testing.T) {
	situation(t, with(made(setSpec{Replicas: 1, Claims: true}), op{Do: "claim-delete", N: 0}, op{Do: "gone", N: 0, Pause: 3 * second},
		op{Do: "claim-free", N: 0, Pause: long}, op{Do: "tend", N: 9, Pause: second}), "claim being deleted")
}

// What is compared is there, and a difference in any of it is noticed.
func TestDiary(t *testing.T) {
	seen := situation(t, made(setSpec{Replicas: 2, Claims: true}))
	last := &seen[len(seen)-1]
	require.Len(t, last.objects, 6, "a set, two pods, two claims and a revision")
	require.Len(t, last.events, 4, "two pods and two claims created")
	for _, list := range []*[]string{&last.objects, &last.events} {
		for i := range *list {
			other := slices.Clone(seen)
			was := *list
			changed := slices.Clone(was)
			changed[i] += "!"
			*list = changed
			copied := *last
			*list = was
			other[len(other)-1] = copied
			require.NotEmpty(t, differ(script{}, seen, other, diff))
		}
	}
}
