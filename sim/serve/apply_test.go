package serve

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/fieldmanager"
)

// Server-side apply over HTTP: 201 for what is new, 200 for what is there, 409 with a
// cause for each field that is another's; an Update is known by its user agent.
func TestServerSideApply(t *testing.T) {
	s := New(sim.New(sim.Config{FieldManager: fieldmanager.New()}), Config{Pace: Paused})
	defer s.Close()
	h := httptest.NewServer(s)
	defer h.Close()
	send := func(method, path, typ, body string, into any) int {
		req, err := http.NewRequest(method, h.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", typ)
		req.Header.Set("User-Agent", "robot/v2 (linux)")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, into), string(data))
		return res.StatusCode
	}
	const path, yaml, config = "/api/v1/namespaces/default/configmaps/m", "application/apply-patch+yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: "
	var m metav1.PartialObjectMetadata
	assert.Equal(t, 201, send("PATCH", path+"?fieldManager=a", yaml, config+"{x: one}", &m))
	assert.Equal(t, 200, send("PATCH", path+"?fieldManager=a", yaml, config+"{x: two}", &m))
	assert.Equal(t, 200, send("PATCH", path, "application/merge-patch+json", `{"data":{"z":"other"}}`, &m))
	require.Len(t, m.ManagedFields, 2)
	assert.Equal(t, "robot", m.ManagedFields[1].Manager)
	var status metav1.Status
	assert.Equal(t, 409, send("PATCH", path+"?fieldManager=b", yaml, config+"{x: mine, z: mine}", &status))
	require.NotNil(t, status.Details)
	var causes []string
	for _, c := range status.Details.Causes {
		causes = append(causes, string(c.Type)+" "+c.Field)
	}
	assert.Equal(t, []string{"FieldManagerConflict .data.x", "FieldManagerConflict .data.z"}, causes)
	assert.Equal(t, 422, send("PATCH", path, yaml, config+"{}", &status), "a manager must be named")
	assert.Equal(t, 200, send("PATCH", path+"?fieldManager=b&force=true", yaml, config+"{x: mine, z: mine}", &m))
}
