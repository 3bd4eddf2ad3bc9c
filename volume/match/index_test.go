package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	upstream "k8s.io/component-helpers/storage/volume"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/state"
	"github.com/statefulsim/statefulsim/volume/match"
)

var modeLists = [][]corev1.PersistentVolumeAccessMode{
	{corev1.ReadWriteOnce},
	{corev1.ReadOnlyMany},
	{corev1.ReadWriteMany},
	{corev1.ReadWriteOnce, corev1.ReadOnlyMany},
	{corev1.ReadWriteMany, corev1.ReadWriteOnce},
	{corev1.ReadOnlyMany, corev1.ReadWriteOnce, corev1.ReadWriteMany},
}

func volume(name string, capacity string, modes ...corev1.PersistentVolumeAccessMode) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(capacity)},
			AccessModes: modes,
		},
		Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeAvailable},
	}
}

func claim(request string, modes ...corev1.PersistentVolumeAccessMode) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "c", UID: "uid-c"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: modes,
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(request)}},
		},
	}
}

func genVolume(t *rapid.T, name string) *corev1.PersistentVolume {
	v := volume(name, rapid.SampledFrom([]string{"1Gi", "1024Mi", "1Gi", "1500M", "3Gi"}).Draw(t, "capacity"),
		rapid.SampledFrom(append(modeLists, modeLists[0], modeLists[0], modeLists[3], modeLists[4])).Draw(t, "modes")...)
	one := func(label string, outOf int) bool { return rapid.IntRange(1, outOf).Draw(t, label) == outOf }
	if one("reserved", 4) {
		v.Spec.ClaimRef = &corev1.ObjectReference{
			Namespace: "ns",
			Name:      rapid.SampledFrom([]string{"c", "c", "other"}).Draw(t, "by"),
			UID:       types.UID(rapid.SampledFrom([]string{"", "uid-c", "uid-x"}).Draw(t, "uid")),
		}
	}
	if one("not available", 8) {
		v.Status.Phase = rapid.SampledFrom([]corev1.PersistentVolumePhase{corev1.VolumePending, corev1.VolumeBound, corev1.VolumeReleased}).Draw(t, "phase")
	}
	if one("class", 8) {
		v.Spec.StorageClassName = "fast"
	} else if one("beta class", 8) {
		v.Annotations = map[string]string{corev1.BetaStorageClassAnnotation: "fast"}
	}
	if one("block", 12) {
		block := corev1.PersistentVolumeBlock
		v.Spec.VolumeMode = &block
	}
	if one("attributes", 12) {
		gold := "gold"
		v.Spec.VolumeAttributesClassName = &gold
	}
	if one("deleting", 12) {
		v.DeletionTimestamp = &metav1.Time{}
	}
	if one("labelled", 2) {
		v.Labels = map[string]string{"tier": "db"}
	}
	switch rapid.IntRange(0, 5).Draw(t, "affinity") {
	case 0:
		v.Spec.NodeAffinity = onHosts(rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "host"))
	case 1:
		v.Spec.NodeAffinity = onHosts("n1", "n2")
	case 2:
		v.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{}}
	}
	return v
}

func onHosts(hosts ...string) *corev1.VolumeNodeAffinity {
	return &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: hosts}},
	}}}}
}

func genClaim(t *rapid.T) *corev1.PersistentVolumeClaim {
	c := claim(rapid.SampledFrom([]string{"1Gi", "1G", "1Gi", "1200M", "2Gi"}).Draw(t, "request"), rapid.SampledFrom(append(modeLists, modeLists[0], modeLists[0], modeLists[0])).Draw(t, "wanted modes")...)
	if rapid.IntRange(1, 4).Draw(t, "wants class") == 4 {
		fast := "fast"
		c.Spec.StorageClassName = &fast
	}
	if rapid.IntRange(1, 8).Draw(t, "wants attributes") == 8 {
		gold := "gold"
		c.Spec.VolumeAttributesClassName = &gold
	}
	if rapid.IntRange(1, 4).Draw(t, "selects") == 4 {
		c.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "db"}}
	}
	return c
}

// arrange fills an index by a random history of sets and deletes, and returns
// it with the volumes that are left, by name.
func arrange(t *rapid.T, names int) (*match.Index, []*corev1.PersistentVolume) {
	var x match.Index
	left := map[string]*corev1.PersistentVolume{}
	for i := range names + rapid.IntRange(0, names).Draw(t, "steps") {
		name := fmt.Sprintf("v%d", i+1)
		if i >= names {
			name = fmt.Sprintf("v%d", rapid.IntRange(1, names).Draw(t, "name"))
		}
		if rapid.IntRange(1, 5).Draw(t, "delete") == 1 {
			x.Delete(name)
			delete(left, name)
			continue
		}
		left[name] = genVolume(t, name)
		x.Set(left[name])
	}
	var vs []*corev1.PersistentVolume
	for _, v := range left { // sorted below
		vs = append(vs, v)
	}
	slices.SortFunc(vs, func(a, b *corev1.PersistentVolume) int { return strings.Compare(a.Name, b.Name) })
	return &x, vs
}

