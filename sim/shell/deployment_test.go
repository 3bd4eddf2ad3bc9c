package shell_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// typed is a command of a recording: when it was given, and what it printed.
type typed struct {
	at            time.Duration
	command, text string
	stdin         string
}

// typedAt reads what was typed at a real cluster (kubectl and control plane
// v1.37.2): a line "# +9s", a command, and its output.
func typedAt(t *testing.T, name string) []typed {
	t.Helper()
	data, err := os.ReadFile("testdata/recordings/" + name)
	require.NoError(t, err)
	var list []typed
	for _, block := range strings.Split("\n"+string(data), "\n# +")[1:] {
		when, rest, _ := strings.Cut(block, "\n$ ")
		at, err := time.ParseDuration(when)
		require.NoError(t, err)
		c := typed{at: at}
		c.command, c.text, _ = strings.Cut(rest, "\n")
		if first, ok := strings.CutSuffix(c.command, " <<EOF"); ok {
			c.command = first
			c.stdin, c.text, _ = strings.Cut(c.text, "\nEOF\n")
		}
		list = append(list, c)
	}
	return list
}

var (
	hashes = regexp.MustCompile(`\b(web-|pod-template-hash=)([0-9a-f]{8,10})\b`)
	chance = []struct {
		what *regexp.Regexp
		with string
	}{
		{regexp.MustCompile(`(web-[0-9a-z]+)-[a-z0-9]{5}\b`), "$1-*****"}, {regexp.MustCompile(`\b(\d+m)?\d+s\b`), "AGE"},
		{regexp.MustCompile(`node-\d`), "node"}, {regexp.MustCompile(`10\.244\.\d+\.\d+`), "IP"},
		{regexp.MustCompile(`CreationTimestamp: .*`), "CreationTimestamp"}, {regexp.MustCompile(`restartedAt: .*`), "restartedAt"},
		{regexp.MustCompile(` +`), " "},
	}
)

// told leaves out of an output what differs between two runs: random names, times,
// nodes, addresses; the third hash depends on when the rollout was restarted.
func told(text string, seen *[]string) []string {
	text = hashes.ReplaceAllStringFunc(text, func(s string) string {
		m := hashes.FindStringSubmatch(s)
		if !slices.Contains(*seen, m[2]) {
			*seen = append(*seen, m[2])
		}
		return fmt.Sprint(m[1], "hash", slices.Index(*seen, m[2]))
	})
	for _, c := range chance {
		text = c.what.ReplaceAllString(text, c.with)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	return lines
}

// TestRecordedDeployment types at a cluster what was typed at a real one, at the same
// times, and compares what is printed: tables, descriptions, histories, Events (K24,
// K28; W6, W7).
func TestRecordedDeployment(t *testing.T) {
	c := sim.New(sim.Config{Seed: 1})
	sh := shell.New(c, nil)
	begin := c.Now()
	var real, ours []string
	for _, cmd := range typedAt(t, "deployment.txt") {
		if wait := cmd.at - 2*time.Second - c.Now().Sub(begin); wait > 0 {
			require.NoError(t, c.Run(wait))
		}
		command := cmd.command
		if strings.HasPrefix(command, "kubectl delete pod ") {
			pods, err := sim.List[*corev1.Pod](c, "", "")
			require.NoError(t, err)
			command = "kubectl delete pod " + pods[0].Name + " --wait=false"
		}
		out := sh.RunWith(command, cmd.stdin)
		require.Zero(t, out.Code, "%s: %s", command, out.Text)
		want, got := told(cmd.text, &real), told(out.Text, &ours)
		switch {
		case strings.Contains(command, "rollout status"): // how often it prints is chance
			want, got = told(lastLine(cmd.text), &real), told(lastLine(out.Text), &ours)
		case strings.Contains(command, "get events"):
			want, got = ofControllers(want), ofControllers(got)
		}
		assert.Empty(t, cmp.Diff(want, got), "%v %s", cmd.at, command)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// ofControllers are the Events of ReplicaSets and Deployments.
func ofControllers(lines []string) []string {
	return slices.Compact(slices.DeleteFunc(lines, func(s string) bool {
		return !strings.Contains(s, "replicaset/") && !strings.Contains(s, "deployment/")
	}))
}

// TestRolloutOfDeployment holds what kubectl says of pauses, restarts and revisions
// (defaultObjectPauser, defaultObjectRestarter, DeploymentRollbacker).
func TestRolloutOfDeployment(t *testing.T) {
	c := sim.New(sim.Config{})
	sh := shell.New(c, nil)
	require.Zero(t, sh.RunWith("kubectl create -f -", `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "c:1"}]}}}
`).Code)
	for _, line := range []struct{ command, want string }{
		{"kubectl rollout status deploy/web", "deployment \"web\" successfully rolled out\n"},
		{"kubectl rollout undo deploy/web", "error: no rollout history found for deployment \"web\"\n"},
		{"kubectl rollout undo deploy/web --to-revision=7", "error: unable to find specified revision 7 in history\n"},
		{"kubectl rollout undo deploy/web --to-revision=1", "deployment.apps/web skipped rollback (current template already matches revision 1)\n"},
		{"kubectl rollout status deploy/web --revision=3", "error: desired revision (3) is different from the running revision (1)\n"},
		{"kubectl rollout pause deploy/web", "deployment.apps/web paused\n"},
		{"kubectl rollout pause deploy/web", "error: deployments.apps \"web\" is already paused\n"},
		{"kubectl rollout restart deploy/web", "error: deployments.apps \"web\" can't restart paused deployment (run rollout resume first)\n"},
		{"kubectl rollout resume deploy/web", "deployment.apps/web resumed\n"},
		{"kubectl rollout resume deploy/web", "error: deployments.apps \"web\" is not paused\n"},
		{"kubectl rollout restart deploy/web", "deployment.apps/web restarted\n"},
		{"kubectl rollout history deploy/web --revision=9", "error: unable to find the specified revision\n"},
	} {
		out := sh.Run(line.command)
		require.True(t, strings.HasSuffix(out.Text, line.want), "%s: %s", line.command, out.Text)
	}
}
