package volumes

import (
	"flag"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/conformance/internal/seeded"
)

var states = flag.Int("states", 4000, "how many histories to compare")

func TestMain(m *testing.M) { seeded.Main(m) }

// Upstream's controllers and ours show the same at every rest.
func TestHistories(t *testing.T) {
	marks, steps, faults, c := map[string]int{}, 0, 0, cost{}
	seeded.Check(t, 0, *states, func(rt *rapid.T) {
		s := drawScript(rt)
		want, struck := upstream(t, s)
		faults += struck
		for _, m := range scenes {
			if strings.Contains(strings.Join(want, ""), m) {
				marks[m]++
			}
		}
		steps += len(s.steps)
		c = c.add(hold(t, rt, s, want))
	})
	t.Logf("%d plays for %d steps, in %d of them a fault; upstream ran again %d times", c.plays, steps, faults, c.reruns)
	for _, m := range scenes {
		t.Logf("%5d of %d histories show %s", marks[m], *states, m)
		if *states >= 4000 && !seeded.Replaying() {
			require.NotZero(t, marks[m], m)
		}
	}
}

// reruns is how often a script is played to upstream again whose outcome ours
// does not show.
const reruns = 8

// cost is how much was played to find upstream's outcome among ours.
type cost struct{ plays, reruns int }

func (c cost) add(d cost) cost { return cost{c.plays + d.plays, c.reruns + d.reruns} }

// hold demands that ours shows upstream's chapters. Upstream's goroutines and its
// walks over maps are not the seed's to order: what another run of upstream shows
// for the same script is as good. Where they all show the same, it is that or
// nothing.
func hold(t *testing.T, f interface{ Fatalf(string, ...any) }, s script, want []string) (c cost) {
	r := reach(s, want)
	c.plays = r.plays
	for range reruns {
		if r.ok {
			return c
		}
		again, _ := upstream(t, s)
		c.reruns++
		if slices.Equal(again, want) {
			continue
		}
		want = again
		r = reach(s, want)
		c.plays += r.plays
	}
	if !r.ok {
		i := len(r.chapters) - 1
		f.Fatalf("none of %d plays does what upstream did in step %d:\n%s\nours at first:\n%s\nbefore that:\n%s\nscript:\n%v", r.plays, i,
			want[i], r.chapters[i], strings.Join(want[:i], "\n"), s)
	}
	return c
}

// scenes are what the histories have to reach, as a snapshot shows it.
var scenes = []string{
	`"phase":"Available"`, `"phase":"Bound"`, `"phase":"Released"`, `"phase":"Failed"`, `"phase":"Lost"`, `"phase":"Pending"`,
	"bind-completed", "bound-by-controller", "storage-provisioner", `"type":"Unused"`, `"reason":"PodUsingPVC"`, `"reason":"NoPodsUsingPVC"`,
	"deletionTimestamp", "WaitForFirstConsumer", "ExternalProvisioning", "FailedBinding", "VolumeMismatch",
	"VolumeFailedDelete", "VolumeRecycled", "already bound to a different claim", "VolumeFailedRecycle", "ClaimLost", "ClaimMisbound",
	"WaitForPodScheduled", "ProvisioningFailed", "selected-node", `"nodeAffinity"`, `"requests":{"storage":"6Gi"}`, "ExternalExpanding",
}

// Of equal volumes any may be chosen (V4, V5): ours shows every way to deal them
// to the claims, and upstream several, some of them seldom. Go begins a walk over
// a small map at one of eight places, where most are empty.
func TestTies(t *testing.T) {
	tied := func(claims int) script {
		var s script
		for _, name := range volumeNames {
			v := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{
				Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("5Gi")},
				AccessModes:            []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteMany},
				PersistentVolumeSource: corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "a", Path: "/" + name}},
			}}
			if name == "v0" { // another group with as many modes
				v.Spec.AccessModes[1] = corev1.ReadOnlyMany
			}
			s.steps = append(s.steps, creation(v))
		}
		for _, name := range claimNames[:claims] {
			s.steps = append(s.steps, creation(&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
				Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}}}))
		}
		return s
	}
	const runs = 400
	for claims, ways := range map[int]int{1: 3, 2: 6} {
		s := tied(claims)
		origin := begin(s)
		theirs, our := map[string]int{}, map[string]int{}
		for seed := range uint64(runs) {
			s.seed = seed
			chapters, _ := upstream(t, s)
			theirs[bindings(chapters)]++
			our[bindings(origin.fork(seed).all(s))]++
		}
		t.Logf("%d claims: %v by upstream, %v by ours", claims, slices.Sorted(maps.Values(theirs)), slices.Sorted(maps.Values(our)))
		require.Len(t, our, ways)
		require.Subset(t, slices.Collect(maps.Keys(our)), slices.Collect(maps.Keys(theirs)))
		require.Greater(t, len(theirs), 1)
	}
}

var bindsTo = regexp.MustCompile(`"name":"(c[0-9])".*"volumeName":"(v[0-9])"`)

// bindings returns which claim got which volume, in the order of the writes.
func bindings(chapters []string) string {
	var pairs []string
	for _, m := range bindsTo.FindAllStringSubmatch(strings.Join(chapters, ""), -1) {
		pairs = append(pairs, m[1]+"="+m[2])
	}
	return strings.Join(slices.Compact(pairs), " ")
}
