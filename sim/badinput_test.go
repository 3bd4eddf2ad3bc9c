package sim_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// set is a StatefulSet with one thing wrong: edit replaces text in it.
func set(old, edit string) string {
	const good = `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: web
spec:
  serviceName: web
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: nginx
        image: nginx:1
`
	if old != "" && !strings.Contains(good, old) {
		panic("no " + old)
	}
	return strings.Replace(good, old, edit, 1)
}

// TestBadInput: each mistake gives one clear error that names the file, the
// document, the object and the field, and nothing of the file is applied.
func TestBadInput(t *testing.T) {
	const head = `bad.yaml: document 1: StatefulSet "web": `
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"truncated":             {set("", "")[:200] + "\n  {", []string{"bad.yaml: document 1: error converting YAML to JSON: yaml: line 17: could not find expected ':'"}},
		"unknown kind":          {set("kind: StatefulSet", "kind: StatefulSets"), []string{`no matches for kind "StatefulSets" in version "apps/v1"`}},
		"unknown version":       {set("apps/v1", "apps/v1beta1"), []string{`no matches for kind "StatefulSet" in version "apps/v1beta1"`}},
		"unknown field":         {set("replicas: 3", "replica: 3"), []string{head, `strict decoding error: unknown field "spec.replica"`}},
		"wrong type":            {set("replicas: 3", "replicas: three"), []string{head, "json: cannot unmarshal string into Go struct field StatefulSetSpec.spec.replicas of type int32"}},
		"negative replicas":     {set("replicas: 3", "replicas: -1"), []string{head, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"}},
		"selector":              {set("      app: web\n  template", "      app: other\n  template"), []string{head, "spec.template.metadata.labels: Invalid value: ", "`selector` does not match template `labels`"}},
		"empty selector":        {set("    matchLabels:\n      app: web\n", "    {}\n"), []string{head, "spec.selector: Invalid value: ", "empty selector is invalid for statefulset"}},
		"long name":             {set("name: web", "name: "+strings.Repeat("w", 64)), []string{"metadata.name: Invalid value: ", "must be no more than 63 characters"}},
		"dots in the name":      {set("name: web", "name: web.db"), []string{`StatefulSet "web.db": `, "metadata.name: Invalid value: \"web.db\": must not contain dots"}},
		"bad quantity":          {set("image: nginx:1", "image: nginx:1\n        resources: {requests: {cpu: lots}}"), []string{head, "quantities must match the regular expression"}},
		"missing namespace":     {set("name: web", "name: web\n  namespace: nowhere"), []string{head, `namespaces "nowhere" not found`}},
		"restart policy":        {set("    spec:\n", "    spec:\n      restartPolicy: Never\n"), []string{head, `spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"`}},
		"no containers":         {set("      containers:\n      - name: nginx\n        image: nginx:1\n", "      containers: []\n"), []string{head, "spec.template.spec.containers: Required value"}},
		"second document wrong": {"apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n---\n" + set("replicas: 3", "replicas: -1"), []string{"bad.yaml: document 2: "}},
		"empty file":            {"", []string{"bad.yaml: no objects passed to apply"}},
		"no name":               {set("  name: web\n", "  labels: {a: b}\n"), []string{"bad.yaml: document 1: StatefulSet: resource name may not be empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := sim.New(sim.Config{})
			before := len(cluster.History())
			docs, err := manifest.Read("bad.yaml", []byte(c.text))
			if err == nil {
				_, err = cluster.ApplyDocuments(docs)
			}
			require.Error(t, err)
			for _, want := range c.want {
				assert.Contains(t, err.Error(), want)
			}
			assert.Len(t, cluster.History(), before, "something was applied")
		})
	}
}

// TestImmutable: what cannot be changed is refused in the server's words.
// A4 is held here.
func TestImmutable(t *testing.T) {
	c := sim.New(sim.Config{})
	_, err := c.Apply(set("", ""))
	require.NoError(t, err)
	for _, edit := range [][2]string{
		{"serviceName: web", "serviceName: other"},
		{"  replicas: 3", "  replicas: 3\n  podManagementPolicy: Parallel"},
	} {
		_, err := c.Apply(set(edit[0], edit[1]))
		assert.ErrorContains(t, err, "field is immutable")
		assert.ErrorContains(t, err, `document 1: StatefulSet "web": `)
	}
}

// TestFiles: what cannot be read is an error that names the file.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	c := sim.New(sim.Config{})
	_, err := c.ApplyFiles(filepath.Join(dir, "missing.yaml"))
	assert.ErrorContains(t, err, "missing.yaml: no such file")
	_, err = c.ApplyFiles(dir)
	assert.ErrorContains(t, err, dir)

	huge := filepath.Join(dir, "huge.yaml")
	f, err := os.Create(huge)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(100<<20))
	require.NoError(t, f.Close())
	_, err = c.ApplyFiles(huge)
	assert.ErrorContains(t, err, "huge.yaml: is too large for a manifest")
}

