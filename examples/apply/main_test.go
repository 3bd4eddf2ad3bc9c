package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/manifest"
	"github.com/statefulsim/statefulsim/sim/trace"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// ran is what a command has done.
type ran struct {
	code           int
	stdout, stderr string
}

func command(stdin string, args ...string) ran {
	var out, err strings.Builder
	code := run(args, strings.NewReader(stdin), &out, &err)
	return ran{code, out.String(), err.String()}
}

// words splits a command line; a name with .yaml, and chart, lies in testdata.
func words(line string) []string {
	args := strings.Fields(line)
	for i, a := range args {
		if strings.HasSuffix(a, ".yaml") && !filepath.IsAbs(a) || a == "chart" {
			args[i] = filepath.Join("testdata", a)
		}
	}
	return args
}

// The lessons: each is a command, how it ends, and a golden file of its name.
var lessons = []struct {
	name, line string
	code       int
}{
	{"site", "-f site.yaml -provision", 0},
	{"site-parallel", "-f site-parallel.yaml -provision", 0},
	{"site-without-volumes", "-f site.yaml", 1},
	{"site-without-nodes", "-f site.yaml -provision -nodes 0 -o tables", 1},
	{"site-in-a-hurry", "-f site.yaml -provision -for 2s -o tables", 1},
	{"site-new-image", "-f site.yaml -then site-new-image.yaml -provision", 0},
	{"site-partition", "-f site.yaml -then site-partition.yaml -provision -o tables", 0},
	{"site-small-volume", "-f site.yaml -then volumes.yaml -o tables", 1},
	{"ensemble", "-f ensemble.yaml -provision -nodes 2 -o tables", 0},
	{"ensemble-apart", "-f ensemble-apart.yaml -provision -nodes 2 -o tables", 1},
	{"ensemble-apart-on-three", "-f ensemble-apart.yaml -provision -o tables", 0},
	{"ring", "-f ring.yaml -provision -o tables", 0},
	{"replicated", "-f replicated-config.yaml -f replicated-services.yaml -f replicated.yaml -provision", 0},
	{"replicated-without-config", "-f replicated.yaml -provision -o tables", 1},
	{"never", "-f never.yaml -o tables", 1},
	{"chart", "-f chart -provision -o tables", 0},
	{"chart-and-site", "-f chart -f site.yaml -provision -nodes 5", 0},
}

func TestLessons(t *testing.T) {
	for _, c := range lessons {
		t.Run(c.name, func(t *testing.T) {
			got := command("", words(c.line)...)
			assert.Equal(t, c.code, got.code, "exit code; stderr: %s", got.stderr)
			assert.Empty(t, got.stderr)
			checkGolden(t, filepath.Join("testdata", "golden", c.name+".txt"), "$ apply "+c.line+"\n\n"+got.stdout)
		})
	}
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got); if that is right, run go test ./examples/apply -update\n%s", path, diff)
	}
}

// TestFacts holds what the goldens show against what must be so, whatever the
// seed.
func TestFacts(t *testing.T) {
	for seed := range 10 {
		for _, c := range lessons {
			got := command("", append(words(c.line), "-seed", fmt.Sprint(seed), "-o", "tables")...)
			require.Equal(t, c.code, got.code, "%s -seed %d\n%s%s", c.line, seed, got.stdout, got.stderr)
			for _, fact := range facts[c.name] {
				require.Contains(t, got.stdout, fact, "%s -seed %d", c.line, seed)
			}
		}
	}
}

