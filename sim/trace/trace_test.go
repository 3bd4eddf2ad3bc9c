package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/table"
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
	require.ErrorIs(t, WritePerfetto(&brokenWriter{}, recs, Timeline{}), io.ErrShortWrite)
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

// Where two histories part: the earliest record of an object of which they tell
// otherwise.
func TestPart(t *testing.T) {
	a, b := theStory("").recs, theStory("b").recs
	_, parts := Part(a, b)
	require.False(t, parts)
	var changed []*apiserver.Record
	for i, rec := range b {
		if pod, ok := rec.Object.(*corev1.Pod); ok && i > 8 && i < 15 {
			moved := pod.DeepCopy()
			moved.Spec.NodeName = "node-9"
			c := *rec
			c.Object = moved
			rec = &c
		}
		changed = append(changed, rec)
	}
	p, parts := Part(a, changed)
	require.True(t, parts)
	require.Equal(t, a[9].Key, p.A.Key)
	require.Contains(t, strings.Join(p.Fields, ", "), "spec.nodeName")
	require.True(t, p.IsIn(changed))
	require.False(t, p.IsIn(a))
	p, parts = Part(a, a[:3])
	require.True(t, parts)
	require.Nil(t, p.B)
	require.True(t, p.IsIn(a[:3]))
	require.False(t, p.IsIn(a))
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

// TestPanels: the axis is cut where nothing happens for long, however long; no
// more often than one can read; and every moment has its place, in order.
func TestPanels(t *testing.T) {
	s := func(list ...float64) (times []engine.Time) {
		for _, x := range list {
			times = append(times, engine.Time(x*1e9))
		}
		return times
	}
	panels := panelsOf(s(1, 2, 4, 100, 101, 5000), 0, engine.Time(6000*time.Second))
	require.Len(t, panels, 3)
	for i, p := range panels {
		require.Less(t, p.from, p.to)
		if i > 0 {
			require.Less(t, panels[i-1].to, p.from)
		}
	}
	var many []float64
	for i := range 500 {
		many = append(many, float64(i*i))
	}
	require.LessOrEqual(t, len(panelsOf(s(many...), 0, engine.Never)), maxPanels)
	require.Len(t, panelsOf(nil, 5, 9), 1)
	place(panels, 100, 900, 30, 50)
	last := 0.0
	for _, at0 := range s(0, 1, 1.5, 2, 4, 50, 100, 101, 3000, 5000, 9000) {
		x := at(panels, at0)
		require.GreaterOrEqual(t, x, last, "%v", at0)
		last = x
	}
	require.InDelta(t, 900, last, 0.5)
	require.InDelta(t, 100, panels[0].x0, 0.5)
	for _, p := range panels {
		require.GreaterOrEqual(t, p.x1-p.x0, 49.0)
	}
}

// TestLanesText: the same in characters.
func TestLanesText(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteLanes(&b, theStory("").recs, Timeline{Title: "A bad image & back"}))
	golden(t, "story.lanes.txt", b.String())
	b.Reset()
	require.NoError(t, WriteLanes(&b, nil, Timeline{}))
	require.Contains(t, b.String(), "no pods")
	require.ErrorIs(t, WriteLanes(&brokenWriter{}, theStory("").recs, Timeline{}), io.ErrShortWrite)
}

// TestTwoHistories: the other one stands below each lane, and where they part is
// marked.
func TestTwoHistories(t *testing.T) {
	a, b := theStory("").recs, theStory("b").recs
	same := drawn(t, a, Timeline{Other: b, Names: [2]string{"one", "two"}})
	require.NotContains(t, same, "they part")
	require.Contains(t, same, "two: default/web-0 ContainerCreating")
	parted := drawn(t, a, Timeline{Other: b[:len(b)-3], Names: [2]string{"one", "two"}})
	require.Contains(t, parted, "one above, two below; they part at ")
	var text bytes.Buffer
	require.NoError(t, WriteLanes(&text, a, Timeline{Other: b[:len(b)-3]}))
	require.Contains(t, text.String(), "the first and the second part at | ")
}

