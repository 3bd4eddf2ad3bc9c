package volumes

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

var states = flag.Int("states", 4000, "how many histories to compare")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}

// seeds bounds how many of our histories are tried for one of upstream's.
const seeds = 128

// Upstream's controllers and ours leave the same behind at every rest.
func TestHistories(t *testing.T) {
	require.NoError(t, flag.Set("rapid.checks", strconv.Itoa(*states)))
	marks := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScript(rt)
		want := upstream(t, s)
		for _, m := range scenes {
			if strings.Contains(want, m) {
				marks[m]++
			}
		}
		first := ours(s, 0)
		for seed := uint64(1); first != want; seed++ {
			if seed == seeds {
				rt.Fatalf("no seed does what upstream did (-upstream +ours):\n%s\nscript:\n%v", cmp.Diff(strings.Split(want, "\n"), strings.Split(first, "\n")), s)
			}
			if ours(s, seed) == want {
				break
			}
		}
	})
	for _, m := range scenes {
		t.Logf("%5d of %d histories show %s", marks[m], *states, m)
		if *states >= 4000 {
			require.NotZero(t, marks[m], m)
		}
	}
}

// scenes are what the histories have to reach, as a snapshot shows it.
var scenes = []string{
	`"phase":"Available"`, `"phase":"Bound"`, `"phase":"Released"`, `"phase":"Failed"`, `"phase":"Lost"`, `"phase":"Pending"`,
	"bind-completed", "bound-by-controller", "storage-provisioner", `"type":"Unused"`, `"reason":"PodUsingPVC"`, `"reason":"NoPodsUsingPVC"`,
	"deletionTimestamp", "WaitForFirstConsumer", "ExternalProvisioning", "FailedBinding", "VolumeMismatch",
	"VolumeFailedDelete", "VolumeRecycled", "already bound to a different claim",
}

// Of equal volumes any may be chosen: over many runs both sides show the same
// sets of outcomes (V4, V5).
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
	const runs = 3000 // Go begins a walk over a small map at one of eight places: some orders are rare
	for claims := 1; claims <= 2; claims++ {
		s := tied(claims)
		theirs, our := map[string]int{}, map[string]int{}
		for seed := range uint64(runs) {
			theirs[upstream(t, s)]++
			our[ours(s, seed)]++
			if seed > 200 && len(theirs) == len(our) {
				break
			}
		}
		t.Logf("%d claims: %d outcomes, %v by upstream, %v by ours", claims, len(theirs), slices.Sorted(maps.Values(theirs)), slices.Sorted(maps.Values(our)))
		require.Equal(t, slices.Sorted(maps.Keys(theirs)), slices.Sorted(maps.Keys(our)))
		require.Greater(t, len(theirs), 1)
	}
}