// reachable returns what upstream's search answers over every order of a list:
// sorted names, "" for no volume.
func reachable(t *rapid.T, c *corev1.PersistentVolumeClaim, vs []*corev1.PersistentVolume, node *corev1.Node, taken map[string]*corev1.PersistentVolume, delayed bool) []string {
	var found []string
	permute(vs, func(order []*corev1.PersistentVolume) {
		v, err := upstream.FindMatchingVolume(c, order, node, taken, delayed, true)
		require.NoError(t, err)
		name := ""
		if v != nil {
			name = v.Name
		}
		if !slices.Contains(found, name) {
			found = append(found, name)
		}
	})
	slices.Sort(found)
	return found
}

func permute(vs []*corev1.PersistentVolume, visit func([]*corev1.PersistentVolume)) {
	var from func(int)
	from = func(i int) {
		if i == len(vs) {
			visit(vs)
			return
		}
		for j := i; j < len(vs); j++ {
			vs[i], vs[j] = vs[j], vs[i]
			from(i + 1)
			vs[i], vs[j] = vs[j], vs[i]
		}
	}
	from(0)
}

// TestV2V3V4LegalSetIsUpstreams: "The first bucket with a hit wins, buckets with
// equally many modes in any order; ties fall to map iteration: any is legal."
func TestV2V3V4LegalSetIsUpstreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, vs := arrange(t, 7)
		for range 8 {
			checkForClaim(t, x, vs)
		}
	})
}

func checkForClaim(t *rapid.T, x *match.Index, vs []*corev1.PersistentVolume) {
	c := genClaim(t)
	delayed := rapid.Bool().Draw(t, "delayed")

	var want []string
	wanted, _ := match.ModesOf(c.Spec.AccessModes)
	for n := 1; n <= 4 && len(want) == 0; n++ {
		buckets := map[match.Modes][]*corev1.PersistentVolume{}
		for _, v := range vs {
			if m, _ := match.ModesOf(v.Spec.AccessModes); m.Contains(wanted) && m.Len() == n {
				buckets[m] = append(buckets[m], v)
			}
		}
		for _, bucket := range buckets { // want is a set
			for _, name := range reachable(t, c, bucket, nil, nil, delayed) {
				if name != "" {
					want = append(want, name)
				}
			}
		}
	}
	slices.Sort(want)

	legal, err := x.ForClaim(c, delayed)
	require.NoError(t, err)
	got := legal.Names()
	slices.Sort(got)
	require.Equal(t, slices.Clip(want), slices.Clip(append([]string(nil), got...)))
}

// TestV3V7ForNodeIsUpstreams: the scheduler's search is over one list of the
// claim's class, with the node's labels and without the volumes chosen before.
func TestV3V7ForNodeIsUpstreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, vs := arrange(t, 6)
		for range 8 {
			checkForNode(t, x, vs)
		}
	})
}

func checkForNode(t *rapid.T, x *match.Index, vs []*corev1.PersistentVolume) {
	c := genClaim(t)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{corev1.LabelHostname: rapid.SampledFrom([]string{"n1", "n3"}).Draw(t, "node")}}}
	taken, names := map[string]*corev1.PersistentVolume{}, []string{}
	for i := range rapid.IntRange(0, 2).Draw(t, "taken") {
		name := fmt.Sprintf("v%d", i+1)
		taken[name], names = nil, append(names, name)
	}
	ofClass := slices.DeleteFunc(slices.Clone(vs), func(v *corev1.PersistentVolume) bool { return match.ClassOf(v) != match.ClassOfClaim(c) })
	want := reachable(t, c, ofClass, node, taken, false)

	legal, err := x.ForNode(c, node.Labels, names...)
	require.NoError(t, err)
	got := legal.Names()
	if legal.OrNone() {
		got = append(got, "")
	}
	slices.Sort(got)
	require.Equal(t, want, got)
}

// TestTheContentAloneDecides: however an index came to be, and forked or not, it
// lists a legal set in the same order.
func TestTheContentAloneDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, vs := arrange(t, 9)
		var again match.Index
		for _, i := range rapid.Permutation(indices(len(vs))).Draw(t, "order") {
			again.Set(vs[i])
		}
		c := genClaim(t)
		a, _ := x.ForClaim(c, false)
		b, _ := again.ForClaim(c, false)
		require.Equal(t, a.Names(), b.Names())

		fork := state.Copy(nil, x)
		for _, v := range vs {
			x.Delete(v.Name)
		}
		require.Zero(t, x.Len())
		f, _ := fork.ForClaim(c, false)
		require.Equal(t, b.Names(), f.Names())
		require.Equal(t, len(vs), fork.Len())
	})
}