// TestColours: the phases differ for colour-blind readers, too: in lightness, in
// hue as deuteranopes and protanopes see it, or by a pattern.
func TestColours(t *testing.T) {
	rgb := func(hex string) (c [3]float64) {
		for i := range c {
			n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
			require.NoError(t, err)
			c[i] = math.Pow(float64(n)/255, 2.2)
		}
		return c
	}
	// Viénot's matrices for the two kinds, in linear light.
	kinds := [][3][3]float64{
		{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
		{{0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}, {-0.02234, 0.02234, 1}},
		{{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}, {0.00401, -0.00401, 1}},
	}
	for k, m := range kinds {
		seen := func(ph phase) (c [3]float64) {
			in := rgb(fills[ph])
			for i := range c {
				for j := range in {
					c[i] += m[i][j] * in[j]
				}
				c[i] = math.Pow(max(c[i], 0), 1/2.2) * 255
			}
			return c
		}
		for a := range phase(phases) {
			for b := range a {
				if hatches[a] != hatches[b] {
					continue
				}
				x, y, d := seen(a), seen(b), 0.0
				for i := range x {
					d += (x[i] - y[i]) * (x[i] - y[i])
				}
				require.Greater(t, math.Sqrt(d), 25.0, "%s and %s, kind of eye %d", phaseNames[a], phaseNames[b], k)
			}
		}
	}
}

func TestPerfetto(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WritePerfetto(&b, theStory("").recs, Timeline{}))
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

// The state of a pod is the STATUS of kubectl get; its colour follows from that,
// and a pod is ready only while its containers run and its condition agrees (N2).
func TestStates(t *testing.T) {
	pod := func(phase corev1.PodPhase, isReady bool, condition corev1.ConditionStatus, c corev1.ContainerState) corev1.Pod {
		p := corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}}, Status: corev1.PodStatus{Phase: phase}}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: condition}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", Ready: isReady, State: c}}
		return p
	}
	runs := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	waits := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
	}
	ended := func(code int32, reason string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
	}
	deleting := pod(corev1.PodRunning, true, corev1.ConditionTrue, runs)
	deleting.DeletionTimestamp = &metav1.Time{}
	for _, c := range []struct {
		pod   corev1.Pod
		phase phase
		text  string
	}{
		{corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}, pending, "Pending"},
		{pod(corev1.PodPending, true, corev1.ConditionTrue, waits("ContainerCreating")), creating, "ContainerCreating"}, // the recordings' prober
		{pod(corev1.PodPending, false, corev1.ConditionFalse, waits("ImagePullBackOff")), failing, "ImagePullBackOff"},
		{pod(corev1.PodRunning, true, corev1.ConditionTrue, runs), ready, "Running"},
		{pod(corev1.PodRunning, false, corev1.ConditionFalse, runs), running, "Running"},
		{pod(corev1.PodRunning, true, corev1.ConditionFalse, runs), running, "Running"}, // an unreachable node
		{pod(corev1.PodRunning, false, corev1.ConditionFalse, waits("CrashLoopBackOff")), failing, "CrashLoopBackOff"},
		{pod(corev1.PodRunning, false, corev1.ConditionFalse, ended(1, "Error")), failing, "Error"}, // between two runs
		{pod(corev1.PodRunning, false, corev1.ConditionFalse, ended(0, "Completed")), completed, "Completed"},
		{pod(corev1.PodRunning, false, corev1.ConditionFalse, ended(137, "OOMKilled")), failing, "OOMKilled"},
		{deleting, terminating, "Terminating"},
		{corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}}, failing, "Evicted"},
		{pod(corev1.PodSucceeded, false, corev1.ConditionFalse, ended(0, "Completed")), completed, "Completed"},
	} {
		require.Equal(t, state{c.phase, c.text}, stateOf(&c.pod))
	}
}

