package serve

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/customresource"
)

const widgets = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.example.com"},
"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList","shortNames":["wd"],"categories":["all"]},
"versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}},
"additionalPrinterColumns":[{"name":"Size","type":"integer","jsonPath":".spec.size"},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
"schema":{"openAPIV3Schema":{"type":"object","description":"Widget is one.","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer","default":1}}},"status":{"type":"object","properties":{"size":{"type":"integer"}}}}}}},
{"name":"v1beta1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`

// TestCustom asks for custom resources as clients do.
func TestCustom(t *testing.T) {
	s := New(sim.New(sim.Config{CustomResources: customresource.New()}), Config{Pace: Paused})
	defer s.Close()
	ask := func(method, path, accept, typ, body string) (int, map[string]any) {
		r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		if typ != "" {
			r.Header.Set("Content-Type", typ)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var answer map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), "%s %s: %s", method, path, w.Body)
		return w.Code, answer
	}
	const all, one = "/apis/example.com/v1/namespaces/default/widgets", "/apis/example.com/v1/namespaces/default/widgets/a"
	r := httptest.NewRecorder()
	s.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "http://localhost"+all, nil))
	assert.Equal(t, http.StatusNotFound, r.Code, "nobody has defined it")
	code, _ := ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "", "application/json", widgets)
	require.Equal(t, http.StatusCreated, code)

	const protobuf = "application/vnd.kubernetes.protobuf,application/json"
	code, made := ask("POST", all, protobuf, "application/yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a, labels: {x: z}}\n")
	require.Equal(t, http.StatusCreated, code, made)
	assert.Equal(t, "Widget", made["kind"])
	code, refused := ask("POST", all+"?fieldValidation=Strict", "", "application/json", `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"b"},"spec":{"color":"red"}}`)
	assert.Equal(t, http.StatusBadRequest, code)
	assert.Equal(t, `Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.color"`, refused["message"])

	code, patched := ask("PATCH", one, "", "application/merge-patch+json", `{"spec":{"size":4}}`)
	require.Equal(t, http.StatusOK, code, patched)
	assert.EqualValues(t, 4, patched["spec"].(map[string]any)["size"])
	code, status := ask("PATCH", one+"/status", "", "application/merge-patch+json", `{"status":{"size":2}}`)
	require.Equal(t, http.StatusOK, code, status)
	code, scale := ask("GET", one+"/scale", "", "", "")
	require.Equal(t, http.StatusOK, code, scale)
	assert.Equal(t, "Scale", scale["kind"])
	assert.EqualValues(t, 4, scale["spec"].(map[string]any)["replicas"])
	assert.EqualValues(t, 2, scale["status"].(map[string]any)["replicas"])
	code, scale = ask("PATCH", one+"/scale", "", "application/merge-patch+json", `{"spec":{"replicas":7}}`)
	require.Equal(t, http.StatusOK, code, scale)
	assert.EqualValues(t, 7, scale["spec"].(map[string]any)["replicas"])

	_, other := ask("GET", "/apis/example.com/v1beta1/namespaces/default/widgets/a", "", "", "")
	assert.Equal(t, "example.com/v1beta1", other["apiVersion"])
	_, list := ask("GET", "/apis/example.com/v1/widgets?labelSelector=x%3Dz", protobuf, "", "")
	assert.Equal(t, "WidgetList", list["kind"])
	require.Len(t, list["items"], 1)
	_, table := ask("GET", all, "application/json;as=Table;v=v1;g=meta.k8s.io", "", "")
	cells := table["rows"].([]any)[0].(map[string]any)["cells"]
	assert.Equal(t, []any{"a", float64(7), "0s"}, cells)
	_, partial := ask("GET", one, "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", "", "")
	assert.Equal(t, "PartialObjectMetadata", partial["kind"])
	assert.NotContains(t, partial, "spec")

	_, resources := ask("GET", "/apis/example.com/v1", "", "", "")
	var names []string
	for _, r := range resources["resources"].([]any) {
		names = append(names, r.(map[string]any)["name"].(string))
	}
	assert.Equal(t, []string{"widgets", "widgets/scale", "widgets/status"}, names)
	_, group := ask("GET", "/apis/example.com", "", "", "")
	assert.Equal(t, "v1", group["preferredVersion"].(map[string]any)["version"])
	_, groups := ask("GET", "/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", "", "")
	items := groups["items"].([]any)
	assert.Equal(t, "example.com", items[len(items)-1].(map[string]any)["metadata"].(map[string]any)["name"])
	_, index := ask("GET", "/openapi/v3", "", "", "")
	require.Contains(t, index["paths"], "apis/example.com/v1")
	_, doc := ask("GET", "/openapi/v3/apis/example.com/v1", "", "", "")
	model := doc["components"].(map[string]any)["schemas"].(map[string]any)["com.example.v1.Widget"].(map[string]any)
	assert.Equal(t, "Widget is one.", model["description"])
	assert.Contains(t, model["properties"], "metadata")

	code, gone := ask("DELETE", one, "", "", "")
	require.Equal(t, http.StatusOK, code, gone)
	assert.Equal(t, metav1.StatusSuccess, gone["status"])
}

// TestCustomWatch: a watch of one kind sees nothing of another, from an older version on.
func TestCustomWatch(t *testing.T) {
	c := sim.New(sim.Config{CustomResources: customresource.New()})
	_, err := c.Apply(widgets, strings.NewReplacer("widget", "gadget", "Widget", "Gadget", `"wd"`, `"gd"`).Replace(widgets))
	require.NoError(t, err)
	from := c.Version()
	s := New(c, Config{Pace: Paused})
	defer s.Close()
	server := httptest.NewServer(s)
	defer server.Close()
	for _, kind := range []string{"Gadget", "Widget", "Gadget", "Widget"} {
		body := `{"apiVersion":"example.com/v1","kind":"` + kind + `","metadata":{"generateName":"x-"}}`
		resp, err := http.Post(server.URL+"/apis/example.com/v1/namespaces/default/"+strings.ToLower(kind)+"s", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusCreated, resp.StatusCode)
	}
	resp, err := http.Get(server.URL + "/apis/example.com/v1beta1/widgets?watch=true&resourceVersion=" + versionText(from))
	require.NoError(t, err)
	defer resp.Body.Close()
	events := json.NewDecoder(resp.Body)
	for range 2 {
		var ev struct {
			Type   string
			Object struct{ APIVersion, Kind string }
		}
		require.NoError(t, events.Decode(&ev))
		assert.Equal(t, "ADDED example.com/v1beta1 Widget", ev.Type+" "+ev.Object.APIVersion+" "+ev.Object.Kind)
	}
}
