package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

func lines(t *testing.T, recs []*apiserver.Record) string {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, rec := range recs {
		require.NoError(t, w.Write(rec))
	}
	return b.String()
}

// What a real API server sent is what the writer writes: the same fields, the
// same absent ones.
func TestRecordedObjectsRoundTrip(t *testing.T) {
	data, err := os.ReadFile("testdata/recorded.jsonl")
	require.NoError(t, err)
	recs, err := Read(bytes.NewReader(data))
	require.NoError(t, err)
	want := bufio.NewScanner(bytes.NewReader(data))
	want.Buffer(nil, 1<<20)
	got := bufio.NewScanner(strings.NewReader(lines(t, recs)))
	got.Buffer(nil, 1<<20)
	n := 0
	for want.Scan() {
		require.True(t, got.Scan())
		var w, g map[string]any
		require.NoError(t, json.Unmarshal(want.Bytes(), &w))
		require.NoError(t, json.Unmarshal(got.Bytes(), &g))
		if d := cmp.Diff(w, g); d != "" {
			t.Errorf("line %d:\n%s", n+1, d)
		}
		n++
	}
	require.Len(t, recs, n)
	require.Greater(t, n, 20)
}

// Reading back gives the records that were written.
func TestReadIsTheInverseOfWrite(t *testing.T) {
	recs := theStory("").recs
	text := lines(t, recs)
	back, err := Read(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, text, lines(t, back))
	require.Len(t, back, len(recs))
	for i := range recs {
		a, b := recs[i], back[i]
		require.Equal(t, [...]any{a.Version, a.Type, a.Kind, a.Key, a.Time, a.By}, [...]any{b.Version, b.Type, b.Kind, b.Key, b.Time, b.By})
		require.Equal(t, a.Old == nil, b.Old == nil, "record %d", i)
	}

	var event metav1.WatchEvent // what tools for watch events expect
	require.NoError(t, json.Unmarshal([]byte(text[:strings.IndexByte(text, '\n')]), &event))
	require.Equal(t, "ADDED", event.Type)
	require.Contains(t, string(event.Object.Raw), `"kind":"StatefulSet","apiVersion":"apps/v1"`)
}

// Bad lines are errors that name the line and what is wrong.
func TestReadErrors(t *testing.T) {
	good := lines(t, theStory("").recs[:1])
	for bad, want := range map[string]string{
		"{":                   "line 2: unexpected end of JSON input",
		`{"type":"BOOKMARK"}`: `line 2: unknown type "BOOKMARK" of event`,
		`{"type":"ADDED","object":{"kind":"Widget","apiVersion":"v1"}}`:                      "line 2: unknown kind Widget of v1",
		`{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}}`: "line 2: Pod x: metadata.resourceVersion",
	} {
		recs, err := Read(strings.NewReader(good + bad))
		require.Len(t, recs, 1)
		require.ErrorContains(t, err, want)
	}
	recs, err := Read(strings.NewReader("\n" + strings.TrimSuffix(good, "\n")))
	require.NoError(t, err)
	require.Len(t, recs, 1)
}

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

// A Writer stays broken.
func TestWriterKeepsItsError(t *testing.T) {
	recs := theStory("").recs
	w := NewWriter(&brokenWriter{left: 1})
	require.NoError(t, w.Write(recs[0]))
	err := w.Write(recs[1])
	require.ErrorIs(t, err, io.ErrShortWrite)
	require.Equal(t, err, w.Write(recs[2]))
	require.True(t, errors.Is(WriteSVG(&brokenWriter{}, recs, Timeline{}), io.ErrShortWrite))
	require.ErrorIs(t, WriteText(&brokenWriter{}, recs), io.ErrShortWrite)
	require.ErrorIs(t, WritePerfetto(&brokenWriter{}, recs), io.ErrShortWrite)
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteText(&b, theStory("").recs))
	golden(t, "story.txt", b.String())
}

func TestRecordedText(t *testing.T) {
	f, err := os.Open("testdata/recorded.jsonl")
	require.NoError(t, err)
	defer f.Close()
	recs, err := Read(f)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, WriteText(&b, recs))
	golden(t, "recorded.txt", b.String())
}

// Two runs that went the same way are equal, whatever their UIDs, versions,
// times and addresses.
func TestDiffOfEqualHistories(t *testing.T) {
	a, b := theStory(""), theStory("other")
	for _, rec := range b.recs {
		rec.Time = rec.Time.Add(time.Hour)
	}
	require.NotEqual(t, lines(t, a.recs), lines(t, b.recs))
	require.Empty(t, Diff(a.recs, b.recs, DiffOptions{}))
	require.Empty(t, Diff(a.recs, b.recs, DiffOptions{ByObject: true}))
	require.Empty(t, Diff(nil, nil, DiffOptions{}))
}

func TestDiff(t *testing.T) {
	a, b := theStory("").recs, theStory("b").recs
	// In b one pod goes to another node, a record is missing and one is new.
	var changed []*apiserver.Record
	for i, rec := range b {
		if pod, ok := rec.Object.(*corev1.Pod); ok && i > 8 && i < 15 {
			moved := pod.DeepCopy()
			moved.Spec.NodeName = "node-9"
			c := *rec
			c.Object = moved
			rec = &c
		}
		if i != 12 {
			changed = append(changed, rec)
		}
	}
	extra := *b[2]
	extra.Key.Name, extra.Type, extra.Old = "late", watch.Added, nil
	late := extra.Object.(*corev1.Pod).DeepCopy()
	late.Name, late.UID = "late", "ffffffff-0000-4000-8000-000000000000"
	extra.Object = late
	changed = append(changed, &extra)
	golden(t, "diff.txt", Diff(a, changed, DiffOptions{}))
	golden(t, "diff_by_object.txt", Diff(a, changed, DiffOptions{ByObject: true, Context: 1}))
}