var facts = map[string][]string{
	"site-without-volumes": {
		"Not settled: nothing new happens after",
		"\n  persistentvolumeclaim pages-site-0: no persistent volumes available for this claim and no storage class is set\n",
		"\n  pod site-0: 0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found\n",
		"\n  statefulset site: waiting for pod default/site-0 to be Ready\n"},
	"site-without-nodes": {"\n  pod site-0: no nodes available to schedule pods\n"},
	"site-in-a-hurry":    {"Not settled within 2s of virtual time; still waiting:\n"},
	"site-partition":     {"statefulset site has 2/2 replicas ready (1 of the old revision: partition 1), 2 claims are bound.\n"},
	"site-small-volume": {"\npersistentvolume/small created\n",
		"\n  persistentvolumeclaim pages-site-1: no persistent volumes available for this claim and no storage class is set\n"},
	"ensemble": {"statefulset zoo has 3/3 replicas ready, 3 claims are bound.\n"},
	"ensemble-apart": {"\n  pod zoo-2: 0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. " +
		"preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.\n"},
	"ring":                      {"\nring-0   1/1     Running   0", "pvc-", " fast "},
	"replicated":                {"\ndb-2   2/2     Running   0"},
	"replicated-without-config": {"\n  pod db-0: FailedMount: configmap \"db\" not found\n"},
	"never": {"\n  pods never-0, never-1: ErrImageNeverPull: Container image \"registry.example.com/never:1\" " +
		"is not present with pull policy of Never\n"},
	"chart": {"\nnamespace/shop created\n", "\n$ kubectl get pods -o wide -n shop\n", "\nstore-2   2/2     Running   0", " premium ",
		"\nWarning: no controller acts on NetworkPolicy here; it is stored, and that is all: in a real cluster it cuts connections between pods\n",
		"\nNot modelled: 1 NetworkPolicy is stored, and decides nothing.\n"},
	"chart-and-site": {"\n$ kubectl get pods -o wide -A\n", "\nshop        store-2   2/2     Running   0", "\ndefault     site-1    1/1     Running   0"},
}

// TestMany: what waits for one reason is one line, in the order of ordinals.
func TestMany(t *testing.T) {
	text, err := os.ReadFile("testdata/site-parallel.yaml")
	require.NoError(t, err)
	got := command(strings.Replace(string(text), "replicas: 2", "replicas: 120", 1), "-f", "-", "-o", "tables", "-nodes", "1")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stdout, "\n  persistentvolumeclaims pages-site-0, pages-site-1, pages-site-2 and 117 more: no persistent volumes available")
	assert.Contains(t, got.stdout, "\n  pods site-0, site-1, site-2 and 117 more: 0/1 nodes are available: ")

	got = command(strings.Replace(string(text), "replicas: 2", "replicas: 120", 1), "-f", "-", "-o", "tables", "-nodes", "1", "-provision")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stdout, " and 7 more: 0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.\n")
}

// TestWarnings: one for each kind on which nothing acts although a real cluster
// would, and none for the others.
func TestWarnings(t *testing.T) {
	got := command("", words("-f chart -provision -o tables")...).stdout
	assert.Equal(t, 1, strings.Count(got, "acts on NetworkPolicy here"))
	assert.NotContains(t, got, "acts on Role", "nothing that is simulated depends on it")
	twice := command("{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}}\n---\n"+
		"{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: b}, spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}}\n", "-f", "-")
	assert.Equal(t, 1, strings.Count(twice.stdout, "Warning: "), twice.stdout)
}

// TestStdin gives the same objects in other forms: the outcome is the same.
func TestStdin(t *testing.T) {
	text, err := os.ReadFile("testdata/site.yaml")
	require.NoError(t, err)
	docs, err := manifest.Read("site.yaml", text)
	require.NoError(t, err)
	service, set := docs[0].Object.(*corev1.Service), docs[1].Object.(*appsv1.StatefulSet)
	assert.Equal(t, "site", service.Name)
	assert.Equal(t, int32(2), *set.Spec.Replicas)

	want := command("", words("-f site.yaml -provision")...)
	_, want.stdout, _ = strings.Cut(want.stdout, "\n") // the command line
	parts := strings.SplitN(string(text), "\n---\n", 2)
	indent := func(s string) string {
		return "- " + strings.ReplaceAll(strings.TrimSpace(s[strings.Index(s, "apiVersion"):]), "\n", "\n  ") + "\n"
	}
	for name, stdin := range map[string]string{
		"as it is": string(text),
		"a list":   "apiVersion: v1\nkind: List\nmetadata: {}\nitems:\n" + indent(parts[0]) + indent(parts[1]),
		"CRLF":     strings.ReplaceAll(string(text), "\n", "\r\n"),
	} {
		got := command(stdin, "-f", "-", "-provision")
		_, got.stdout, _ = strings.Cut(got.stdout, "\n")
		assert.Equal(t, want, got, name)
	}
	got := command(parts[1], "-f", "-", "-provision", "-o", "tables")
	assert.Zero(t, got.code, "a missing Service keeps no pod from running: %s", got.stdout)
}

