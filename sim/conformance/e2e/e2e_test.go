package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/fieldmanager"
	"github.com/statefulsim/statefulsim/sim/serve"
)

var (
	run   = flag.Bool("e2e", false, "build Kubernetes' end-to-end suite and run it against the simulator")
	focus = flag.String("e2e.focus", "", "of the listed tests, run those whose name has this `TEXT`")
	built = flag.String("e2e.bin", "", "`FOLDER` to keep e2e.test and kubectl in, and to take them from")
	speed = flag.Float64("e2e.speed", 10, "seconds of the cluster in one of the machine's")
)

// listed are the tests of a table: "pass NAME", or "fail NAME # reason".
func listed(t *testing.T, name string) (passing []string) {
	f, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch verdict, test, _ := strings.Cut(line, " "); verdict {
		case "pass":
			passing = append(passing, test)
		case "fail":
			_, reason, _ := strings.Cut(test, " # ")
			assert.NotEmpty(t, reason, "%s: what does not pass has a reason", line)
		case "#", "":
		default:
			t.Errorf("%s: neither pass nor fail", line)
		}
	}
	return passing
}

// TestListed holds the tables to their form, without running anything.
func TestListed(t *testing.T) {
	for _, table := range []string{"statefulset.txt", "recreate.txt"} {
		names := listed(t, table)
		assert.True(t, slices.IsSorted(names), "%s is sorted", table)
		assert.Len(t, slices.Compact(names), len(names), "%s names each test once", table)
	}
}

// TestStatefulSet runs the tests of [sig-apps] StatefulSet that the table says pass.
func TestStatefulSet(t *testing.T) { judge(t, "statefulset.txt", apiserver.Gates{}) }

// TestRecreate runs those of the update strategy Recreate, which is off by default,
// with its gate on.
func TestRecreate(t *testing.T) { judge(t, "recreate.txt", apiserver.Gates{Recreate: true}) }

// judge has upstream's suite run against a cluster of its own: all that a table says
// pass must.
func judge(t *testing.T, table string, gates apiserver.Gates) {
	if !*run {
		t.Skip("builds for minutes and runs for minutes more: -e2e")
	}
	want := slices.DeleteFunc(listed(t, table), func(name string) bool { return !strings.Contains(name, *focus) })
	suite, kubectl := build(t, "e2e.test", "test", "-c", "k8s.io/kubernetes/test/e2e"), build(t, "kubectl", "build", "k8s.io/kubernetes/cmd/kubectl")
	report := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.Command(suite, "--provider=skeleton", "--kubeconfig="+start(t, gates), "--kubectl-path="+kubectl,
		"--ginkgo.focus=^("+strings.Join(quoted(want), "|")+")$", "--ginkgo.no-color", "--ginkgo.timeout=1h", "--ginkgo.json-report="+report)
	log, err := cmd.CombinedOutput()
	got := verdicts(t, report)
	for _, name := range want {
		assert.Equal(t, "passed", got[name], name)
	}
	if t.Failed() || err != nil {
		t.Logf("%v\n%s", err, log)
	}
}

func quoted(names []string) []string {
	list := slices.Clone(names)
	for i, name := range list {
		list[i] = strings.NewReplacer(`[`, `\[`, `]`, `\]`, `(`, `\(`, `)`, `\)`, `.`, `\.`).Replace(name)
	}
	return list
}

// build builds a program, unless it is kept from an earlier time.
func build(t *testing.T, name string, args ...string) string {
	dir := *built
	if dir == "" {
		dir = t.TempDir()
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	args = slices.Insert(args, 1, "-o", path)
	out, err := exec.Command("go", args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// start serves a cluster on loopback and returns a kubeconfig for it.
func start(t *testing.T, gates apiserver.Gates) string {
	c := sim.New(sim.Config{Provision: true, History: -1, Start: time.Now(), Gates: gates, FieldManager: fieldmanager.New(), Workloads: workloads()})
	s := serve.New(c, serve.Config{Pace: serve.Pace(*speed), Exec: execute})
	t.Cleanup(s.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: s}
	go server.Serve(l)
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	config := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"sim","contexts":[{"name":"sim","context":{"cluster":"sim"}}],"clusters":[{"name":"sim","cluster":{"server":"http://%s"}}]}`, l.Addr())
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	return config
}

// verdicts reads ginkgo's report: by the test's whole name, how it ended.
func verdicts(t *testing.T, file string) map[string]string {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var reports []struct {
		SpecReports []struct {
			ContainerHierarchyTexts []string
			LeafNodeType            string
			LeafNodeText, State     string
		}
	}
	require.NoError(t, json.Unmarshal(data, &reports))
	ended := map[string]string{}
	for _, r := range reports {
		for _, spec := range r.SpecReports {
			if spec.LeafNodeType == "It" && spec.State != "skipped" {
				ended[strings.Join(append(spec.ContainerHierarchyTexts, spec.LeafNodeText), " ")] = spec.State
			}
		}
	}
	return ended
}