// How different objects interleave counts in one form and not in the other.
func TestDiffByObjectIgnoresInterleaving(t *testing.T) {
	build := func(first, second string) []*apiserver.Record {
		s := newStory("")
		s.run(s.pod(first, "r"), "node-1")
		s.run(s.pod(second, "r"), "node-1")
		return s.recs
	}
	a, b := build("x-0", "x-1"), build("x-1", "x-0")
	require.NotEmpty(t, Diff(a, b, DiffOptions{}))
	require.Empty(t, Diff(a, b, DiffOptions{ByObject: true}))
}

// Histories that have nothing in common, and long ones, are no trouble.
func TestDiffOfForeignHistories(t *testing.T) {
	build := func(name string, n int) []*apiserver.Record {
		s := newStory("")
		for i := range n {
			s.pod(fmt.Sprint(name, "-", i), "r")
		}
		return s.recs
	}
	d := Diff(build("a", 700), build("b", 700), DiffOptions{})
	require.Equal(t, 700, strings.Count(d, "\n- "))
	require.Equal(t, 700, strings.Count(d, "\n+ "))
	require.Contains(t, Diff(nil, build("b", 1), DiffOptions{}), "+ 0.000s ADDED pod/b-0")
}

func drawn(t *testing.T, recs []*apiserver.Record, o Timeline) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteSVG(&b, recs, o))
	dec := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	for {
		if _, err := dec.Token(); err == io.EOF {
			return b.String()
		} else {
			require.NoError(t, err, "not well-formed")
		}
	}
}

func TestSVG(t *testing.T) {
	svg := drawn(t, theStory("").recs, Timeline{Title: "A bad image & back"})
	require.Equal(t, svg, drawn(t, theStory("").recs, Timeline{Title: "A bad image & back"}))
	golden(t, "story.svg", svg)
}

// Windows, limits and empty histories.
func TestSVGOptions(t *testing.T) {
	require.Contains(t, drawn(t, nil, Timeline{}), "no pods")
	recs := theStory("").recs
	require.Contains(t, drawn(t, recs, Timeline{MaxLanes: 1}), "and 1 more pods")
	window := drawn(t, recs, Timeline{From: engine.Time(time.Second), To: engine.Time(2 * time.Second)})
	require.NotContains(t, window, ">deleting")
	require.NotContains(t, window, ">web-1 Terminating")
	require.Contains(t, drawn(t, recs, Timeline{Width: 50}), `width="50"`)
}

func TestPerfetto(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WritePerfetto(&b, theStory("").recs))
	var doc struct{ TraceEvents []map[string]any }
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	require.NotEmpty(t, doc.TraceEvents)
	golden(t, "story.perfetto.json", b.String())
}

// Lanes stand in the order of ordinals as numbers.
func TestLanesAreInOrder(t *testing.T) {
	s := newStory("")
	for _, name := range []string{"web-10", "db-0", "web-9", "loner", "web-2"} {
		s.after(time.Second).pod(name, "r")
	}
	var got []string
	for _, l := range lanesOf(s.recs, s.at) {
		got = append(got, l.key.Name)
	}
	require.Equal(t, []string{"db-0", "loner", "web-2", "web-9", "web-10"}, got)
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 20 * time.Millisecond: "20ms", 1500 * time.Millisecond: "1.5s", 10 * time.Second: "10s", time.Minute: "1m",
		90 * time.Second: "1m30s", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m", 24 * time.Hour: "24h",
	} {
		require.Equal(t, want, clock(engine.Time(d)))
	}
	for _, span := range []time.Duration{1, time.Millisecond, time.Second, time.Hour, 1000 * time.Hour, 1 << 62} {
		require.LessOrEqual(t, int(span/tick(span, 10)), 10, "%v", span)
	}
}

// The state of a pod is what kubectl says, but that a container counts as ready
// only while it runs, and that the Ready condition counts too (N2).
func TestStates(t *testing.T) {
	running := func(isReady bool, condition corev1.ConditionStatus) corev1.Pod {
		p := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning}}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: condition}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Ready: isReady, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
		return p
	}
	waiting := func(reason string) corev1.Pod {
		p := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}} // the recordings' prober
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Ready: true, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}}
		return p
	}
	deleting := running(true, corev1.ConditionTrue)
	deleting.DeletionTimestamp = &metav1.Time{}
	for want, pod := range map[string]corev1.Pod{
		"Pending":           {Status: corev1.PodStatus{Phase: corev1.PodPending}},
		"ContainerCreating": waiting("ContainerCreating"),
		"ImagePullBackOff":  waiting("ImagePullBackOff"),
		"Ready":             running(true, corev1.ConditionTrue),
		"Running":           running(false, corev1.ConditionFalse),
		"Terminating":       deleting,
		"Evicted":           {Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}},
		"Error":             {Status: corev1.PodStatus{Phase: corev1.PodFailed}},
		"Completed":         {Status: corev1.PodStatus{Phase: corev1.PodSucceeded}},
	} {
		require.Equal(t, want, stateOf(&pod).text)
	}
	unreachable := running(true, corev1.ConditionFalse)
	require.Equal(t, "Running", stateOf(&unreachable).text)
}

func BenchmarkWriter(b *testing.B) {
	recs := theStory("").recs
	w := NewWriter(io.Discard)
	b.ReportAllocs()
	for i := range b.N {
		if err := w.Write(recs[i%len(recs)]); err != nil {
			b.Fatal(err)
		}
	}
}
