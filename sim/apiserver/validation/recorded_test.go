package validation_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

// recorded is a creation or a patch, and what the real API server made of it.
type recorded struct {
	Case, Do, Manifest, Patch, Err string
	RC                             int
	Object                         map[string]any
}

type object interface {
	runtime.Object
	metav1.Object
}

var options = validation.Options{MaxUnavailable: true}

// TestRecorded holds defaults, preparation and validation to what v1.37.2 was
// seen to answer: the object, and the errors to the letter (A1 to A5,
// §0.2, §0.3, §0.11).
func TestRecorded(t *testing.T) {
	text, err := os.ReadFile("testdata/api.json")
	require.NoError(t, err)
	var cases []recorded
	require.NoError(t, json.Unmarshal(text, &cases))
	checked := 0
	for _, rec := range cases {
		if strings.Contains(rec.Err, "BadRequest") {
			continue // the decoder's, not ours
		}
		checked++
		t.Run(rec.Case, func(t *testing.T) {
			obj, errs := create(t, rec.Manifest)
			if rec.Do == "patch" {
				require.Empty(t, errs)
				obj, errs = patch(t, obj, rec.Patch)
			}
			if rec.RC != 0 {
				require.Equal(t, rec.Err, kubectlError(obj, errs))
				return
			}
			require.Empty(t, errs)
			if diff := cmp.Diff(rec.Object, plain(t, obj, rec.Object)); diff != "" {
				t.Errorf("object (-recorded +ours):\n%s", diff)
			}
		})
	}
	require.Equal(t, 44, checked)
}

func create(t *testing.T, manifest string) (object, field.ErrorList) {
	t.Helper()
	obj := parse(t, manifest)
	defaults.Set(obj)
	validation.PrepareCreate(obj)
	return obj, validation.Create(obj, options)
}

func patch(t *testing.T, old object, patch string) (object, field.ErrorList) {
	t.Helper()
	before, err := json.Marshal(old)
	require.NoError(t, err)
	after, err := strategicpatch.StrategicMergePatch(before, []byte(patch), old)
	require.NoError(t, err)
	obj := old.DeepCopyObject().(object)
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		*o = appsv1.StatefulSet{}
	default:
		t.Fatalf("no patches of %T are recorded", o)
	}
	require.NoError(t, json.Unmarshal(after, obj))
	return obj, update(obj, old)
}

func update(obj, old object) field.ErrorList {
	defaults.Set(obj)
	validation.PrepareUpdate(obj, old)
	return validation.Update(obj, old, options)
}

func parse(t testing.TB, manifest string) object {
	t.Helper()
	var head metav1.TypeMeta
	require.NoError(t, yaml.Unmarshal([]byte(manifest), &head))
	obj := newObject(head.Kind)
	require.NotNil(t, obj, head.Kind)
	require.NoError(t, yaml.UnmarshalStrict([]byte(manifest), obj))
	if !sets.New("PersistentVolume", "Node", "Namespace", "StorageClass", "PriorityClass").Has(head.Kind) && obj.GetNamespace() == "" {
		obj.SetNamespace("default")
	}
	return obj
}

// kubectlError renders errors as kubectl does.
func kubectlError(obj object, errs field.ErrorList) string {
	gvk := obj.GetObjectKind().GroupVersionKind()
	err := apierrors.NewInvalid(schema.GroupKind{Group: gvk.Group, Kind: gvk.Kind}, obj.GetName(), errs)
	var lines []string
	for _, c := range err.ErrStatus.Details.Causes {
		line := c.Field + ": " + c.Message
		if len(lines) == 0 || lines[len(lines)-1] != line {
			lines = append(lines, line)
		}
	}
	head := "The " + gvk.Kind + ` "` + obj.GetName() + `" is invalid: `
	if len(lines) == 1 {
		return head + lines[0]
	}
	return head + "\n* " + strings.Join(lines, "\n* ")
}

// plain renders an object as the recording does, with what others than this
// package add taken from the recording: admission, allocation, controllers.
func plain(t *testing.T, obj object, rec map[string]any) map[string]any {
	t.Helper()
	text, err := json.Marshal(obj)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(text, &m))
	inherit := func(field string, keys ...string) {
		from, _ := rec[field].(map[string]any)
		to, _ := m[field].(map[string]any)
		for _, k := range keys {
			if v, ok := from[k]; ok {
				to[k] = v
			}
		}
	}
	delete(m["metadata"].(map[string]any), "creationTimestamp")
	switch obj.(type) {
	case *appsv1.StatefulSet:
		inherit("metadata", "annotations")
		m["status"] = rec["status"]
		template := m["spec"].(map[string]any)["template"].(map[string]any)
		delete(template["metadata"].(map[string]any), "creationTimestamp")
	case *corev1.Pod:
		inherit("spec", "tolerations", "priority", "preemptionPolicy")
	case *corev1.Service:
		inherit("spec", "ipFamilies", "ipFamilyPolicy")
	}
	return m
}

func newObject(kind string) object {
	switch kind {
	case "StatefulSet":
		return &appsv1.StatefulSet{}
	case "Pod":
		return &corev1.Pod{}
	case "PersistentVolume":
		return &corev1.PersistentVolume{}
	case "PersistentVolumeClaim":
		return &corev1.PersistentVolumeClaim{}
	case "Service":
		return &corev1.Service{}
	case "PodDisruptionBudget":
		return &policyv1.PodDisruptionBudget{}
	}
	return more(kind)
}
