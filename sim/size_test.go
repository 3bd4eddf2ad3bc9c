package sim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// What is too large is refused in the words of a v1.37.2 server, which was asked
// with each of these; the number of bytes in one of them counts managedFields
// there.
func TestTooLarge(t *testing.T) {
	const mebi = 1 << 20
	c := sim.New(sim.Config{})
	config := func(n int) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("c", n)}, Data: map[string]string{"k": strings.Repeat("x", n)}}
	}
	set := func(n int) *appsv1.StatefulSet {
		labels := map[string]string{"a": "b"}
		return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("s", n)}, Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i", Args: []string{strings.Repeat("x", n)}}}}}}}
	}
	annotated := config(0)
	annotated.Annotations = map[string]string{}
	for i := range 3000 {
		annotated.Annotations[fmt.Sprint("a", i)] = strings.Repeat("x", 90)
	}
	for _, one := range []struct {
		obj  sim.Object
		want string
	}{
		{config(mebi), ""},
		{config(mebi + 1), `ConfigMap "c1048577" is invalid: []: Too long: may not be more than 1048576 bytes`},
		{config(4 * mebi), "Request entity too large: limit is 3145728"},
		{annotated, `ConfigMap "c0" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes`},
		{set(145 * mebi / 100), ""},
		{set(152 * mebi / 100), "etcdserver: request is too large"},
		{set(19 * mebi / 10), "etcdserver: request is too large"},
		{set(22 * mebi / 10), "rpc error: code = ResourceExhausted desc = trying to send message larger than max ("},
		{set(29 * mebi / 10), " vs. 2097152)"},
	} {
		_, err := c.Create(one.obj)
		if one.want == "" {
			assert.NoError(t, err, one.obj.GetName())
		} else {
			assert.ErrorContains(t, err, one.want, one.obj.GetName())
		}
	}
	text, err := json.Marshal(apiserver.WithKind(set(152 * mebi / 100)))
	require.NoError(t, err)
	_, err = c.Apply(string(text)) // twice as long with what was applied
	assert.ErrorContains(t, err, "Request entity too large: limit is 3145728")
}

// A patch that makes much of little ends at once.
func TestPatchBombs(t *testing.T) {
	c := sim.New(sim.Config{})
	_, err := c.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"a": "b"}})
	require.NoError(t, err)
	add := `{"op":"add","path":"/data/a","value":"x"}`
	copies := func(first, from, to string, n int) string {
		ops := []string{first}
		for i := range n {
			ops = append(ops, fmt.Sprintf(`{"op":"copy","from":"%s","path":"%s%d"}`, from, to, i))
		}
		return "[" + strings.Join(ops, ",") + "]"
	}
	const refused = "the server rejected our request due to an error in our request"
	for _, one := range []struct{ name, patch, want string }{
		{"operations", "[" + strings.Repeat(add+",", 9_999) + add + "]", ""},
		{"too many", "[" + strings.Repeat(add+",", 10_000) + add + "]",
			"Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"},
		{"doubling", copies(`{"op":"add","path":"/metadata/annotations","value":{"a":"x"}}`, "/metadata", "/metadata/annotations/k", 60), refused},
		{"many copies", copies(`{"op":"add","path":"/data/a","value":"`+strings.Repeat("x", 100_000)+`"}`, "/data/a", "/data/k", 40), refused},
		{"large", `[{"op":"add","path":"/data/a","value":"` + strings.Repeat("x", 3<<20) + `"}]`, "Request entity too large: limit is 3145728"},
		{"deep", `[{"op":"add","path":"/data/a","value":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `}]`, "invalid JSON patch"},
	} {
		_, _, err := c.Patch(apiserver.ConfigMap, "", "a", types.JSONPatchType, one.patch)
		if one.want == "" {
			assert.NoError(t, err, one.name)
		} else {
			assert.EqualError(t, err, one.want, one.name)
		}
	}
}
