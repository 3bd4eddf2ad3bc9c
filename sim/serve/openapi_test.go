package serve_test

import (
	"io"
	"testing"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/statefulsim/statefulsim/sim/serve"
)

// TestOpenAPI: every document can be had, every reference in it leads somewhere,
// and what kubectl looks for is there.
func TestOpenAPI(t *testing.T) {
	c := start(t, serve.Config{Pace: serve.Paused})
	var index struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}
	c.get("/openapi/v3", &index)
	assert.Contains(t, index.Paths, "apis/apps/v1")
	for path, at := range index.Paths { // each for itself
		var doc struct {
			Components struct{ Schemas map[string]any }
		}
		c.get(at.ServerRelativeURL, &doc)
		refs(t, path, doc.Components.Schemas, "#/components/schemas/", doc.Components.Schemas)
	}
	var apps struct {
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]map[string]any }
	}
	c.get(index.Paths["apis/apps/v1"].ServerRelativeURL, &apps)
	patch := apps.Paths["/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}"]["patch"].(map[string]any)
	assert.Equal(t, map[string]any{"group": "apps", "version": "v1", "kind": "StatefulSet"}, patch["x-kubernetes-group-version-kind"])
	spec := apps.Components.Schemas["io.k8s.api.apps.v1.StatefulSetSpec"]
	// As in Kubernetes' own api/openapi-spec/v3/apis__apps__v1_openapi.json.
	assert.Equal(t, []any{"selector", "template"}, spec["required"])
	ports := apps.Components.Schemas["io.k8s.api.core.v1.Container"]["properties"].(map[string]any)["ports"].(map[string]any)
	assert.Equal(t, "containerPort", ports["x-kubernetes-patch-merge-key"])

	var v2 struct{ Definitions map[string]any }
	c.get("/openapi/v2", &v2)
	refs(t, "v2", v2.Definitions, "#/definitions/", v2.Definitions)
	res := c.send("GET", "/openapi/v2", "", "Accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(data, &openapi_v2.Document{}))
}

// refs wants every reference below a node to be defined.
func refs(t *testing.T, at string, n any, prefix string, defs map[string]any) {
	switch n := n.(type) {
	case map[string]any:
		for k, v := range n { // each for itself
			if ref, ok := v.(string); ok && k == "$ref" {
				if _, ok := defs[ref[len(prefix):]]; !ok {
					t.Errorf("%s: %s is not defined", at, ref)
				}
			}
			refs(t, at, v, prefix, defs)
		}
	case []any:
		for _, v := range n {
			refs(t, at, v, prefix, defs)
		}
	}
}