// TestJSON: the history can be read back, and the verdict is the same.
func TestJSON(t *testing.T) {
	got := command("", words("-f site.yaml -then site-new-image.yaml -provision -o json")...)
	require.Zero(t, got.code)
	recs, err := trace.Read(bytes.NewReader([]byte(got.stdout)))
	require.NoError(t, err)
	assert.Equal(t, "Service", recs[0].Kind.String(), "it begins with what was applied")
	assert.Greater(t, len(recs), 100)
	assert.Equal(t, 2, strings.Count(got.stderr, "Settled after "), got.stderr)
	assert.Contains(t, got.stderr, "statefulset.apps/site configured\n")
}

func TestTwiceTheSame(t *testing.T) {
	line := words("-f chart -f site.yaml -provision -seed 7")
	a := command("", line...)
	assert.Equal(t, a, command("", line...))
	other := command("", append(line, "-seed", "8")...)
	assert.NotEqual(t, a.stdout, other.stdout)
}

// TestErrors: usage and input errors give 2, one line, and nothing is applied.
func TestErrors(t *testing.T) {
	empty := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(empty, "comment.yaml"), []byte("# nothing\n"), 0o644))
	set := func(spec string) string {
		return "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {a: b}}\n" +
			"  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}\n" + spec
	}
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n---\n"
	for _, c := range []struct{ name, line, stdin, want string }{
		{"no file", "", "", "-f FILE|DIR|- is missing (-h for help)"},
		{"unknown flag", "-g x", "", "flag provided but not defined: -g"},
		{"no number", "-f - -nodes x", "", `invalid value "x" for flag -nodes`},
		{"nodes below zero", "-f - -nodes -1", "", "-nodes -1: want 0 to 10000"},
		{"no time", "-f - -for 0s", "", "-for 0s: want more than no time"},
		{"format", "-f - -o yaml", "", "-o yaml: want rows, tables or json"},
		{"argument", "-f - x.yaml", "", `unexpected argument "testdata/x.yaml": files are given by -f`},
		{"missing file", "-f nobody.yaml", "", "testdata/nobody.yaml: no such file or directory"},
		{"empty directory", "-f " + empty, "", empty + ": no objects in any *.yaml, *.yml or *.json"},
		{"comment", "-f " + empty + "/comment.yaml ", "", "comment.yaml: no objects passed to apply"},
		{"stdin twice", "-f - -then -", service, "the standard input can be read only once"},
		{"truncated", "-f -", service + "kind: [", "stdin: document 2: error converting YAML to JSON: yaml: "},
		{"too large", "-f -", strings.Repeat("#", manifest.MaxSize+1), "stdin: is larger than a manifest may be"},
		{"unknown field", "-f -", service + set("  replica: 2\n"), `stdin: document 2: StatefulSet "web": `},
		{"refused", "-f -", service + set("  replicas: -1\n"), `stdin: document 2: StatefulSet "web": StatefulSet.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`},
		{"no namespace", "-f -", strings.Replace(service, "name: web", "name: web, namespace: shop", 1), `Service "web": namespaces "shop" not found`},
		{"broken afterwards", "-f site.yaml -then -", "{", "stdin: document 1: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := command(c.stdin, words(c.line)...)
			assert.Equal(t, 2, got.code)
			assert.Empty(t, got.stdout, "nothing is shown of what was not done")
			assert.Contains(t, got.stderr, c.want)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
			assert.True(t, strings.HasPrefix(got.stderr, "error: "), got.stderr)
		})
	}
}

