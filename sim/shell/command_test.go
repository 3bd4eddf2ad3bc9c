package shell_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// TestCreateThenApply holds what kubectl does with an object that create has
// made: it has no last-applied annotation, so apply warns and keeps what is gone
// from the file (apply.go, warningNoLastAppliedConfigAnnotation). The sentence is
// upstream's.
func TestCreateThenApply(t *testing.T) {
	before := `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kiln, labels: {tier: old}}
spec:
  serviceName: kiln
  replicas: 1
  selector: {matchLabels: {app: kiln}}
  template:
    metadata: {labels: {app: kiln}}
    spec:
      containers:
      - {name: k, image: "k:1", args: [--legacy], env: [{name: HEAT, value: "9"}, {name: MODE, value: x}]}
`
	after := strings.NewReplacer(", labels: {tier: old}", "", " args: [--legacy],", "", `{name: HEAT, value: "9"}, `, "").Replace(before)
	for _, c := range []struct{ create, warning, kept string }{
		{"kubectl create -f a.yaml", "Warning: resource statefulsets/kiln is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. " +
			"kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. " +
			"The missing annotation will be patched automatically.\n", `old ["--legacy"] HEAT MODE`},
		{"kubectl create --save-config -f a.yaml", "", "  MODE"},
	} {
		sh := shell.New(sim.New(sim.Config{}), fstest.MapFS{"a.yaml": {Data: []byte(before)}, "b.yaml": {Data: []byte(after)}})
		out := sh.Run(c.create)
		assert.Equal(t, shell.Output{Stdout: "statefulset.apps/kiln created\n", Text: "statefulset.apps/kiln created\n"}, out)
		out = sh.Run("kubectl create -f a.yaml")
		assert.Equal(t, "Error from server (AlreadyExists): error when creating \"a.yaml\": statefulsets.apps \"kiln\" already exists\n", out.Stderr)
		assert.Equal(t, 1, out.Code)
		out = sh.Run("kubectl apply -f b.yaml")
		assert.Equal(t, c.warning, out.Stderr)
		assert.Equal(t, "statefulset.apps/kiln configured\n", out.Stdout)
		path := ".spec.template.spec.containers[0]"
		out = sh.Run(`kubectl get sts kiln -o "jsonpath={.metadata.labels.tier} {` + path + `.args} {` + path + `.env[*].name}"`)
		assert.Equal(t, c.kept, out.Stdout)
	}
}

// TestApplyGoesOn holds that a document which is refused keeps no other one from
// being applied, and that the errors come last.
func TestApplyGoesOn(t *testing.T) {
	sh := shell.New(sim.New(sim.Config{}), fstest.MapFS{"all.yaml": {Data: []byte(`
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: nowhere}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: UPPER}}
`)}})
	out := sh.Run("kubectl apply -f all.yaml")
	assert.Equal(t, "configmap/a created\nconfigmap/c created\n", out.Stdout)
	lines := strings.SplitAfter(out.Stderr, "\n")
	require.Len(t, lines, 3)
	assert.Equal(t, "Error from server (NotFound): error when creating \"all.yaml\": namespaces \"nowhere\" not found\n", lines[0])
	assert.Contains(t, lines[1], "Error from server (Invalid): error when creating \"all.yaml\": ConfigMap \"UPPER\" is invalid: metadata.name: Invalid value: \"UPPER\": ")
	assert.Equal(t, 1, out.Code)
}