// TestWaitingStates: what is valid but cannot be fulfilled settles, and says
// what it waits for.
func TestWaitingStates(t *testing.T) {
	const claims = "\n  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {accessModes: [ReadWriteOnce], storageClassName: \"\", resources: {requests: {storage: 5Gi}}}\n"
	small := "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: small}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], nfs: {server: s, path: /p}}\n---\n"
	for name, c := range map[string]struct {
		cfg  sim.Config
		text string
		want string // "" if all becomes ready
	}{
		"missing Service":  {sim.Config{}, set("serviceName: web", "serviceName: nowhere"), ""},
		"no node":          {sim.Config{Nodes: []sim.Node{}}, set("", ""), "no nodes available to schedule pods"},
		"no volume":        {sim.Config{}, set("", "") + claims, "no persistent volumes available for this claim and no storage class is set"},
		"too small volume": {sim.Config{}, small + set("", "") + claims, "no persistent volumes available for this claim and no storage class is set"},
		"no room":          {sim.Config{}, set("image: nginx:1", "image: nginx:1\n        resources: {requests: {cpu: \"64\"}}"), "0/3 nodes are available: 3 Insufficient cpu."},
		"missing config":   {sim.Config{}, set("image: nginx:1", "image: nginx:1\n        envFrom: [{configMapRef: {name: nowhere}}]"), `configmap "nowhere" not found`},
	} {
		t.Run(name, func(t *testing.T) {
			cl := sim.New(c.cfg)
			_, err := cl.Apply(c.text)
			require.NoError(t, err)
			s, err := cl.Settle()
			require.NoError(t, err)
			var all strings.Builder
			for _, w := range s.Waiting {
				fmt.Fprintln(&all, w.Kind, w.Key, w.Reason)
			}
			if c.want == "" {
				assert.Empty(t, all.String())
				return
			}
			assert.Contains(t, all.String(), c.want)
		})
	}
}

// TestHugeReplicas: a slip of the pen neither hangs nor exhausts memory.
func TestHugeReplicas(t *testing.T) {
	for _, policy := range []string{"OrderedReady", "Parallel"} {
		c := sim.New(sim.Config{NoLatency: true, Limits: sim.Limits{Steps: 3000, Objects: math.MaxInt}})
		_, err := c.Apply(set("  replicas: 3", "  replicas: 2147483647\n  podManagementPolicy: "+policy))
		require.NoError(t, err)
		_, err = c.Settle()
		assert.ErrorContains(t, err, "Settle reached its limit after 3000 events", policy)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(web)
	f.Add(set("replicas: 3", "replicas: 2147483647"))
	f.Add(set("", "") + "---\n" + set("name: web", "name: db"))
	f.Add("apiVersion: v1\nkind: List\nitems: []\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := sim.New(sim.Config{NoLatency: true, NoEvents: true, Provision: true, Limits: sim.Limits{Steps: 3000}})
		before := len(c.History())
		_, err := c.Apply(text)
		if err != nil && len(c.History()) != before {
			t.Fatalf("half applied: %v", err)
		}
		_, _ = c.Settle() // bounded; must not panic
	})
}

func FuzzPatch(f *testing.F) {
	f.Add(uint8(0), `{"spec":{"replicas":5}}`)
	f.Add(uint8(1), `{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"x"}]}}}}`)
	f.Add(uint8(2), `[{"op":"remove","path":"/spec/template"}]`)
	f.Add(uint8(0), `{"spec":{"$patch":"delete"}}`)
	f.Fuzz(func(t *testing.T, kind uint8, patch string) {
		c := sim.New(sim.Config{NoLatency: true, NoEvents: true, Provision: true, Limits: sim.Limits{Steps: 3000}})
		_, err := c.Apply(web)
		require.NoError(t, err)
		_, _ = c.Settle()
		typ := []types.PatchType{types.StrategicMergePatchType, types.MergePatchType, types.JSONPatchType}[kind%3]
		before := len(c.History())
		if _, _, err := c.Patch(apiserver.StatefulSet, "default", "web", typ, patch); err != nil && len(c.History()) != before {
			t.Fatalf("half applied: %v", err)
		}
		_, _ = c.Settle()
	})
}

// FuzzCalls drives the API with calls made of bytes: verb, object, value.
func FuzzCalls(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{9, 9, 2, 0, 5, 1, 1, 1, 4, 0, 3, 3})
	f.Fuzz(func(t *testing.T, calls []byte) {
		c := sim.New(sim.Config{NoLatency: true, NoEvents: true, Provision: true, Limits: sim.Limits{Steps: 3000}})
		_, err := c.Apply(web)
		require.NoError(t, err)
		for i := 0; i+1 < len(calls) && i < 60; i += 2 {
			name := fmt.Sprintf("web-%d", calls[i+1]%4)
			switch calls[i] % 10 {
			case 0:
				_ = c.Scale("default", "web", int32(calls[i+1]%6))
			case 1:
				_ = c.SetImage("default", "web", "nginx", fmt.Sprint("nginx:", calls[i+1]%3))
			case 2:
				_ = c.Delete(apiserver.Pod, "default", name)
			case 3:
				_ = c.Delete(apiserver.PersistentVolumeClaim, "default", "www-"+name)
			case 4:
				_ = c.Delete(apiserver.StatefulSet, "default", "web")
			case 5:
				_, _ = c.Apply(web)
			case 6:
				zero := int64(0)
				_ = c.Delete(apiserver.Pod, "default", name, sim.DeleteOptions{GracePeriodSeconds: &zero})
			case 7:
				_, _, _ = c.Patch(apiserver.StatefulSet, "default", "web", types.MergePatchType,
					fmt.Sprintf(`{"spec":{"updateStrategy":{"rollingUpdate":{"partition":%d}}}}`, calls[i+1]%5))
			case 8:
				for range calls[i+1] {
					c.Step()
				}
			case 9:
				_, _ = c.Settle()
			}
		}
		_, _ = c.Settle()
	})
}
