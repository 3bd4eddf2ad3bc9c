package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/manifest"
)

// Two documents, of which the second has a typing error.
func Example() {
	_, err := manifest.Read("web.yaml", []byte(`
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec: {replica: 3}
`))
	fmt.Println(err)
	// Output:
	// web.yaml: document 2: StatefulSet "web": StatefulSet in version "v1" cannot be handled as a StatefulSet: strict decoding error: unknown field "spec.replica"
}

const service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"

func TestErrors(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'k'; i++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "f: no objects passed to apply"},
		"comments":       {"# nothing\n---\n# at all\n", "f: no objects passed to apply"},
		"truncated":      {"apiVersion: v1\nkind: Service\nmetadata: {name: web", "f: document 1: error parsing YAML: "},
		"no kind":        {"apiVersion: v1\nmetadata: {name: web}\n", "f: document 1: Object 'Kind' is missing"},
		"no apiVersion":  {"kind: Service\nmetadata: {name: web}\n", "Object 'apiVersion' is missing"},
		"unknown kind":   {"apiVersion: v1\nkind: Sevice\nmetadata: {name: web}\n", `no matches for kind "Sevice" in version "v1"`},
		"no name":        {"apiVersion: v1\nkind: Service\n", "f: document 1: Service: resource name may not be empty"},
		"unknown field":  {service + "spec: {prots: []}\n", `unknown field "spec.prots"`},
		"wrong type":     {service + "spec: {ports: 80}\n", `f: document 1: Service "web": Service in version "v1" cannot be handled as a Service: `},
		"duplicate key":  {service + "kind: Pod\n", `key "kind" already set in map`},
		"a list":         {"- a\n- b\n", "is not an object but a list"},
		"a string":       {"hello\n", "is not an object but a string"},
		"duplicate":      {service + "---\n" + service, `f: document 2: Service "web": is already given by document 1`},
		"bad quantity":   {"apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv}\nspec: {capacity: {storage: 5Gx}}\n", "quantities must match the regular expression"},
		"alias bomb":     {bomb, "aliases expand to more than"},
		"self reference": {"a: &a [*a]\n", "contains itself"},
		"huge":           {strings.Repeat("#", manifest.MaxSize+1), "the limit is"},
		"list item":      {"apiVersion: v1\nkind: List\nitems: [3]\n", "items[0]: is not an object"},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := manifest.Read("f", []byte(c.text))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.Nil(t, docs)
		})
	}
}

func TestListsAndJSON(t *testing.T) {
	docs, err := manifest.Read("f", []byte(`{"apiVersion":"v1","kind":"List","items":[
{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}},{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}]}`))
	require.NoError(t, err)
	require.Len(t, docs, 2)
	assert.Equal(t, "ConfigMap", docs[1].Kind.String())

	docs, err = manifest.Read("f", []byte("apiVersion: apps/v1\nkind: StatefulSetList\nitems: [{metadata: {name: a}}, {metadata: {name: b}, apiVersion: apps/v1, kind: StatefulSet}]\n"))
	require.NoError(t, err)
	require.Len(t, docs, 2)
	assert.Equal(t, "StatefulSet", docs[0].Kind.String())
	assert.Equal(t, "b", docs[1].Object.GetName())
}

func TestLastApplied(t *testing.T) {
	docs, err := manifest.Read("f", []byte("apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels: {b: c}\nspec: {ports: [{port: 80}]}\n"))
	require.NoError(t, err)
	docs[0].SetNamespace("default")
	obj, err := docs[0].Create()
	require.NoError(t, err)
	assert.Equal(t, `{"apiVersion":"v1","kind":"Service","metadata":{"annotations":{},"labels":{"b":"c"},"name":"web","namespace":"default"},"spec":{"ports":[{"port":80}]}}`+"\n",
		obj.GetAnnotations()[manifest.LastApplied])
}

func FuzzRead(f *testing.F) {
	f.Add(service)
	f.Add("a: &a [*a]\n")
	f.Add("apiVersion: v1\nkind: List\nitems: [{}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := manifest.Read("f", []byte(text))
		if err == nil && len(docs) == 0 {
			t.Fatal("neither documents nor an error")
		}
	})
}