// TestAnswers types lines at a set of two pods; the words are those of upstream's
// sources, which the file named beside them holds.
func TestAnswers(t *testing.T) {
	files := fstest.MapFS{"web.yaml": {Data: []byte(strings.Replace(website("nginx:1.0"), "ports: [{containerPort", `env: [{name: GREETING, value: hello}]
        ports: [{containerPort`, 1))}, "pv.yaml": {Data: []byte(volumes(4))}}
	c := sim.New(sim.Config{Seed: 1, Workloads: map[string]kubelet.Workload{"nginx:1.0": {Log: []string{"one", "two"}}}})
	sh := shell.New(c, files)
	for _, line := range []string{"kubectl apply -f pv.yaml -f web.yaml", "kubectl rollout status sts/web"} {
		require.Zero(t, sh.Run(line).Code, line)
	}
	for _, x := range []struct {
		line, want string
		code       int
	}{
		// label.go, annotate.go
		{"kubectl label pod web-0 a=b", "pod/web-0 labeled\n", 0},
		{"kubectl label pod web-0 a=b", "pod/web-0 not labeled\n", 0},
		{"kubectl label pod web-0 a=c", "error: 'a' already has a value (b), and --overwrite is false\n", 1},
		{"kubectl label pod web-0 a=c --overwrite", "pod/web-0 labeled\n", 0},
		{"kubectl label pod web-0 a-", "pod/web-0 unlabeled\n", 0},
		{"kubectl label pod web-0 a-", "label \"a\" not found.\npod/web-0 not labeled\n", 0},
		{"kubectl label pod nobody a=b", "Error from server (NotFound): pods \"nobody\" not found\n", 1},
		{"kubectl label pods --all -l a=b x=y", "error: setting 'all' parameter but found a non empty selector. \n", 1},
		{"kubectl annotate pod web-0 a=b", "pod/web-0 annotated\n", 0},
		{"kubectl annotate pod web-0 a=c", "error: --overwrite is false but found the following declared annotation(s): 'a' already has a value (b)\n", 1},
		// taint.go, utils.go
		{"kubectl taint node node-1 a=b:NoSchedule", "node/node-1 tainted\n", 0},
		{"kubectl taint node node-1 a=c:NoSchedule", "error: node node-1 already has a taint(s) with same effect(s) and --overwrite is false\n", 1},
		{"kubectl taint node node-1 a=c:NoSchedule --overwrite", "node/node-1 modified\n", 0},
		{"kubectl taint node node-1 a:NoSchedule-", "node/node-1 untainted\n", 0},
		{"kubectl taint node node-1 a:NoSchedule-", "error: taint \"a:NoSchedule\" not found\n", 1},
		{"kubectl taint pod web-0 a=b:NoSchedule", "error: invalid resource type pod, only node types are supported\n", 1},
		// drain.go, filters.go
		{"kubectl cordon node-1", "node/node-1 cordoned\n", 0},
		{"kubectl cordon node-1", "node/node-1 already cordoned\n", 0},
		{"kubectl uncordon node-1", "node/node-1 uncordoned\n", 0},
		{"kubectl cordon nowhere", "Error from server (NotFound): nodes \"nowhere\" not found\n", 1},
		// scale.go
		{"kubectl scale sts web --replicas=3 --current-replicas=5", "error: Expected replicas to be 5, was 2\n", 1},
		// delete.go
		{"kubectl delete pods -l nobody=x", "No resources found\n", 0},
		{"kubectl delete pod nobody --ignore-not-found", "", 0},
		{"kubectl delete pod", "error: resource(s) were provided, but no name was specified\n", 1},
		{"kubectl delete pod a --all", "error: name cannot be provided when a selector is specified\n", 1},
		{"kubectl delete pv pv-4 -n default", "Warning: deleting cluster-scoped resources, not scoped to the provided namespace\npersistentvolume \"pv-4\" deleted\n", 0},
		// rollout
		{"kubectl rollout pause sts/web", "error: statefulsets.apps \"web\" pausing is not supported\n", 1},
		{"kubectl rollout restart pod/web-0", "error: pods \"web-0\" restarting is not supported\n", 1},
		{"kubectl rollout undo sts/web --to-revision=7", "Warning: resource statefulsets/web was previously managed with 'kubectl apply'. Rolling back will not update the kubectl.kubernetes.io/last-applied-configuration annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.\nerror: unable to find specified revision 7 in history\n", 1},
		{"kubectl rollout history sts/web --revision=7", "error: unable to find the specified revision\n", 1},
		// logs.go, kubelet_pods.go
		{"kubectl logs web-0", "one\ntwo\n", 0},
		{"kubectl logs web-0 --tail=1 --prefix", "[pod/web-0/c] two\n", 0},
		{"kubectl logs web-0 --previous", "Error from server (BadRequest): previous terminated container \"c\" in pod \"web-0\" not found\n", 1},
		{"kubectl logs web-0 -c x", "error: container x is not valid for pod web-0\n", 1},
		{"kubectl logs nobody", "error: error from server (NotFound): pods \"nobody\" not found in namespace \"default\"\n", 1},
		// busybox
		{"kubectl exec web-0 -- env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOSTNAME=web-0\nGREETING=hello\n", 0},
		{"kubectl exec web-0 -- sh -c 'echo $GREETING > /data/x; echo \"${GREETING} again\" >> /data/x && cat /data/x'", "hello\nhello again\n", 0},
		{"kubectl exec web-0 -- ls /data", "x\n", 0},
		{"kubectl exec web-0 -- cat /data/y", "cat: can't open '/data/y': No such file or directory\ncommand terminated with exit code 1\n", 1},
		{"kubectl exec web-0 -- sh -c 'false || echo no'", "no\n", 0},
		{"kubectl exec web-0 -- sh -c 'cat /etc/passwd | wc'", "sh: not supported here: \"|\" in \"cat /etc/passwd | wc\"\n", 1},
		{"kubectl exec web-0 -c x -- env", "error: container x not found in pod web-0\n", 1},
		{"kubectl exec nobody -- env", "Error from server (NotFound): pods \"nobody\" not found\n", 1},
		// get.go
		{"kubectl get pods --field-selector status.phase=Pending", "No resources found in default namespace.\n", 0},
		{"kubectl get pods --field-selector spec.color=red", "Error from server (BadRequest): Unable to find \"pods\" that match label selector \"\", field selector \"spec.color=red\": field label not supported: spec.color\n", 1},
		{"kubectl get pods -o go-template='{{range .items}}{{.metadata.name}} {{end}}'", "web-0 web-1 ", 0},
		{"kubectl get pods --sort-by=.metadata.name -o name", "pod/web-0\npod/web-1\n", 0},
		{"kubectl get pods --sort-by=.metadata.nobody", "error: couldn't find any field with path \"{.metadata.nobody}\" in the list of objects\n", 1},
		{"kubectl get pod web-0 nobody -o name", "pod/web-0\nError from server (NotFound): pods \"nobody\" not found\n", 1},
		{"kubectl get pod web-0 -A", "error: a resource cannot be retrieved by name across all namespaces\n", 1},
		{"kubectl get pods -o xyz", "error: unable to match a printer suitable for the output format \"xyz\", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,yaml\n", 1},
		{"kubectl get hpa,cm,sa,deploy.apps nothing --ignore-not-found", "", 0},
		{"kubectl get pods --chunk-size=5", "error: kubectl's --chunk-size is not modelled here\n", 1},
		{"kubectl explain sts", "error: kubectl explain is not modelled here: there are no OpenAPI schemas\n", 1},
		{"kubectl edit sts web", "error: kubectl edit is not modelled here: there is no editor; use kubectl patch\n", 1},
		{"kubectl top pods", "error: Metrics API not available\n", 1},
		// dig 9.9, curl 8
		{"dig +short web-0.web.default.svc.cluster.local", "10.244.", 0},
		{"dig +noall +answer -x 10.96.0.1", "1.0.96.10.in-addr.arpa.\t5\tIN\tPTR\tkubernetes.default.svc.cluster.local.\n", 0},
		{"dig +bogus x", "Invalid option: +bogus\nUsage:  dig ", 1},
		{"dig -Z x", "Invalid option: -Z\nUsage:  dig ", 1},
		{"curl --bogus x", "curl: option --bogus: is unknown\n", 2},
	} {
		out := sh.Run(x.line)
		if strings.HasPrefix(x.line, "dig") || strings.HasPrefix(x.line, "curl") {
			assert.Contains(t, out.Text, x.want, x.line)
		} else {
			assert.Equal(t, x.want, out.Text, x.line)
		}
		assert.Equal(t, x.code, out.Code, "%s: %s", x.line, out.Text)
	}
}

