package table_test

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// The recordings: testdata/kubectl.txt is the output of a real kubectl (1.33).
// snapshots.jsonl holds objects of a real control plane (v1.37.2) at rest, with
// the node names and ages of kubectl.txt, and watch.jsonl a stream of its pod
// events with what is printed of them, for testdata/watch.txt: the rows of
// `kubectl get pods -w` in kubectl.txt without the other commands' lines.

// recorded is when the snapshots are looked at.
var recorded = time.Date(2026, 11, 23, 18, 39, 26, 0, time.UTC)

// jsonLines calls f for every line of a file.
func jsonLines[T any](t testing.TB, name string, f func(T)) {
	t.Helper()
	file, err := os.Open(name)
	require.NoError(t, err)
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var v T
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &v))
		f(v)
	}
	require.NoError(t, scanner.Err())
}

// snapshot returns the objects of a snapshot, by kind, in the API's order.
func snapshot(t testing.TB, name string) map[apiserver.Kind][]apiserver.Object {
	t.Helper()
	objs := map[apiserver.Kind][]apiserver.Object{}
	type line struct {
		Snapshot, Kind string
		Object         json.RawMessage
	}
	jsonLines(t, "testdata/snapshots.jsonl", func(l line) {
		if l.Snapshot != name {
			return
		}
		kind := apiserver.KindNamed(l.Kind)
		require.NotZero(t, kind, l.Kind)
		obj := kind.New()
		require.NoError(t, json.Unmarshal(l.Object, obj))
		objs[kind] = append(objs[kind], obj)
	})
	require.NotEmpty(t, objs)
	return objs
}

// recordedOutput returns what the n-th (from 0) run of a command printed.
func recordedOutput(t testing.TB, command string, n int) string {
	t.Helper()
	data, err := os.ReadFile("testdata/kubectl.txt")
	require.NoError(t, err)
	for _, block := range strings.Split("\n"+string(data), "\n$ ") {
		first, rest, _ := strings.Cut(block, "\n")
		if first != command {
			continue
		}
		if n == 0 {
			return strings.TrimSuffix(rest, "\n") + "\n"
		}
		n--
	}
	t.Fatalf("no run of %q recorded", command)
	return ""
}

// TestRecordedTables holds K24–K27 to the recording.
func TestRecordedTables(t *testing.T) {
	for _, c := range []struct {
		command string
		run     int
		state   string
	}{
		{"kubectl get pv", 0, "pv"},
		{"kubectl get pvc,pv,pods,sts,svc -o wide", 0, "two"},
		{"kubectl get pvc,pods,sts -o wide", 0, "five"},
		{"kubectl get pods -o wide", 0, "partition"},
		{"kubectl get controllerrevisions", 0, "partition"},
		{"kubectl get pvc,pv,pods", 0, "deleted"},
		{"kubectl get pods -o wide", 1, "again"},
	} {
		t.Run(c.command, func(t *testing.T) {
			objs := snapshot(t, c.state)
			words := strings.Fields(c.command)
			var groups []table.Group
			for _, name := range strings.Split(words[2], ",") {
				kind := apiserver.KindNamed(name)
				groups = append(groups, table.Group{Kind: kind, Objects: objs[kind]})
			}
			out, errOut := table.Get(groups, recorded, table.Options{Wide: len(words) > 3})
			require.Empty(t, errOut)
			require.Empty(t, cmp.Diff(recordedOutput(t, c.command, c.run), out))
		})
	}
}

// TestRecordedWatch holds K8, K23 and the widths of a watch to the recording:
// 107 rows from the first pod to the last of the rollout.
func TestRecordedWatch(t *testing.T) {
	type line struct {
		Type   watch.EventType
		Now    time.Time
		Object json.RawMessage
	}
	w := table.NewWatcher(apiserver.Pod, table.Options{NoHeaders: true})
	out := w.List(nil, recorded)
	jsonLines(t, "testdata/watch.jsonl", func(l line) {
		pod := apiserver.Pod.New()
		require.NoError(t, json.Unmarshal(l.Object, pod))
		out += w.Event(l.Type, pod, l.Now)
	})
	want, err := os.ReadFile("testdata/watch.txt")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(string(want), out))
}

// TestRecordedDescription compares kubectl describe of the set with the
// recording of kubectl 1.33: 1.37 adds lines and the names of ports, which
// moves the values to the right.
func TestRecordedDescription(t *testing.T) {
	objs := snapshot(t, "partition")
	set := objs[apiserver.StatefulSet][0]
	others := append(objs[apiserver.Pod], objs[apiserver.Event]...)
	out := table.Describe(set, others, recorded)

	squeeze := func(s string) string {
		var lines []string
		for _, l := range strings.Split(s, "\n") {
			lines = append(lines, strings.Join(strings.Fields(l), " "))
		}
		return strings.Join(lines, "\n")
	}
	older := out
	for _, added := range []string{"Service Name:", "Pod Management Policy:", "Persistent Volume Claim Retention Policy:",
		"  WhenDeleted:", "  WhenScaled:"} {
		from := strings.Index(older, added)
		require.GreaterOrEqual(t, from, 0, added)
		older = older[:from] + older[from+strings.Index(older[from:], "\n")+1:]
	}
	older = strings.ReplaceAll(older, "/TCP (http)", "/TCP")
	want := recordedOutput(t, "kubectl describe sts satefulset", 0)
	require.Empty(t, cmp.Diff(squeeze(want), squeeze(older)))

	_, wantEvents, _ := strings.Cut(want, "Events:\n")
	_, events, _ := strings.Cut(out, "Events:\n")
	require.Empty(t, cmp.Diff(wantEvents, events), "the table of events is the same to the letter")
	golden(t, "describe_set.txt", out)
}
