package serve_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/serve"
)

// client asks a server.
type client struct {
	t   *testing.T
	url string
	*serve.Server
}

func start(t *testing.T, cfg serve.Config) *client {
	s := serve.New(sim.New(sim.Config{Provision: true}), cfg)
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		h.Close()
	})
	return &client{t, h.URL, s}
}

// web is sim/testdata/web.yaml's set, in JSON.
const web = `{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"web"},"spec":{"serviceName":"web","replicas":2,
	"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"nginx","image":"nginx:1.28"}]}}}}`

const sets, pods = "/apis/apps/v1/namespaces/default/statefulsets", "/api/v1/namespaces/default/pods"

// send sends a request; header are pairs.
func (c *client) send(method, path, body string, header ...string) *http.Response {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { res.Body.Close() })
	return res
}

// ask sends a request and returns code and body.
func (c *client) ask(method, path, body string, header ...string) (int, string) {
	c.t.Helper()
	res := c.send(method, path, body, header...)
	data, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	return res.StatusCode, string(data)
}

// get reads an object or a list.
func (c *client) get(path string, into any, header ...string) {
	c.t.Helper()
	code, body := c.ask("GET", path, "", header...)
	require.Equal(c.t, http.StatusOK, code, body)
	require.NoError(c.t, json.Unmarshal([]byte(body), into), body)
}

// refused wants a Status.
func (c *client) refused(want int, reason metav1.StatusReason, message, method, path, body string, header ...string) metav1.Status {
	c.t.Helper()
	code, text := c.ask(method, path, body, header...)
	var st metav1.Status
	require.NoError(c.t, json.Unmarshal([]byte(text), &st), text)
	assert.Equal(c.t, want, code)
	assert.Equal(c.t, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(want), Reason: reason,
		Message: message, ListMeta: st.ListMeta, Details: st.Details}, st)
	return st
}

// settle has the cluster come to rest.
func (c *client) settle() {
	c.t.Helper()
	c.Do(func(cl *sim.Cluster) {
		_, err := cl.Settle()
		require.NoError(c.t, err)
	})
}

// events returns the events of a watch, until it ends.
func (c *client) events(path string, header ...string) []string {
	c.t.Helper()
	res := c.send("GET", path, "", header...)
	require.Equal(c.t, http.StatusOK, res.StatusCode)
	var lines []string
	for s := bufio.NewScanner(res.Body); s.Scan(); {
		var ev struct {
			Type   string
			Object struct {
				Kind     string
				Message  string
				Metadata metav1.ObjectMeta
			}
		}
		require.NoError(c.t, json.Unmarshal(s.Bytes(), &ev))
		line := strings.TrimSpace(fmt.Sprint(ev.Type, " ", ev.Object.Metadata.Name, ev.Object.Message))
		if ev.Object.Metadata.Annotations[metav1.InitialEventsAnnotationKey] == "true" {
			line += " end"
		}
		lines = append(lines, line)
	}
	return lines
}