// TestEveryFlag gives each flag of each command of kubectl: it is read, or told,
// and never passed over. The flags are those of the real help.
func TestEveryFlag(t *testing.T) {
	data, err := os.ReadFile("flags.txt")
	require.NoError(t, err)
	c := sim.New(sim.Config{})
	sh := shell.New(c, fstest.MapFS{})
	command, flags := "", 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		at := strings.Index(line, "--")
		name, value, isFlag := strings.Cut(strings.TrimSpace(line[max(at, 0):]), "=")
		switch {
		case !strings.HasPrefix(line, " "):
			command = line
			continue
		case at < 0 || !isFlag || strings.HasPrefix(strings.TrimSpace(line), "kubectl") || command == "options":
			continue
		}
		flags++
		help := sh.Run("kubectl " + command + " --help")
		require.Zero(t, help.Code, command)
		require.Contains(t, help.Stdout, name+"=", "%s: the help has every flag", command)
		_, unmodelled, _ := strings.Cut(help.Stdout, "Options of kubectl that are not modelled here:\n")
		unmodelled, _, _ = strings.Cut(unmodelled, "\n\n")
		given := name + "=" + strings.Trim(value, "'[]")
		if value == "''" || value == "[]" || value == "" {
			given = name + "=x"
		}
		out := sh.Run("kubectl " + command + " " + given)
		require.NotContains(t, out.Stderr, "unknown flag", "%s %s", command, given)
		if strings.Contains(unmodelled, name+"=") && !strings.Contains(out.Text, "is not modelled here") {
			t.Errorf("kubectl %s %s: %s", command, given, out.Text)
		}
	}
	require.Greater(t, flags, 900)
}

