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
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/customresource"
	"github.com/statefulsim/statefulsim/sim/fieldmanager"
	"github.com/statefulsim/statefulsim/sim/serve"
)

var (
	run   = flag.Bool("e2e", false, "build Kubernetes' end-to-end suite and run it against the simulator")
	focus = flag.String("e2e.focus", "", "of the listed tests, run those whose name has this `TEXT`")
	built = flag.String("e2e.bin", "", "`FOLDER` to keep e2e.test and kubectl in, and to take them from")
	speed = flag.Float64("e2e.speed", 10, "seconds of the cluster in one of the machine's")
)

// attempts are how often a test may begin anew: it waits by the machine's clock, and a
// busy machine is late.
const attempts = 2

// entry is a test of a table.
type entry struct {
	name string
	real bool // it passes if the cluster's clock goes as the machine's
}

// listed are the tests of a table that pass: "pass NAME", or "real NAME" for one that
// takes the cluster's clock for its own; others are "fail NAME # reason".
func listed(t *testing.T, name string) (passing []entry) {
	f, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch verdict, test, _ := strings.Cut(line, " "); verdict {
		case "pass", "real":
			passing = append(passing, entry{test, verdict == "real"})
		case "fail":
			_, reason, _ := strings.Cut(test, " # ")
			assert.NotEmpty(t, reason, "%s: what does not pass has a reason", line)
		case "#", "":
		default:
			t.Errorf("%s: neither pass, real nor fail", line)
		}
	}
	return passing
}

// TestListed holds the tables to their form, without running anything.
func TestListed(t *testing.T) {
	for _, table := range []string{"statefulset.txt", "recreate.txt", "api.txt"} {
		known := map[string]bool{}
		for _, e := range listed(t, table) {
			assert.False(t, known[e.name], "%s names it twice: %s", table, e.name)
			known[e.name] = true
		}
		assert.NotEmpty(t, known, table)
	}
}

// TestStatefulSet runs the tests of [sig-apps] StatefulSet that the table says pass.
func TestStatefulSet(t *testing.T) { t.Parallel(); judge(t, "statefulset.txt", apiserver.Gates{}) }

// TestRecreate runs those of the update strategy Recreate, which is off by default,
// with its gate on.
func TestRecreate(t *testing.T) {
	t.Parallel()
	judge(t, "recreate.txt", apiserver.Gates{Recreate: true})
}

// TestAPIMachinery runs those of [sig-api-machinery] that concern what is served:
// custom resources, discovery, watches, garbage collection, namespaces, server-side
// apply, field validation, tables and pages.
func TestAPIMachinery(t *testing.T) { t.Parallel(); judge(t, "api.txt", apiserver.Gates{}) }

// judge has upstream's suite run what a table says passes: each test in a process of
// its own, against a cluster of its own.
func judge(t *testing.T, table string, gates apiserver.Gates) {
	if !*run {
		t.Skip("builds for minutes and runs for minutes more: -e2e")
	}
	suite, kubectl := build(t, "e2e.test", "test", "-vet=off", "-c", "k8s.io/kubernetes/test/e2e"), build(t, "kubectl", "build", "k8s.io/kubernetes/cmd/kubectl")
	for _, e := range listed(t, table) {
		name, pace := e.name, serve.Pace(*speed)
		if !strings.Contains(name, *focus) {
			continue
		}
		if e.real {
			pace = serve.RealTime
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			var got string
			var err error
			var log []byte
			for range attempts {
				report := filepath.Join(t.TempDir(), "report.json")
				log, err = exec.Command(suite, "--provider=skeleton", "--kubeconfig="+start(t, gates, pace), "--kubectl-path="+kubectl,
					"--ginkgo.focus= "+quoted(name)+"$", "--ginkgo.no-color", "--ginkgo.timeout=1h", "--ginkgo.json-report="+report).CombinedOutput()
				if got = verdicts(t, report)[name]; got == "passed" && err == nil {
					return
				}
			}
			t.Errorf("%s, %v\n%s", got, err, log)
		})
	}
}

// quoted is a name as a pattern: ginkgo's are those of Go.
func quoted(name string) string { return regexp.QuoteMeta(name) }

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
func start(t *testing.T, gates apiserver.Gates, pace serve.Pace) string {
	c := sim.New(sim.Config{Provision: true, History: -1, Start: time.Now(), Gates: gates, FieldManager: fieldmanager.New(),
		CustomResources: customresource.New(), Workloads: workloads(),
		MissingImages: []string{"broken-image"}})
	_, err := c.Create(&storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "standard",
		Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}}, Provisioner: "example.com/disks"})
	require.NoError(t, err)
	s := serve.New(c, serve.Config{Pace: pace, Exec: execute})
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