func indices(n int) []int {
	is := make([]int, n)
	for i := range is {
		is[i] = i
	}
	return is
}

// TestV5TheArticlesPool: of five equal volumes, linuxea-3 alone is RWO only: it
// is the first claim's whatever the seed, and then any of the others.
func TestV5TheArticlesPool(t *testing.T) {
	var x match.Index
	for i := 1; i <= 5; i++ {
		modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany, corev1.ReadWriteOnce}
		if i == 3 {
			modes = modes[1:]
		}
		x.Set(volume(fmt.Sprintf("linuxea-%d", i), "5Gi", modes...))
	}
	first, err := x.ForClaim(claim("1Gi", corev1.ReadWriteOnce), false)
	require.NoError(t, err)
	require.Equal(t, []string{"linuxea-3"}, first.Names())

	x.Delete("linuxea-3")
	next, err := x.ForClaim(claim("1Gi", corev1.ReadWriteOnce), false)
	require.NoError(t, err)
	require.Equal(t, []string{"linuxea-1", "linuxea-2", "linuxea-4", "linuxea-5"}, next.Names())
	require.False(t, next.OrNone())
}

// TestV2FewestModesWinOverSmaller: the first group with a hit wins, even over a
// smaller volume in a later one.
func TestV2FewestModesWinOverSmaller(t *testing.T) {
	var x match.Index
	x.Set(volume("small", "1Gi", corev1.ReadWriteOnce, corev1.ReadWriteMany))
	x.Set(volume("large", "9Gi", corev1.ReadWriteOnce))
	legal, err := x.ForClaim(claim("1Gi", corev1.ReadWriteOnce), false)
	require.NoError(t, err)
	require.Equal(t, []string{"large"}, legal.Names())
}

func TestV11WhyANamedVolumeDoesNotFit(t *testing.T) {
	block, gold := corev1.PersistentVolumeBlock, "gold"
	for want, edit := range map[string]func(*corev1.PersistentVolume){ // subtests are independent
		`the volume is marked for deletion "v"`:    func(v *corev1.PersistentVolume) { v.DeletionTimestamp = &metav1.Time{} },
		"requested PV is too small":                func(v *corev1.PersistentVolume) { v.Spec.Capacity = nil },
		"storageClassName does not match":          func(v *corev1.PersistentVolume) { v.Spec.StorageClassName = "slow" },
		"volumeAttributesClassName does not match": func(v *corev1.PersistentVolume) { v.Spec.VolumeAttributesClassName = &gold },
		"incompatible volumeMode":                  func(v *corev1.PersistentVolume) { v.Spec.VolumeMode = &block },
		"incompatible accessMode":                  func(v *corev1.PersistentVolume) { v.Spec.AccessModes = nil },
	} {
		v := volume("v", "1Gi", corev1.ReadWriteOnce)
		require.NoError(t, match.Satisfies(v, claim("1Gi", corev1.ReadWriteOnce)))
		edit(v)
		require.EqualError(t, match.Satisfies(v, claim("1Gi", corev1.ReadWriteOnce)), want)
	}
}

func TestV6ClassOfAClaim(t *testing.T) {
	empty, fast := "", "fast"
	c := claim("1Gi")
	require.False(t, match.HasClass(c))
	require.Empty(t, match.ClassOfClaim(c))
	c.Spec.StorageClassName = &empty
	require.True(t, match.HasClass(c))
	require.Empty(t, match.ClassOfClaim(c))
	c.Spec.StorageClassName = &fast
	require.Equal(t, "fast", match.ClassOfClaim(c))
	c.Annotations = map[string]string{corev1.BetaStorageClassAnnotation: "beta"}
	require.Equal(t, "beta", match.ClassOfClaim(c))
}

func TestAMalformedSelectorIsAnError(t *testing.T) {
	c := claim("1Gi", corev1.ReadWriteOnce)
	c.Spec.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}
	var x match.Index
	_, err := x.ForClaim(c, false)
	require.ErrorContains(t, err, "error creating internal label selector for claim: ns/c")
}

// BenchmarkTakeOneOfMany binds the volumes of a pool one after the other.
func BenchmarkTakeOneOfMany(b *testing.B) {
	var x match.Index
	for i := range 150_000 {
		x.Set(volume(fmt.Sprintf("nfs-%d", i), "1Gi", corev1.ReadWriteOnce))
	}
	c := claim("1Gi", corev1.ReadWriteOnce)
	for b.Loop() {
		legal, _ := x.ForClaim(c, false)
		v := legal.At(legal.Len() / 3)
		x.Delete(v.Name)
		x.Set(v)
	}
}
