package defaults_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
)

func Example() {
	set := &appsv1.StatefulSet{}
	set.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "nginx"}}
	defaults.Set(set)
	fmt.Println(set.Spec.PodManagementPolicy, *set.Spec.Replicas, set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable)
	fmt.Println(set.Spec.Template.Spec.Containers[0].ImagePullPolicy)
	// Output:
	// OrderedReady 1 1
	// Always
}

// documents returns the pods and sets that validation is tested with: they
// have something of everything.
func documents(t testing.TB) (pods []*corev1.Pod, sets []*appsv1.StatefulSet) {
	t.Helper()
	text, err := os.ReadFile("../validation/testdata/upstream.yaml")
	require.NoError(t, err)
	for _, doc := range strings.Split(string(text), "\n---\n") {
		switch {
		case strings.Contains(doc, "kind: Pod\n"):
			pods = append(pods, parse[corev1.Pod](t, doc))
		case strings.Contains(doc, "kind: StatefulSet\n"):
			sets = append(sets, parse[appsv1.StatefulSet](t, doc))
		}
	}
	require.NotEmpty(t, pods)
	require.NotEmpty(t, sets)
	return pods, sets
}

func parse[T any](t testing.TB, doc string) *T {
	t.Helper()
	obj := new(T)
	require.NoError(t, yaml.UnmarshalStrict([]byte(doc), obj))
	return obj
}

// TestSharedMemory: what lies behind pointers is replaced, not written to.
func TestSharedMemory(t *testing.T) {
	pods, sets := documents(t)
	for _, p := range pods {
		before := p.DeepCopy()
		copied := *p
		defaults.Set(&copied)
		require.Empty(t, cmp.Diff(before.Spec, p.Spec), "a pod's shared memory was written to")
		require.NotEqual(t, before.Spec, copied.Spec)
	}
	for _, s := range sets {
		before := s.DeepCopy()
		copied := *s
		defaults.Set(&copied)
		require.Empty(t, cmp.Diff(before.Spec, s.Spec), "a set's shared memory was written to")
	}
}

// TestIdempotent: a second Set changes nothing and allocates nothing.
func TestIdempotent(t *testing.T) {
	pods, sets := documents(t)
	for _, p := range pods {
		defaults.Set(p)
		before := p.DeepCopy()
		require.Zero(t, testing.AllocsPerRun(10, func() { defaults.Set(p) }))
		require.Empty(t, cmp.Diff(before, p))
	}
	for _, s := range sets {
		defaults.Set(s)
		before := s.DeepCopy()
		require.Zero(t, testing.AllocsPerRun(10, func() { defaults.Set(s) }))
		require.Empty(t, cmp.Diff(before, s))
	}
}

// TestPullPolicy is K18, with the corners of image names.
func TestPullPolicy(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for image, want := range map[string]corev1.PullPolicy{
		"nginx": corev1.PullAlways, "nginx:latest": corev1.PullAlways, "a/b": corev1.PullAlways,
		"reg.io:5000/a": corev1.PullAlways, "localhost/a": corev1.PullAlways, "Reg/a": corev1.PullAlways,
		"nginx:1.0": corev1.PullIfNotPresent, "reg.io:5000/a:v1": corev1.PullIfNotPresent,
		"nginx" + digest: corev1.PullIfNotPresent, "nginx:latest" + digest: corev1.PullAlways,
		"": corev1.PullIfNotPresent, "Nginx": corev1.PullIfNotPresent, "a b": corev1.PullIfNotPresent,
		strings.Repeat("a", 64): corev1.PullIfNotPresent, "a//b": corev1.PullIfNotPresent,
	} {
		p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: image}}}}
		defaults.Set(p)
		require.Equal(t, want, p.Spec.Containers[0].ImagePullPolicy, image)
	}
}

// TestRollingUpdate is A1's corner, and §0.1: the parts of rollingUpdate are filled if it
// exists, or if the type was empty.
func TestRollingUpdate(t *testing.T) {
	for given, want := range map[string]string{
		`{}`:                                `{"type":"RollingUpdate","rollingUpdate":{"partition":0,"maxUnavailable":1}}`,
		`{"type":"RollingUpdate"}`:          `{"type":"RollingUpdate"}`,
		`{"type":"OnDelete"}`:               `{"type":"OnDelete"}`,
		`{"rollingUpdate":{"partition":3}}`: `{"type":"RollingUpdate","rollingUpdate":{"partition":3,"maxUnavailable":1}}`,
		`{"rollingUpdate":{"maxUnavailable":"9%"}}`: `{"type":"RollingUpdate","rollingUpdate":{"partition":0,"maxUnavailable":"9%"}}`,
	} {
		set := parse[appsv1.StatefulSet](t, `{"spec":{"updateStrategy":`+given+`}}`)
		defaults.Set(set)
		got, err := json.Marshal(set.Spec.UpdateStrategy)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got), given)
	}
}

func BenchmarkSet(b *testing.B) {
	pods, _ := documents(b)
	p := pods[0]
	defaults.Set(p)
	b.ReportAllocs()
	for b.Loop() {
		c := *p
		defaults.Set(&c)
	}
}
