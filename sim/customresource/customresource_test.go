package customresource_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/customresource"
	"github.com/statefulsim/statefulsim/sim/fieldmanager"
)

var databaseKind = schema.GroupKind{Group: "example.com", Kind: "Database"}

func database(name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Database",
		"metadata": map[string]any{"namespace": "default", "name": name}, "spec": spec}}
}

func cluster(t *testing.T) *sim.Cluster {
	c := sim.New(sim.Config{CustomResources: customresource.New(), DetectMutation: true})
	_, err := c.Apply(databases)
	require.NoError(t, err)
	return c
}

func key(name string) apiserver.Key { return apiserver.CustomKey(databaseKind, "default", name) }

func TestEstablished(t *testing.T) {
	c := cluster(t)
	crd, err := sim.Get[*apiextensionsv1.CustomResourceDefinition](c, "", "databases.example.com")
	require.NoError(t, err)
	assert.Equal(t, crd.Spec.Names, crd.Status.AcceptedNames)
	require.Len(t, crd.Status.Conditions, 2)
	assert.Equal(t, "NoConflicts", crd.Status.Conditions[0].Reason)
	assert.Equal(t, "InitialNamesAccepted", crd.Status.Conditions[1].Reason)
	_, err = c.Apply(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: stores.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {plural: stores, singular: store, kind: Database, listKind: StoreList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`)
	require.NoError(t, err)
	crd, err = sim.Get[*apiextensionsv1.CustomResourceDefinition](c, "", "stores.example.com")
	require.NoError(t, err)
	assert.Equal(t, `"Database" is already in use`, crd.Status.Conditions[0].Message)
	assert.Equal(t, apiextensionsv1.ConditionFalse, crd.Status.Conditions[1].Status)
	require.NoError(t, c.Delete(apiserver.KindNamed("crd"), "", "databases.example.com"))
	require.Len(t, c.Defined(), 1, "the name is free now")
}

// What is wrong with a definition is said in upstream's words.
func TestDefinitionRefused(t *testing.T) {
	c := sim.New(sim.Config{CustomResources: customresource.New()})
	_, err := c.Apply(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: wrong.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: databases, singular: database, kind: Database, listKind: DatabaseList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {}}}}}]
`)
	assert.ErrorContains(t, err, `must be spec.names.plural+"."+spec.group`)
	assert.ErrorContains(t, err, "spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields")
}

func TestObjects(t *testing.T) {
	c := cluster(t)
	res := c.Do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.CustomResource, Key: key("users"),
		Object: database("users", map[string]any{"wrong": "field"})})
	require.NoError(t, res.Err)
	assert.Equal(t, []string{`unknown field "spec.wrong"`}, res.Warnings)
	made := res.Object.(*unstructured.Unstructured)
	assert.Equal(t, map[string]any{"replicas": int64(3)}, made.Object["spec"])
	assert.EqualValues(t, 1, made.GetGeneration())
	assert.NotEmpty(t, made.GetUID())

	again := c.Do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.CustomResource, Key: key("users"), Object: database("users", nil)})
	assert.EqualError(t, again.Err, `databases.example.com "users" already exists`)
	plain := c.Do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.CustomResource, Key: key("plain"), Object: database("plain", map[string]any{"replicas": 1})})
	require.NoError(t, plain.Err, "a number of Go is a number")
	_, err := c.Create(&unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Database", "spec": func() {}}})
	assert.ErrorContains(t, err, "unsupported type")
	_, err = c.Create(&unstructured.Unstructured{})
	assert.ErrorContains(t, err, "Object 'Kind' is missing")
	strict := c.Do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.CustomResource, Key: key("other"), Strict: true,
		Object: database("other", map[string]any{"wrong": "field"})})
	assert.EqualError(t, strict.Err, `Database in version "v1" cannot be handled as a Database: strict decoding error: unknown field "spec.wrong"`)
	invalid := c.Do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.CustomResource, Key: key("other"),
		Object: database("other", map[string]any{"version": "15"})})
	assert.ErrorContains(t, invalid.Err, `Database.example.com "other" is invalid: [spec.version: Unsupported value: "15": supported values: "16", "17"`)

	stale := made.DeepCopy()
	patch := func(sub apiserver.Subresource, typ types.PatchType, text string) apiserver.Result {
		return c.Do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.CustomResource, Key: key("users"), Subresource: sub, Patch: apiserver.RawPatch{Type: typ, Data: text}})
	}
	res = patch(apiserver.None, types.MergePatchType, `{"spec":{"replicas":5},"status":{"replicas":9}}`)
	require.NoError(t, res.Err)
	assert.EqualValues(t, 2, res.Object.GetGeneration())
	assert.NotContains(t, res.Object.(*unstructured.Unstructured).Object, "status", "it is a subresource")
	res = patch(apiserver.Status, types.MergePatchType, `{"spec":{"replicas":7},"status":{"replicas":4}}`)
	require.NoError(t, res.Err)
	now := res.Object.(*unstructured.Unstructured)
	assert.Equal(t, map[string]any{"replicas": int64(5)}, now.Object["spec"])
	assert.Equal(t, map[string]any{"replicas": int64(4)}, now.Object["status"])
	assert.EqualValues(t, 2, now.GetGeneration(), "of the spec alone")
	unchanged := patch(apiserver.None, types.JSONPatchType, `[{"op":"replace","path":"/spec/replicas","value":5}]`)
	require.NoError(t, unchanged.Err)
	assert.Equal(t, now.GetResourceVersion(), unchanged.Object.GetResourceVersion())
	assert.ErrorContains(t, patch(apiserver.None, types.StrategicMergePatchType, `{}`).Err, "the body of the request was in an unknown format")

	res = c.Do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.CustomResource, Key: key("users"), Object: stale})
	assert.True(t, apierrors.IsConflict(res.Err))
	assert.EqualError(t, res.Err, `Operation cannot be fulfilled on databases.example.com "users": the object has been modified; please apply your changes to the latest version and try again`)
	scale := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "users"}, Spec: autoscalingv1.ScaleSpec{Replicas: 7}}
	res = c.Do(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.CustomResource, Key: key("users"), Subresource: apiserver.Scale, Object: scale})
	require.NoError(t, res.Err)
	assert.Equal(t, map[string]any{"replicas": int64(7)}, res.Object.(*unstructured.Unstructured).Object["spec"])
	missing := c.Do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.CustomResource, Key: key("nobody")})
	assert.EqualError(t, missing.Err, `databases.example.com "nobody" not found`)
	c.CheckMutations()
}

