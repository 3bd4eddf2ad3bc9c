package apiserver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func statefulSet(name string) *appsv1.StatefulSet {
	labels := map[string]string{"app": name}
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i:1"}}}},
		},
	}
}

// Patches that are refused, in upstream's words.
func TestRefusedPatches(t *testing.T) {
	const strategic, merge, ops = types.StrategicMergePatchType, types.MergePatchType, types.JSONPatchType
	for _, c := range []struct {
		typ   types.PatchType
		patch string
		code  int32
		words string
	}{
		{strategic, `{`, 400, `invalid JSON patch`},
		{merge, ``, 400, `invalid JSON patch`},
		{merge, `[]`, 400, `error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}`},
		{ops, `{}`, 400, `error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp`},
		{ops, `[{"op":"test","path":"/metadata/name","value":"x"}]`, 422, `the server rejected our request due to an error in our request`},
		{merge, `{"metadata":{"name":"x"}}`, 400, `the name of the object (x) does not match the name on the URL (web)`},
		{merge, `{"metadata":{"namespace":"x"}}`, 400, `the namespace of the provided object does not match the namespace sent on the request`},
		{merge, `{"metadata":{"uid":"x"}}`, 422, `StatefulSet.apps "web" is invalid: metadata.uid: Invalid value: "x": field is immutable`},
		{strategic, `{"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}`, 500, `map: map[image:x] does not contain declared merge key: name`},
		{strategic, `{"metadata":{"$patch":"bogus"}}`, 500, `unknown patch type: bogus in map: map[$patch:bogus]`},
	} {
		s := newServer(t)
		req := requestFor(apiserver.Patch, create(t, s, statefulSet("web")))
		req.Patch = apiserver.RawPatch{Type: c.typ, Data: c.patch}
		t.Run(c.patch, func(t *testing.T) { refusal(t, c.code, c.words, do(s, req).Err) })
	}
}

// What a patch makes of an object must still be one of its kind.
func TestPatchedKind(t *testing.T) {
	for patch, words := range map[string]string{
		`{"apiVersion":"v9"}`:     `no kind "ConfigMap" is registered for version "v9" in scheme "pkg/api/legacyscheme/scheme.go:30"`,
		`{"kind":"Pod"}`:          `converting (v1.Pod) to (core.ConfigMap): unknown conversion`,
		`{"data":["a"]}`:          `json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string`,
		`{"metadata":{"name":5}}`: `json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string`,
	} {
		s := newServer(t)
		req := requestFor(apiserver.Patch, create(t, s, configMap("m")))
		req.Patch = apiserver.RawPatch{Type: types.MergePatchType, Data: patch}
		assert.ErrorContains(t, do(s, req).Err, words, patch)
	}
}

// A patch warns of unknown fields even if it is refused for another reason; a
// strategic one may be of another kind.
func TestPatchWarnings(t *testing.T) {
	s := newServer(t)
	req := requestFor(apiserver.Patch, create(t, s, statefulSet("web")))
	req.Patch = apiserver.RawPatch{Data: `{"spec":{"replicas":-1,"replica":2}}`}
	res := do(s, req)
	require.Error(t, res.Err)
	assert.Equal(t, []string{`unknown field "spec.replica"`}, res.Warnings)
	req.Patch = apiserver.RawPatch{Data: `{"kind":"ConfigMap","metadata":{"labels":{"a":"b"}}}`}
	assert.NoError(t, do(s, req).Err)
	req.Patch = apiserver.RawPatch{Data: `{"spec":{"replica":2}}`, Strict: true}
	refusal(t, 422, ` "" is invalid: patch: Invalid value: "map[spec:map[replica:2]]": strict decoding error: unknown field "spec.replica"`, do(s, req).Err)
}
