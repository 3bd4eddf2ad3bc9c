package shell_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/shell"
)

var files = fstest.MapFS{"web.yaml": {Data: []byte(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "nginx:1"}]}}
`)}, "bad.yaml": {Data: []byte(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec: {replica: 2}
`)}, "invalid.yaml": {Data: []byte(`
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: Magic, ports: [{port: 80}]}
`)}}

// A short session.
func Example() {
	sh := shell.New(sim.New(sim.Config{Seed: 1}), files)
	for _, line := range []string{
		"kubectl apply -f web.yaml",
		"kubectl scale sts web --replicas=3",
		"kubectl scale sts web -p 3",
		"kubectl get sts web -o name",
	} {
		fmt.Println("$", line)
		fmt.Print(sh.Run(line).Text)
	}
	// Output:
	// $ kubectl apply -f web.yaml
	// statefulset.apps/web created
	// $ kubectl scale sts web --replicas=3
	// statefulset.apps/web scaled
	// $ kubectl scale sts web -p 3
	// error: unknown shorthand flag: 'p' in -p
	// See 'kubectl scale --help' for usage.
	// $ kubectl get sts web -o name
	// statefulset.apps/web
}

func newShell(t *testing.T) *shell.Shell {
	t.Helper()
	c := sim.New(sim.Config{Seed: 1})
	sh := shell.New(c, files)
	out := sh.Run("kubectl apply -f web.yaml")
	assert.Zero(t, out.Code, out.Text)
	out = sh.Run("kubectl rollout status sts/web")
	assert.Zero(t, out.Code, out.Text)
	return sh
}

func TestCommands(t *testing.T) {
	sh := newShell(t)
	for _, c := range []struct {
		line, want string
		code       int
	}{
		{"kubectl get pods --no-headers", "web-0   1/1   Running   0", 0},
		{"kubectl get pods|grep web-1", "web-1   1/1     Running", 0},
		{"kubectl get pods -n other", "No resources found in other namespace.\n", 0},
		{"kubectl get pv", "No resources found\n", 0},
		{"kubectl get sts,pods -o name", "statefulset.apps/web\npod/web-0\npod/web-1\n", 0},
		{"kubectl get nonsense", `error: the server doesn't have a resource type "nonsense"`, 1},
		{"kubectl get pod nobody", `Error from server (NotFound): pods "nobody" not found`, 1},
		{"kubectl describe sts web", "Replicas:               2 desired | 2 total\n", 0},
		{"kubectl label pod web-0 a=b", "pod/web-0 labeled\n", 0},
		{"kubectl label pod web-0 a-", "pod/web-0 unlabeled\n", 0},
		{"kubectl set image sts/web c=nginx:2", "statefulset.apps/web image updated\n", 0},
		{"kubectl set image sts/web d=nginx:2", `error: unable to find container named "d"`, 1},
		{"kubectl cordon node-1", "node/node-1 cordoned\n", 0},
		{"kubectl uncordon node-1", "node/node-1 uncordoned\n", 0},
		{"kubectl exec web-0 -- hostname", "web-0\n", 0},
		{"kubectl exec web-0 -- vi", `error: running "vi" in a container is not modelled here; cat, echo, env, `, 1},
		{"kubectl exec web-0 hostname", "error: exec [POD] [COMMAND] is not supported anymore.", 1},
		{"kubectl apply -f nothing.yaml", `error: the path "nothing.yaml" does not exist`, 1},
		{"kubectl apply -f bad.yaml", `The request is invalid: patch: Invalid value: "map[metadata:`, 1}, // as recorded of a real one
		{"kubectl apply -f bad.yaml", `strict decoding error: unknown field "spec.replica"` + "\n", 1},
		{"kubectl create -f bad.yaml", `Error from server (BadRequest): error when creating "bad.yaml": StatefulSet in version "v1" cannot be handled as a StatefulSet: strict decoding error: unknown field "spec.replica"` + "\n", 1},
		{"kubectl apply -f invalid.yaml", `The Service "web" is invalid: spec.type: Unsupported value: "Magic": supported values: `, 1},
		{"kubectl patch sts web -p '{'", `error: unable to parse "{": yaml: `, 1},
		{"kubectl frobnicate", `error: unknown command "frobnicate" for "kubectl"`, 1},
		{"kubectl scale sts web", `error: required flag(s) "replicas" not set`, 1},
		{"kubectl delete sts web --cascade=never", "error: invalid cascade value (never)", 1},
		{"curl http://10.1.1.1/", "curl: (7) Failed to connect to 10.1.1.1 port 80", 7},
		{"ls", "ls: command not found\n", 127},
		{"kubectl get 'pods", "sh: syntax error", 1},
		{"kubectl delete sts web", "statefulset.apps \"web\" deleted from default namespace\n", 0},
		{"kubectl get sts", "No resources found in default namespace.\n", 0},
	} {
		out := sh.Run(c.line)
		assert.Contains(t, out.Text, c.want, c.line)
		assert.Equal(t, c.code, out.Code, "%s: %s", c.line, out.Text)
	}
}

func TestWatch(t *testing.T) {
	sh := newShell(t)
	w, out := sh.Watch("kubectl get pods -w")
	assert.Zero(t, out.Code, out.Text)
	assert.Equal(t, 3, strings.Count(w.Read(), "\n"), "heading and two pods")
	sh.Run("kubectl delete pod web-1")
	rows := w.Read()
	assert.Contains(t, rows, "web-1   1/1     Terminating")
	assert.NotContains(t, rows, "web-0")
	w.Close()
	sh.Run("kubectl delete pod web-0")
	assert.Empty(t, w.Read())
	for _, bad := range []string{"", "ls", "kubectl get pods", "kubectl get pods,sts -w", "kubectl get x -w"} {
		_, out := sh.Watch(bad)
		assert.NotZero(t, out.Code, bad)
	}
}

func FuzzRun(f *testing.F) {
	for _, line := range []string{"kubectl get pods -o wide", "kubectl scale sts web --replicas=1", "dig -t A x @10.96.0.10", "curl x", "a | grep ["} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		sh := shell.New(sim.New(sim.Config{NoLatency: true, Limits: sim.Limits{Steps: 10_000}}), files)
		sh.Run("kubectl apply -f web.yaml")
		sh.Run(line) // must neither panic nor hang
	})
}