// A definition that is deleted goes when its objects are gone: those that a finalizer
// keeps hold it, and nothing new is stored meanwhile.
func TestDefinitionDeleted(t *testing.T) {
	c := cluster(t)
	held := database("held", nil)
	held.SetFinalizers([]string{"example.com/held"})
	for _, obj := range []*unstructured.Unstructured{database("free", nil), held} {
		_, err := c.Create(obj)
		require.NoError(t, err)
	}
	require.NoError(t, c.Delete(apiserver.KindNamed("crd"), "", "databases.example.com"))
	left, err := c.ListCustom(databaseKind, "", "")
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.NotNil(t, left[0].GetDeletionTimestamp())
	_, err = c.Create(database("new", nil))
	assert.EqualError(t, err, "create not allowed while custom resource definition is terminating")
	res := c.Do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.CustomResource, Key: key("held"),
		Patch: apiserver.RawPatch{Type: types.MergePatchType, Data: `{"metadata":{"finalizers":null}}`}})
	require.NoError(t, res.Err)
	_, err = c.Get(apiserver.KindNamed("crd"), "", "databases.example.com")
	assert.True(t, apierrors.IsNotFound(err))
	_, err = c.Create(database("new", nil))
	assert.EqualError(t, err, "the server could not find the requested resource")
}

// Custom resources own others, and namespaces hold them.
func TestCollected(t *testing.T) {
	c := cluster(t)
	owner, err := c.Create(database("users", nil))
	require.NoError(t, err)
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "users",
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Database", Name: "users", UID: owner.GetUID()}}}}
	_, err = c.Create(owned)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	_, err = sim.Get[*corev1.ConfigMap](c, "", "users")
	require.NoError(t, err)
	require.NoError(t, c.Do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.CustomResource, Key: key("users")}).Err)
	_, err = c.Settle()
	require.NoError(t, err)
	_, err = sim.Get[*corev1.ConfigMap](c, "", "users")
	assert.True(t, apierrors.IsNotFound(err), "its owner is gone")

	_, err = c.Create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}})
	require.NoError(t, err)
	there := database("users", nil)
	there.SetNamespace("team")
	_, err = c.Create(there)
	require.NoError(t, err)
	require.NoError(t, c.Delete(apiserver.Namespace, "", "team"))
	require.NoError(t, c.Run(time.Minute))
	left, err := c.ListCustom(databaseKind, "", "")
	require.NoError(t, err)
	assert.Empty(t, left)
	_, err = c.Get(apiserver.Namespace, "", "team")
	assert.True(t, apierrors.IsNotFound(err))
}