// TestVerbs goes through what can be done with a StatefulSet.
func TestVerbs(t *testing.T) {
	c := start(t, serve.Config{Pace: serve.Paused})
	code, body := c.ask("POST", sets, web)
	require.Equal(t, http.StatusCreated, code, body)
	assert.Contains(t, body, `{"kind":"StatefulSet","apiVersion":"apps/v1","metadata":{"name":"web","namespace":"default","uid":`)
	c.refused(409, "AlreadyExists", `statefulsets.apps "web" already exists`, "POST", sets, web)
	c.settle()

	var list corev1.PodList
	c.get(pods, &list)
	require.Len(t, list.Items, 2)
	c.get("/api/v1/pods?fieldSelector=spec.nodeName%3D"+list.Items[1].Spec.NodeName+"&labelSelector=app%20in%20(web,db)", &list)
	assert.NotEmpty(t, list.Items)

	code, body = c.ask("PATCH", sets+"/web/scale", `{"spec":{"replicas":1}}`, "Content-Type", "application/merge-patch+json")
	assert.Equal(t, 200, code)
	assert.Contains(t, body, `{"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"web"`)
	c.settle()
	c.get(sets+"/web/scale", &struct{}{})
	c.refused(404, "NotFound", `pods "web-1" not found`, "GET", pods+"/web-1", "")

	code, body = c.ask("DELETE", pods+"/web-0", `{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"other"}}`)
	assert.Equal(t, 409, code, body)
	code, _ = c.ask("DELETE", pods+"/web-0", "")
	assert.Equal(t, 200, code)
	code, body = c.ask("DELETE", sets+"?labelSelector=a%3Db", "")
	assert.Equal(t, 200, code)
	assert.Contains(t, body, `"items":[]`)
	code, body = c.ask("DELETE", sets+"/web", "")
	assert.Equal(t, 200, code)
	assert.Contains(t, body, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{"name":"web","group":"apps","kind":"statefulsets","uid":"`)
}

// TestDryRun: a dry run says what would be, and changes nothing.
func TestDryRun(t *testing.T) {
	c := start(t, serve.Config{Pace: serve.Paused})
	code, body := c.ask("POST", sets+"?dryRun=All", web)
	assert.Equal(t, 201, code)
	assert.Contains(t, body, `"revisionHistoryLimit":10`)
	assert.NotContains(t, body, "resourceVersion")
	c.refused(404, "NotFound", `statefulsets.apps "web" not found`, "GET", sets+"/web", "")
	c.refused(422, "Invalid", `CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["some"]: supported values: "All"`, "POST", sets+"?dryRun=some", web)
}

// TestFieldValidation: unknown fields are refused, warned of or passed over, in
// the words of a real API server (sim/testdata's recording api.json has them).
func TestFieldValidation(t *testing.T) {
	c := start(t, serve.Config{Pace: serve.Paused})
	wrong := strings.Replace(web, `"replicas"`, `"replica":1,"replicas"`, 1)
	c.refused(400, "BadRequest", `StatefulSet in version "v1" cannot be handled as a StatefulSet: strict decoding error: unknown field "spec.replica"`,
		"POST", sets+"?fieldValidation=Strict", wrong)
	res := c.send("POST", sets+"?dryRun=All", wrong)
	assert.Equal(t, []string{`299 - "unknown field \"spec.replica\""`}, res.Header.Values("Warning"))
	res = c.send("POST", sets+"?dryRun=All&fieldValidation=Ignore", wrong)
	assert.Empty(t, res.Header.Values("Warning"))
	c.refused(422, "Invalid", `CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"`, "POST", sets+"?fieldValidation=x", web)
}

// TestForms: what is asked for as YAML, protobuf, Table or metadata comes so.
func TestForms(t *testing.T) {
	c := start(t, serve.Config{Pace: serve.Paused})
	_, body := c.ask("GET", "/api/v1/nodes/node-1", "", "Accept", "application/yaml")
	assert.True(t, strings.HasPrefix(body, "apiVersion: v1\nkind: Node\n"), body)

	_, body = c.ask("GET", "/api/v1/nodes", "", "Accept", "application/vnd.kubernetes.protobuf,application/json")
	obj, _, err := serializer.NewCodecFactory(apiserver.Scheme()).UniversalDeserializer().Decode([]byte(body), nil, nil)
	require.NoError(t, err)
	assert.Len(t, obj.(*corev1.NodeList).Items, 3)

	var table metav1.Table
	c.get("/api/v1/nodes?limit=2", &table, "Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
	require.Len(t, table.Rows, 2)
	assert.Equal(t, "name", table.ColumnDefinitions[0].Format)
	assert.Equal(t, []any{"node-1", "Ready"}, table.Rows[0].Cells[:2])
	assert.Contains(t, string(table.Rows[0].Object.Raw), `"kind":"PartialObjectMetadata"`)
	assert.Equal(t, int64(1), *table.RemainingItemCount)

	var partial metav1.PartialObjectMetadataList
	c.get("/api/v1/nodes", &partial, "Accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")
	assert.Len(t, partial.Items, 3)
	c.refused(406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
		"GET", "/api/v1/nodes", "", "Accept", "text/html")
	c.refused(415, "UnsupportedMediaType",
		"the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
		"POST", sets, web, "Content-Type", "text/plain")
}

// TestPages: pages are of one version, whatever happens between them.
func TestPages(t *testing.T) {
	c := start(t, serve.Config{Pace: serve.Paused, Window: 4})
	var names []string
	var first metav1.PartialObjectMetadataList
	next := ""
	for range 3 {
		var list corev1.NodeList
		c.get("/api/v1/nodes?limit=1&continue="+next, &list)
		names = append(names, list.Items[0].Name)
		if next == "" {
			first.ListMeta = list.ListMeta
			code, _ := c.ask("DELETE", "/api/v1/nodes/node-2", "")
			require.Equal(t, 200, code)
		}
		assert.Equal(t, first.ResourceVersion, list.ResourceVersion)
		next = list.Continue
	}
	assert.Empty(t, next)
	assert.Equal(t, []string{"node-1", "node-2", "node-3"}, names)

	for i := range 10 {
		code, body := c.ask("PATCH", "/api/v1/nodes/node-1", fmt.Sprintf(`{"metadata":{"labels":{"a":"%d"}}}`, i), "Content-Type", "application/merge-patch+json")
		require.Equal(t, 200, code, body)
	}
	code, body := c.ask("GET", "/api/v1/nodes?limit=1&continue="+first.Continue, "")
	assert.Equal(t, http.StatusGone, code)
	var st metav1.Status
	require.NoError(t, json.Unmarshal([]byte(body), &st))
	assert.Equal(t, metav1.StatusReasonExpired, st.Reason)
	var list corev1.NodeList
	c.get("/api/v1/nodes?continue="+st.Continue, &list) // as things are now
	assert.Equal(t, "node-3", list.Items[0].Name)
	c.refused(504, "Timeout", "Timeout: Too large resource version: 100000, current: "+list.ResourceVersion, "GET", "/api/v1/nodes?resourceVersion=100000", "")
	c.refused(400, "BadRequest", "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
		"GET", "/api/v1/nodes?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", "")
}

// TestWatch: a watch begins with what there is, if that is asked for, and goes on
// with what happens to what it selects.
func TestWatch(t *testing.T) {
	c := start(t, serve.Config{Pace: serve.Paused})
	first := make(chan []string)
	go func() {
		first <- c.events("/api/v1/nodes?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1")
	}()
	assert.Equal(t, []string{"ADDED node-1", "ADDED node-2", "ADDED node-3", "BOOKMARK end"}, <-first)

	var list corev1.NodeList
	c.get("/api/v1/nodes", &list)
	for _, patch := range []string{`{"metadata":{"labels":{"a":"b"}}}`, `{"metadata":{"labels":{"c":"d"}}}`, `{"metadata":{"labels":{"a":null}}}`} {
		code, body := c.ask("PATCH", "/api/v1/nodes/node-2", patch, "Content-Type", "application/merge-patch+json")
		require.Equal(t, 200, code, body)
	}
	assert.Equal(t, []string{"ADDED node-2", "MODIFIED node-2", "DELETED node-2"},
		c.events("/api/v1/nodes?watch=true&timeoutSeconds=1&labelSelector=a%3Db&resourceVersion="+list.ResourceVersion))
	assert.Equal(t, []string{"ERROR too old resource version: 1 (" + fmt.Sprint(floor(t, c)) + ")"}, c.events("/api/v1/nodes?watch=true&resourceVersion=1"))
	c.refused(422, "Invalid", `ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]`,
		"GET", "/api/v1/nodes?watch=true&resourceVersionMatch=Exact&resourceVersion=1", "")
}

// floor is the version at which the cluster was given to the server.
func floor(t *testing.T, _ *client) uint64 {
	t.Helper()
	return sim.New(sim.Config{Provision: true}).Version()
}

// TestRefusals: what is malformed gets an answer.
func TestRefusals(t *testing.T) {
	c := start(t, serve.Config{Pace: serve.Paused})
	for _, path := range []string{"/apis/apps/v1/nothing", "/apis/none/v1/pods", "/api/v1/namespaces/default/nodes", "/apis/apps/v1/statefulsets/web", "/x", "/api/v1/pods/a/b/c/d"} {
		code, body := c.ask("GET", path, "")
		assert.Equal(t, 404, code, path)
		assert.Equal(t, "404 page not found\n", body)
	}
	c.refused(400, "BadRequest", `the object provided is unrecognized (must be of type StatefulSet): couldn't get version/kind; json parse error: unexpected end of JSON input ("{")`, "POST", sets, "{")
	c.refused(400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request", "POST", sets, strings.Replace(web, `"name":"web"`, `"name":"web","namespace":"x"`, 1))
	c.refused(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", "POST", sets, strings.Repeat(" ", 3<<20+1))
	c.refused(400, "BadRequest", "field label not supported: a", "GET", pods+"?fieldSelector=a%3Db", "")
	req := httptest.NewRequest("GET", "http://evil.example/version", nil)
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, req)
	assert.Equal(t, http.StatusForbidden, rec.Code)
}
