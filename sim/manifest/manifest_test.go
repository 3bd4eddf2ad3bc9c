package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

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
		"truncated":      {"apiVersion: v1\nkind: Service\nmetadata: {name: web", "f: document 1: error converting YAML to JSON: yaml: line 3: did not find expected ',' or '}'"},
		"no kind":        {"apiVersion: v1\nmetadata: {name: web}\n", "f: document 1: kind not set"},
		"no apiVersion":  {"kind: Service\nmetadata: {name: web}\n", "f: document 1: apiVersion not set"},
		"unknown kind":   {"apiVersion: v1\nkind: Sevice\nmetadata: {name: web}\n", `f: document 1: Sevice "web": no matches for kind "Sevice" in version "v1"; ensure CRDs are installed first`},
		"no name":        {"apiVersion: v1\nkind: Service\n", "f: document 1: Service: resource name may not be empty"},
		"unknown field":  {service + "spec: {prots: []}\n", `unknown field "spec.prots"`},
		"wrong type":     {service + "spec: {ports: 80}\n", `f: document 1: Service "web": Service in version "v1" cannot be handled as a Service: `},
		"a list":         {"- a\n- b\n", "f: document 1: invalid object to validate"},
		"a string":       {"hello\n", "f: document 1: invalid object to validate"},
		"bad quantity":   {"apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv}\nspec: {capacity: {storage: 5Gx}}\n", "quantities must match the regular expression"},
		"alias bomb":     {bomb, "f: error converting YAML to JSON: yaml: document contains excessive aliasing"},
		"self reference": {"a: &a [*a]\n", "contains itself"},
		"huge":           {strings.Repeat("#", manifest.MaxSize+1), "the limit is"},
		"list item":      {"apiVersion: v1\nkind: List\nitems: [3]\n", "f: document 1: json: cannot unmarshal number into Go value of type map[string]interface {}"},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := manifest.Read("f", []byte(c.text))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
			assert.Nil(t, docs)
		})
	}
}

// What cli-runtime reads of each of these, as kubectl 1.37.2 has it in it
// (sim/conformance/manifest holds the two readers together).
func TestTaken(t *testing.T) {
	const a = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	const b = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}`
	for name, c := range map[string]struct{ text, want string }{
		"a key twice":            {a + "data: {k: x}\ndata: {k: v}\n", "a=v"},
		"a key twice in JSON":    {`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"data":{"k":"x","k":"y"}}`, "b=y"},
		"an object twice":        {a + "---\n" + a, "a= a="},
		"null":                   {a + "---\nnull\n---\n" + a, "a= a="},
		"tilde":                  {a + "---\n~\n---\n" + a, "a= a="},
		"comments":               {"# x\n---\n# y\n---\n" + a + "# z\n---\n", "a="},
		"a comment behind":       {"--- # x\n" + a + "---   \n" + a, "a= a="},
		"byte order mark":        {"\ufeff" + a, "a="},
		"UTF-16":                 {"\xfe\xff" + utf16(a), "a="},
		"Windows' line ends":     {strings.ReplaceAll(a+"---\n"+a, "\n", "\r\n"), "a= a="},
		"JSON values":            {b + "\n" + b + b, "b= b= b="},
		"JSON, then YAML":        {b + "\n---\n" + a, "b= a="},
		"YAML, then JSON":        {a + "---\n" + b, "a= b="},
		"anchors":                {a + "data: &d {k: x}\nbinaryData: {}\nimmutable: false\n---\n" + a + "data:\n  <<: &d {k: x}\n  l: z\n", "a=x a=x"},
		"a List":                 {"apiVersion: v1\nkind: List\nitems:\n- " + b + "\n- " + b + "\n", "b= b="},
		"a List of any group":    {"apiVersion: apps/v1\nkind: List\nitems: [" + b + "]\n", "b="},
		"a List of one kind":     {"apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}, " + b + "]\n", "a= b="},
		"nulls":                  {a + "data: {k: null}\nbinaryData: null\n", "a="},
		"a number that is whole": {"apiVersion: v1\nkind: PodTemplate\nmetadata: {name: a}\ntemplate: {spec: {priority: 1.0}}\n", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			docs, err := manifest.Read("f", []byte(c.text))
			require.NoError(t, err)
			var got []string
			for _, d := range docs {
				text := d.Object.GetName()
				if m, ok := d.Object.(*corev1.ConfigMap); ok {
					text += "=" + m.Data["k"]
				}
				got = append(got, text)
			}
			assert.Equal(t, c.want, strings.Join(got, " "))
		})
	}
}

// utf16 encodes ASCII, the high byte first.
func utf16(text string) string { return "\x00" + strings.Join(strings.Split(text, ""), "\x00") }

// An object that cannot be used does not stop the others, text that cannot be
// parsed does; all errors are there, in order.
func TestEach(t *testing.T) {
	const text = `apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {a: 1}}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
date: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: d}
--- bad
`
	docs, err := manifest.ReadEach("f", []byte(text))
	assert.EqualError(t, err, "f: document 1: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string\n"+
		"f: document 4: invalid Yaml document separator: bad")
	var of []string
	for i := range docs {
		of = append(of, docs[i].Object.GetName()+" "+docs[i].Kind.String())
	}
	assert.Equal(t, []string{"b ", "c ConfigMap"}, of)
	var refusal *manifest.Error
	require.ErrorAs(t, docs[0].Refused(), &refusal)
	assert.Equal(t, "resource mapping not found for name: \"b\" namespace: \"\" from \"f\": no matches for kind \"Thing\" in version \"example.com/v1\"\nensure CRDs are installed first", refusal.Kubectl())

	_, err = manifest.Read("f", []byte(text))
	assert.EqualError(t, err, "f: document 1: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string\n"+
		"f: document 2: Thing \"b\": no matches for kind \"Thing\" in version \"example.com/v1\"; ensure CRDs are installed first\n"+
		"f: document 3: ConfigMap \"c\": ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"date\"\n"+
		"f: document 4: invalid Yaml document separator: bad")
}

// A power of ten that nobody can compute with is refused where it is read.
func TestExponents(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {x: 1e2147483647}}\nspec: {containers: [{name: c, image: i, resources: {requests: {cpu: \"%s\"}}}]}\n"
	for _, cpu := range []string{"1e2147483647", "1e-2147483648", "-1E+99999", "1e99999999999999999999"} {
		_, err := manifest.Read("f", fmt.Appendf(nil, pod, cpu))
		assert.ErrorContains(t, err, `Pod in version "v1" cannot be handled as a Pod: unable to parse quantity's suffix`, cpu)
	}
	for _, cpu := range []string{"1e3", "1e-3", "1e999"} {
		_, err := manifest.Read("f", fmt.Appendf(nil, pod, cpu))
		assert.NoError(t, err, cpu)
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