// A fork and a restored snapshot serve what was defined.
func TestForked(t *testing.T) {
	c := cluster(t)
	_, err := c.Create(database("users", nil))
	require.NoError(t, err)
	f := c.Fork()
	require.NoError(t, f.Delete(apiserver.KindNamed("crd"), "", "databases.example.com"))
	_, err = c.Create(database("more", nil))
	require.NoError(t, err)
	assert.Empty(t, f.Defined())
}

// What was stored before a schema had a default has it when it is read.
func TestDefaultedOnRead(t *testing.T) {
	c := cluster(t)
	_, err := c.Create(database("users", nil))
	require.NoError(t, err)
	_, _, err = c.Patch(apiserver.KindNamed("crd"), "", "databases.example.com", types.JSONPatchType,
		`[{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/default","value":{"version":"17","replicas":3}}]`)
	require.NoError(t, err)
	db, err := c.GetCustom(databaseKind, "", "users")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"version": "17", "replicas": int64(3)}, db.(*unstructured.Unstructured).Object["spec"])
}

// Without CustomResources definitions are stored, and nothing of theirs is served.
func TestWithout(t *testing.T) {
	c := sim.New(sim.Config{})
	_, err := c.Apply(databases)
	require.NoError(t, err)
	_, err = c.Create(database("users", nil))
	assert.EqualError(t, err, "the server could not find the requested resource")
}

// Two managers share an object whose schema says how its list merges; who scales or
// writes the status owns that alone.
func TestApplied(t *testing.T) {
	c := sim.New(sim.Config{CustomResources: customresource.New(), FieldManager: fieldmanager.New()})
	_, err := c.Apply(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: databases.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: databases, singular: database, kind: Database, listKind: DatabaseList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              replicas: {type: integer, default: 3}
              users:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, role: {type: string}}}
          status: {type: object, properties: {ready: {type: integer}}}
`)
	require.NoError(t, err)
	apply := func(manager string, sub apiserver.Subresource, text string) apiserver.Result {
		return c.Do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.CustomResource, Key: key("users"), Subresource: sub, Manager: manager,
			Patch: apiserver.RawPatch{Type: types.ApplyYAMLPatchType, Data: "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: users}\n" + text}})
	}
	res := apply("a", apiserver.None, "spec: {users: [{name: ann, role: admin}]}")
	require.NoError(t, res.Err)
	assert.EqualValues(t, 1, res.Object.GetGeneration())
	first := res.Object.GetResourceVersion()
	require.NoError(t, c.Run(time.Minute))
	res = apply("a", apiserver.None, "spec: {users: [{name: ann, role: admin}]}")
	require.NoError(t, res.Err)
	assert.Equal(t, first, res.Object.GetResourceVersion(), "nothing has changed")
	res = apply("b", apiserver.None, "spec: {users: [{name: bob}]}")
	require.NoError(t, res.Err)
	assert.Len(t, res.Object.(*unstructured.Unstructured).Object["spec"].(map[string]any)["users"], 2)
	res = apply("b", apiserver.None, "spec: {users: [{name: ann, role: guest}, {name: bob}]}")
	assert.EqualError(t, res.Err, `Apply failed with 1 conflict: conflict with "a": .spec.users[name="ann"].role`)
	res = apply("status", apiserver.Status, "status: {ready: 2}")
	require.NoError(t, res.Err)
	owned := map[string]string{}
	for _, e := range res.Object.GetManagedFields() {
		owned[e.Manager] = e.Subresource + string(e.FieldsV1.GetRawBytes())
	}
	assert.Equal(t, `status{"f:status":{"f:ready":{}}}`, owned["status"])
	assert.Equal(t, `{"f:spec":{"f:users":{"k:{\"name\":\"bob\"}":{".":{},"f:name":{}}}}}`, owned["b"])
	res = apply("a", apiserver.None, "spec: {users: []}")
	require.NoError(t, res.Err)
	assert.Len(t, res.Object.(*unstructured.Unstructured).Object["spec"].(map[string]any)["users"], 1, "what a has given up is gone")
}