// TestTimeouts holds that a wait ends at its limit on the virtual clock.
func TestTimeouts(t *testing.T) {
	c := sim.New(sim.Config{Nodes: []sim.Node{}})
	sh := shell.New(c, fstest.MapFS{"web.yaml": {Data: []byte(website("nginx:1.0"))}})
	require.Zero(t, sh.Run("kubectl apply -f web.yaml").Code)
	require.NoError(t, c.Run(time.Second))
	for _, x := range []struct {
		line, want string
		seconds    int
	}{
		{"kubectl rollout status sts/web --timeout=7s", "error: timed out waiting for the condition\n", 7},
		{"kubectl wait --for=condition=Ready pod/web-0 --timeout=9s", "error: timed out waiting for the condition on pods/web-0\n", 9},
		{"kubectl wait --for=condition=Ready pod/web-0 --timeout=0", "error: condition not met for pods/web-0\n", 0},
		{"kubectl wait --for=create pod/web-9 --timeout=3s", "error: timed out waiting for the condition\n", 3},
		{"kubectl wait --for=jsonpath={.status.phase}=Running pod/web-0 --timeout=2s", "error: timed out waiting for the condition on pods/web-0\n", 2},
	} {
		begin := c.Now()
		out := sh.Run(x.line)
		assert.Equal(t, x.want, out.Stderr, x.line)
		assert.Equal(t, 1, out.Code)
		assert.Equal(t, time.Duration(x.seconds)*time.Second, c.Now().Sub(begin), x.line)
	}
	out := sh.Run("timeout 4 kubectl get pods -w")
	assert.Equal(t, 124, out.Code)
	assert.Equal(t, "NAME    READY   STATUS    RESTARTS   AGE\nweb-0   0/1     Pending   0          22s\n", out.Stdout)
}

// TestRefusedPatch: the warning comes even if the patch is then refused; the lines
// are the real kubectl's.
func TestRefusedPatch(t *testing.T) {
	data := "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: " + strings.Repeat("x", 262_144) + "}}"
	sh := shell.New(sim.New(sim.Config{}), fstest.MapFS{"a.yaml": {Data: []byte(data)}})
	require.Zero(t, sh.Run("kubectl create -f a.yaml").Code)
	out := sh.Run("kubectl apply -f a.yaml")
	assert.Equal(t, "Warning: resource configmaps/a is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. "+
		"kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. "+
		"The missing annotation will be patched automatically.\n"+
		"The ConfigMap \"a\" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes\n", out.Stderr)
	assert.Equal(t, 1, out.Code)
}