// TestPicturesAgreeWithTables draws random pods: the word in the picture is the
// cell STATUS, it is coloured as ready only if READY says n/n and STATUS Running,
// and never as running when it is in trouble.
func TestPicturesAgreeWithTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := drawPod(t)
		row := table.New(apiserver.Pod, []apiserver.Object{pod}, time.Unix(0, 0)).Rows[0].Cells
		recs := []*apiserver.Record{{Type: watch.Added, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Object: pod},
			{Type: watch.Deleted, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Object: pod, Old: pod, Time: engine.Time(time.Second)}}
		var svg, text bytes.Buffer
		require.NoError(t, WriteSVG(&svg, recs, Timeline{}))
		require.NoError(t, WriteText(&text, recs))
		require.Contains(t, svg.String(), fmt.Sprintf("<title>%s %s, ", pod.Name, escape(row[2])))
		require.Contains(t, text.String(), row[2])
		full, status := row[1][:1] == row[1][2:], row[2]
		is := func(ph phase) bool { return strings.Contains(svg.String(), fmt.Sprintf("fill=%q><title>", fills[ph])) }
		require.True(t, !is(ready) || full && status == "Running", "%s %s is drawn as ready", row[1], status)
		require.Equal(t, status == "Running" || status == "NotReady", is(ready) || is(running), "%s", status)
	})
}

// drawPod draws any pod with up to two containers and an init container.
func drawPod(t *rapid.T) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", UID: "u"}}
	pod.Status.Phase = rapid.SampledFrom([]corev1.PodPhase{"", corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed, corev1.PodUnknown}).Draw(t, "phase")
	pod.Status.Reason = rapid.SampledFrom([]string{"", "", "", "Evicted", "NodeLost", "NodeAffinity"}).Draw(t, "reason")
	for _, typ := range []corev1.PodConditionType{corev1.PodReady, corev1.PodInitialized, corev1.PodScheduled} {
		if status := rapid.SampledFrom([]corev1.ConditionStatus{"", corev1.ConditionTrue, corev1.ConditionFalse}).Draw(t, "condition"); status != "" {
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: typ, Status: status,
				Reason: rapid.SampledFrom([]string{"", "", corev1.PodReasonSchedulingGated}).Draw(t, "why")})
		}
	}
	if rapid.Bool().Draw(t, "deleting") {
		pod.DeletionTimestamp = &metav1.Time{Time: time.Unix(0, 0)}
	}
	statuses := func(name string) []corev1.ContainerStatus {
		if rapid.Bool().Draw(t, "no statuses") {
			return nil
		}
		c := corev1.ContainerStatus{Name: name, Ready: rapid.Bool().Draw(t, "ready"), RestartCount: rapid.Int32Range(0, 9).Draw(t, "restarts")}
		if rapid.Bool().Draw(t, "started known") {
			started := rapid.Bool().Draw(t, "started")
			c.Started = &started
		}
		switch rapid.IntRange(0, 3).Draw(t, "state") {
		case 1:
			c.State.Running = &corev1.ContainerStateRunning{}
		case 2:
			c.State.Waiting = &corev1.ContainerStateWaiting{Reason: rapid.SampledFrom([]string{"", "ContainerCreating", "PodInitializing", "CrashLoopBackOff", "ErrImagePull"}).Draw(t, "waiting")}
		case 3:
			c.State.Terminated = &corev1.ContainerStateTerminated{ExitCode: rapid.Int32Range(0, 2).Draw(t, "code"), Signal: rapid.Int32Range(0, 1).Draw(t, "signal"),
				Reason: rapid.SampledFrom([]string{"", "Completed", "Error", "OOMKilled"}).Draw(t, "ended")}
		}
		return []corev1.ContainerStatus{c}
	}
	if rapid.Bool().Draw(t, "init") {
		c := corev1.Container{Name: "i"}
		if rapid.Bool().Draw(t, "sidecar") {
			always := corev1.ContainerRestartPolicyAlways
			c.RestartPolicy = &always
		}
		pod.Spec.InitContainers = []corev1.Container{c}
		pod.Status.InitContainerStatuses = statuses("i")
	}
	for _, name := range []string{"a", "b"}[:rapid.IntRange(1, 2).Draw(t, "containers")] {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name})
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, statuses(name)...)
	}
	return pod
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