// TestRefusedAfterwards: an immutable field in the second set.
func TestRefusedAfterwards(t *testing.T) {
	text, err := os.ReadFile("testdata/site.yaml")
	require.NoError(t, err)
	changed := strings.ReplaceAll(string(text), "serviceName: site", "serviceName: page")
	got := command(changed, append(words("-f site.yaml -provision -o tables"), "-then", "-")...)
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.stderr, `error: stdin: document 2: StatefulSet "site": StatefulSet.apps "site" is invalid: spec.serviceName: Invalid value: "page": field is immutable`)
	assert.Contains(t, got.stdout, "Settled after", "what happened before is shown")
}

// TestEach: what can be applied is, the rest is listed, and that is no success.
func TestEach(t *testing.T) {
	const text = `{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}
---
{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
`
	monitor := `error: stdin: document 2: ServiceMonitor "b": no matches for kind "ServiceMonitor" in version "monitoring.coreos.com/v1"; ensure CRDs are installed first` + "\n"
	missing := `error: stdin: document 1: ConfigMap "a": namespaces "shop" not found` + "\n"

	got := command(text, "-f", "-", "-o", "tables")
	assert.Equal(t, ran{2, "", missing + monitor}, got)

	got = command(text, "-f", "-", "-o", "tables", "-each")
	assert.Equal(t, 1, got.code)
	assert.Equal(t, missing+monitor, got.stderr)
	assert.Contains(t, got.stdout, "configmap/c created\n")

	got = command(text, "-f", "-", "-o", "tables", "-each", "-create-namespaces")
	assert.Equal(t, 1, got.code)
	assert.Equal(t, monitor, got.stderr)
	assert.Contains(t, got.stdout, "namespace/shop created\n")
	assert.Contains(t, got.stdout, "configmap/a created\nconfigmap/c created\n")
}

// TestNodes: nodes have the shapes that they are given.
func TestNodes(t *testing.T) {
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeSelector: {zone: b}, containers: [{name: c, image: i, resources: {requests: {cpu: 6}}}]}}\n"
	got := command(pod, "-f", "-", "-o", "tables", "-node", "cpu=2,count=2", "-node", "name=big,cpu=8,memory=32Gi,label=zone=b")
	assert.Zero(t, got.code, got.stderr)
	assert.Contains(t, got.stdout, " big ")
	for shape, want := range map[string]string{
		"cpu":              `"cpu": want KEY=VALUE`,
		"gpu=1":            `"gpu": want name, cpu, memory, pods, label or count`,
		"label=a":          `"label=a": want label=NAME=VALUE`,
		"count=0":          "count=0: want 1 to 10000",
		"name=a,count=2":   "name=a is for one node, not for 2",
		"cpu=1e2147483647": `-node: Nodes[0].CPU: "1e2147483647" is no quantity of a resource`,
		"pods=many":        "pods=many: ",
	} {
		got := command(pod, "-f", "-", "-node", shape)
		assert.Equal(t, 2, got.code)
		assert.Contains(t, got.stderr, want)
	}
}

func TestHelp(t *testing.T) {
	got := command("", "-h")
	assert.Zero(t, got.code)
	assert.Contains(t, got.stderr, "usage: apply -f FILE|DIR|-")
	assert.Contains(t, got.stderr, "-provision")
}

// A pod that fails for good waits for nobody, and yet is not ready.
func TestFailedPods(t *testing.T) {
	got := command("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeName: node-1, nodeSelector: {a: b}, containers: [{name: c, image: i}]}}\n", "-f", "-", "-o", "tables")
	assert.Equal(t, 1, got.code, got.stdout)
	assert.Contains(t, got.stdout, "\n  pod p: NodeAffinity ")
}
