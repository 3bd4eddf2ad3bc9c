package table_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// cluster reads testdata/cluster.yaml. The goldens made of it were compared
// with what kubectl v0.37.2's describe and v1.37.2's printers make of the same
// file: they are equal, but for the volume source that doc.go leaves out.
func cluster(t testing.TB) []apiserver.Object {
	t.Helper()
	data, err := os.ReadFile("testdata/cluster.yaml")
	require.NoError(t, err)
	var objs []apiserver.Object
	for _, doc := range strings.Split(string(data), "\n---\n") {
		var head struct{ APIVersion, Kind string }
		require.NoError(t, yaml.Unmarshal([]byte(doc), &head))
		kind := apiserver.KindFor(schema.FromAPIVersionAndKind(head.APIVersion, head.Kind))
		require.NotZero(t, kind, head)
		obj := kind.New()
		require.NoError(t, yaml.UnmarshalStrict([]byte(doc), obj))
		objs = append(objs, obj)
	}
	return objs
}

// TestClusterTables prints every kind's columns (K24–K26), short and wide.
func TestClusterTables(t *testing.T) {
	var groups []table.Group
	for _, obj := range cluster(t) {
		groups = append(groups, table.Group{Kind: apiserver.KindOf(obj), Objects: objects(obj)})
	}
	short, _ := table.Get(groups, now, table.Options{AllNamespaces: true})
	golden(t, "tables.txt", short)
	wide, _ := table.Get(groups, now, table.Options{Wide: true})
	golden(t, "tables_wide.txt", wide)
}

// TestClusterDescriptions describes every object, twice, and finds the objects
// unchanged: they are shared.
func TestClusterDescriptions(t *testing.T) {
	objs, untouched := cluster(t), cluster(t)
	var out strings.Builder
	for _, obj := range objs {
		text := table.Describe(obj, objs, now)
		require.Equal(t, text, table.Describe(obj, objs, now))
		fmt.Fprintf(&out, "===== %s %s\n%s", apiserver.KindOf(obj), apiserver.KeyOf(obj), text)
	}
	golden(t, "descriptions.txt", out.String())
	require.Empty(t, cmp.Diff(untouched, objs))
}

// TestEncode prints objects as YAML and JSON that decode to the same objects,
// with their kind and without managed fields.
func TestEncode(t *testing.T) {
	objs := cluster(t)
	for _, obj := range objs {
		back := apiserver.KindOf(obj).New()
		text, err := table.YAML(obj)
		require.NoError(t, err)
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), back))
		back.GetObjectKind().SetGroupVersionKind(obj.GetObjectKind().GroupVersionKind())
		require.Empty(t, cmp.Diff(obj, back, cmp.Comparer(func(a, b runtime.RawExtension) bool { return len(a.Raw) == len(b.Raw) })))
	}
	pod := namespaced("prod", "web-0")
	pod.ManagedFields = append(pod.ManagedFields, metav1.ManagedFieldsEntry{Manager: "kubectl"})
	pod.Spec.Containers[0].Args = []string{"a < b && c"}
	var out strings.Builder
	for _, print := range []func() (string, error){
		func() (string, error) { return table.YAML(pod) },
		func() (string, error) { return table.JSON(pod) },
		func() (string, error) { return table.YAMLList(objects(pod)) },
		func() (string, error) { return table.JSONList(nil) },
	} {
		text, err := print()
		require.NoError(t, err)
		out.WriteString(text + "=====\n")
	}
	golden(t, "encoded.txt", out.String())
}
