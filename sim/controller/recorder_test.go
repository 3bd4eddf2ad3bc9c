package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// notebook stores Events as the server would, by key.
type notebook map[apiserver.Key]*corev1.Event

// write carries a request out and returns the answer.
func (b notebook) write(t *testing.T, req apiserver.Request) apiserver.Result {
	t.Helper()
	require.Equal(t, apiserver.Event, req.Kind)
	switch req.Verb {
	case apiserver.Create:
		ev := req.Object.(*corev1.Event)
		require.Equal(t, req.Key, apiserver.KeyOf(ev))
		require.NotContains(t, b, req.Key, "two Events of one name")
		stored := *ev
		b[req.Key] = &stored
	case apiserver.Patch:
		old, ok := b[req.Key]
		if !ok {
			return apiserver.Result{Err: apierrors.NewNotFound(apiserver.Event.GroupResource(), req.Key.Name)}
		}
		next, err := req.Patch.Apply(old)
		require.NoError(t, err)
		b[req.Key] = next.(*corev1.Event)
	default:
		t.Fatalf("verb %d", req.Verb)
	}
	return apiserver.Result{Object: b[req.Key]}
}

// oldest has the recorder forget the oldest of ten messages.
func oldest(string, int) int { return 0 }

// note records a note and stores what comes of it. It returns the stored
// Event, or nil if the recorder wrote nothing.
func (b notebook) note(t *testing.T, r *recorder, now engine.Time, n Note) *corev1.Event {
	t.Helper()
	req, ok := r.record(now, n, oldest)
	if !ok {
		return nil
	}
	require.NoError(t, b.write(t, req).Err)
	return b[req.Key]
}

func at(d time.Duration) engine.Time { return engine.Time(d) }

func aSet(version string) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "u-web", ResourceVersion: version}}
}

func aPod(name, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: "u-1", ResourceVersion: version}}
}

func created(set *appsv1.StatefulSet, i int) Note {
	return Note{About: set, Type: "Normal", Reason: "SuccessfulCreate", Message: fmt.Sprintf("Create Pod web-%d in StatefulSet web successful", i)}
}

// A10: the fields of a first Event are those that recordings/seed.jsonl shows
// at version 120.
func TestA10RecorderWritesTheRecordedForm(t *testing.T) {
	r := newRecorder("statefulset-controller", "")
	ev := notebook{}.note(t, &r, at(1500*time.Millisecond), created(aSet("112"), 0))
	got := fields(t, ev)
	name := got["metadata"].(map[string]any)["name"].(string)
	got["metadata"].(map[string]any)["name"] = "web.T"
	want := map[string]any{
		"metadata": map[string]any{"name": "web.T", "namespace": "default"},
		"involvedObject": map[string]any{"kind": "StatefulSet", "namespace": "default", "name": "web", "uid": "u-web",
			"apiVersion": "apps/v1", "resourceVersion": "112"},
		"reason":             "SuccessfulCreate",
		"message":            "Create Pod web-0 in StatefulSet web successful",
		"source":             map[string]any{"component": "statefulset-controller"},
		"firstTimestamp":     "2026-01-01T00:00:01Z",
		"lastTimestamp":      "2026-01-01T00:00:01Z",
		"count":              1.0,
		"type":               "Normal",
		"eventTime":          nil,
		"reportingComponent": "statefulset-controller",
		"reportingInstance":  "",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	hex, ok := strings.CutPrefix(name, "web.")
	require.True(t, ok)
	ns, err := strconv.ParseInt(hex, 16, 64)
	require.NoError(t, err)
	require.Less(t, time.Unix(0, ns).Sub(apiserver.WallTime(at(1500*time.Millisecond))), time.Millisecond)
}

// A10: the same Event again raises count and lastTimestamp; the name and the
// first time stay.
func TestA10RecorderCountsTheSameEvent(t *testing.T) {
	r, b := newRecorder("statefulset-controller", ""), notebook{}
	first := b.note(t, &r, at(0), created(aSet("1"), 0))
	again := b.note(t, &r, at(3*time.Second), created(aSet("2"), 0)) // another version is no other Event
	require.Len(t, b, 1)
	want := *first
	want.Count = 2
	want.LastTimestamp = apiserver.Stamp(at(3 * time.Second))
	if d := cmp.Diff(&want, again); d != "" {
		t.Error(d)
	}
}

// A10: from the tenth different message within 600 s on, Events are combined
// into one; reportingComponent is empty there (parallel.jsonl, version 156).
func TestA10RecorderCombinesSimilarEvents(t *testing.T) {
	r, b := newRecorder("statefulset-controller", ""), notebook{}
	for i := range 9 {
		ev := b.note(t, &r, at(time.Duration(i)*time.Second), created(aSet("1"), i))
		require.Equal(t, int32(1), ev.Count)
		require.NotContains(t, ev.Message, "combined")
	}
	tenth := b.note(t, &r, at(9*time.Second), created(aSet("1"), 9))
	require.Equal(t, "(combined from similar events): Create Pod web-9 in StatefulSet web successful", tenth.Message)
	require.Empty(t, tenth.ReportingController)
	require.Equal(t, int32(1), tenth.Count)

	eleventh := b.note(t, &r, at(10*time.Second), created(aSet("1"), 10))
	require.Equal(t, tenth.Name, eleventh.Name)
	require.Equal(t, int32(2), eleventh.Count)
	require.Equal(t, "(combined from similar events): Create Pod web-10 in StatefulSet web successful", eleventh.Message)
	require.Equal(t, tenth.FirstTimestamp, eleventh.FirstTimestamp)

	// A message that is still remembered is no new one.
	known := b.note(t, &r, at(11*time.Second), created(aSet("1"), 8))
	require.Equal(t, int32(2), known.Count)
	require.NotContains(t, known.Message, "combined")

	// Another reason is not similar.
	other := created(aSet("1"), 1)
	other.Reason = "SuccessfulDelete"
	require.NotContains(t, b.note(t, &r, at(12*time.Second), other).Message, "combined")
}

// A10: more than 600 s without a similar Event start anew.
func TestA10RecorderForgetsSimilarEvents(t *testing.T) {
	for _, tc := range []struct {
		pause    time.Duration
		combined bool
	}{{600 * time.Second, true}, {600*time.Second + 1, false}} {
		r, b := newRecorder("statefulset-controller", ""), notebook{}
		for i := range 9 {
			b.note(t, &r, at(0), created(aSet("1"), i))
		}
		ev := b.note(t, &r, at(tc.pause), created(aSet("1"), 9))
		require.Equal(t, tc.combined, strings.HasPrefix(ev.Message, "(combined"), "after %v", tc.pause)
	}
}

// A10: per source and object 25 Events at once, then one per 300 s; dropped
// ones are counted, and types and objects have budgets of their own.
func TestA10RecorderDropsSpam(t *testing.T) {
	r, b := newRecorder("kubelet", "node-1"), notebook{}
	n := Note{About: aPod("web-0", "1"), Type: "Warning", Reason: "BackOff", Message: "Back-off"}
	for range spamBurst {
		require.NotNil(t, b.note(t, &r, at(0), n))
	}
	require.Nil(t, b.note(t, &r, at(0), n))
	require.Nil(t, b.note(t, &r, at(300*time.Second-1), n))
	ev := b.note(t, &r, at(300*time.Second), n)
	require.Equal(t, int32(spamBurst+3), ev.Count)
	require.Nil(t, b.note(t, &r, at(300*time.Second), n))

	n.Type = "Normal"
	require.NotNil(t, b.note(t, &r, at(0), n))
	n.About, n.Type = aPod("web-1", "1"), "Warning"
	require.NotNil(t, b.note(t, &r, at(0), n))
}

// A10: an Event about a cluster-wide object lives in the default namespace and
// names none; a kubelet's has a host; a Part has a fieldPath.
func TestA10RecorderNamespaceHostAndField(t *testing.T) {
	r, b := newRecorder("node-controller", ""), notebook{}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", UID: "u-n"}}
	ev := b.note(t, &r, at(0), Note{About: node, Type: "Normal", Reason: "RegisteredNode", Message: "m"})
	require.Equal(t, "default", ev.Namespace)
	require.Equal(t, corev1.ObjectReference{Kind: "Node", Name: "node-1", UID: "u-n", APIVersion: "v1"}, ev.InvolvedObject)

	k := newRecorder("kubelet", "node-1")
	ev = b.note(t, &k, at(0), Note{About: Part{aPod("web-0", "7"), "spec.containers{nginx}"}, Type: "Normal", Reason: "Started", Message: "Container started"})
	require.Equal(t, corev1.EventSource{Component: "kubelet", Host: "node-1"}, ev.Source)
	require.Equal(t, "node-1", ev.ReportingInstance)
	require.Equal(t, "spec.containers{nginx}", ev.InvolvedObject.FieldPath)
	require.Equal(t, "Pod", ev.InvolvedObject.Kind)
}

// An Event needs a type that the API knows (ValidateEventType).
func TestA10RecorderRefusesUnknownTypes(t *testing.T) {
	r := newRecorder("c", "")
	_, ok := r.record(0, Note{About: aPod("web-0", "1"), Type: "Odd", Reason: "R", Message: "m"}, oldest)
	require.False(t, ok)
}

// Names differ although time stands still, within a recorder and between two.
func TestA10RecorderNamesAreUnique(t *testing.T) {
	a, c, b := newRecorder("kubelet", "node-1"), newRecorder("default-scheduler", ""), notebook{}
	for i := range 5 {
		n := Note{About: aPod("web-0", "1"), Type: "Normal", Reason: fmt.Sprint("R", i), Message: "m"}
		require.NotNil(t, b.note(t, &a, 0, n))
		require.NotNil(t, b.note(t, &c, 0, n))
	}
	require.Len(t, b, 10)
}

// An object whose name is not fit for an Event gives it another one.
func TestA10RecorderNamesAreValid(t *testing.T) {
	r := newRecorder("c", "")
	for name, plain := range map[string]bool{"web-0": true, "a.b": true, "system:node": false, "Upper": false, "-a": false} {
		got := r.name(0, name)
		require.Equal(t, plain, strings.HasPrefix(got, name+"."), "%s", got)
		require.Empty(t, validation.NameIsDNSSubdomain(got, false))
	}
}

func unscheduled(version, message string) Note {
	return Note{About: aPod("web-1", version), Type: "Warning", Reason: "FailedScheduling", Action: "Scheduling", Message: message}
}

// A10: an Event with an action has the form that the scheduler writes
// (seed.jsonl, version 214), and the second like it makes it a series (145).
func TestA10RecorderWritesASeries(t *testing.T) {
	r, b := newRecorder("default-scheduler", ""), notebook{}
	first := b.note(t, &r, at(2688*time.Microsecond+345), unscheduled("135", "0/3 nodes"))
	got := fields(t, first)
	got["metadata"].(map[string]any)["name"] = "web-1.T"
	want := map[string]any{
		"metadata": map[string]any{"name": "web-1.T", "namespace": "default"},
		"involvedObject": map[string]any{"kind": "Pod", "namespace": "default", "name": "web-1", "uid": "u-1",
			"apiVersion": "v1", "resourceVersion": "135"},
		"reason": "FailedScheduling", "message": "0/3 nodes", "source": map[string]any{},
		"firstTimestamp": nil, "lastTimestamp": nil, "type": "Warning",
		"eventTime": "2026-01-01T00:00:00.002688Z", "action": "Scheduling",
		"reportingComponent": "default-scheduler", "reportingInstance": "default-scheduler-control-plane",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	second := b.note(t, &r, at(14343*time.Microsecond), unscheduled("135", "another message, the same series"))
	require.Equal(t, first.Name, second.Name)
	require.Equal(t, "0/3 nodes", second.Message)
	require.Equal(t, int32(2), second.Series.Count)
	require.Equal(t, microStamp(at(14343*time.Microsecond)), second.Series.LastObservedTime)
	require.Nil(t, b.note(t, &r, at(time.Second), unscheduled("135", "0/3 nodes")), "the third is counted in memory")
	require.NotEqual(t, first.Name, b.note(t, &r, at(time.Second), unscheduled("136", "0/3 nodes")).Name, "another version of the pod")
}

// The count of a series is written when it has ended, and every 30 minutes
// while it lasts (finishSeries, refreshExistingEventSeries).
func TestA10RecorderFinishesASeries(t *testing.T) {
	r, b := newRecorder("default-scheduler", ""), notebook{}
	require.Equal(t, engine.Never, r.due(0))
	for i := range 4 {
		b.note(t, &r, at(time.Duration(i)*time.Second), unscheduled("1", "m"))
	}
	require.Equal(t, at(6*time.Minute), r.due(at(4*time.Second)))
	require.Empty(t, r.tick(at(6*time.Minute)))
	require.Equal(t, at(12*time.Minute), r.due(at(6*time.Minute)))
	reqs := r.tick(at(12 * time.Minute))
	require.Len(t, reqs, 1)
	require.NoError(t, b.write(t, reqs[0]).Err)
	require.Equal(t, int32(4), b[reqs[0].Key].Series.Count)
	require.Equal(t, engine.Never, r.due(at(12*time.Minute)))
	require.Nil(t, b.note(t, &r, at(13*time.Minute), unscheduled("1", "m")).Series, "a new series")

	r, b = newRecorder("default-scheduler", ""), notebook{}
	for minute := range 61 {
		if minute%5 == 0 {
			b.note(t, &r, at(time.Duration(minute)*time.Minute), unscheduled("1", "m"))
		}
		if now := at(time.Duration(minute) * time.Minute); minute%6 == 0 && minute > 0 {
			for _, req := range r.tick(now) {
				b.write(t, req)
			}
		}
	}
	require.Len(t, b, 1)
	for _, ev := range b {
		require.Equal(t, int32(13), ev.Series.Count)
	}
}

// An Event that was never repeated is forgotten at the second tick after it,
// without any tick being asked for.
func TestA10RecorderForgetsSingleEvents(t *testing.T) {
	r, b := newRecorder("default-scheduler", ""), notebook{}
	b.note(t, &r, at(time.Minute), unscheduled("1", "m"))
	require.NotNil(t, b.note(t, &r, at(12*time.Minute), unscheduled("1", "m")).Series)

	r, b = newRecorder("default-scheduler", ""), notebook{}
	b.note(t, &r, at(time.Minute), unscheduled("1", "m"))
	require.Nil(t, b.note(t, &r, at(12*time.Minute+1), unscheduled("1", "m")).Series)
	require.Len(t, r.series, 1)
}

// A count that cannot be raised, because the Event is gone, is created.
func TestA10RecorderCreatesAgain(t *testing.T) {
	for name, n := range map[string]Note{"counted": created(aSet("1"), 0), "series": unscheduled("1", "m")} {
		t.Run(name, func(t *testing.T) {
			r, b := newRecorder("c", ""), notebook{}
			first := b.note(t, &r, 0, n)
			clear(b)
			req, ok := r.record(at(time.Second), n, oldest)
			require.True(t, ok)
			res := b.write(t, req)
			require.Error(t, res.Err)
			again, ok := r.retry(req, res)
			require.True(t, ok)
			require.NoError(t, b.write(t, again).Err)
			ev := b[apiserver.KeyOf(first)]
			require.NotNil(t, ev)
			if name == "counted" {
				require.Equal(t, int32(2), ev.Count)
				require.Equal(t, apiserver.Stamp(0), ev.FirstTimestamp)
			} else {
				require.Equal(t, int32(2), ev.Series.Count)
			}

			_, ok = r.retry(again, apiserver.Result{Err: apierrors.NewAlreadyExists(apiserver.Event.GroupResource(), ev.Name)})
			require.False(t, ok)
			_, ok = r.retry(req, apiserver.Result{Err: errors.New("unreachable")})
			require.False(t, ok)
		})
	}
}

// A fork records as the original would, and neither changes the other.
func TestA10RecorderFork(t *testing.T) {
	r := newRecorder("c", "")
	for i := range 9 {
		r.record(0, created(aSet("1"), i), oldest)
	}
	r.record(0, unscheduled("1", "m"), oldest)
	f := state.Copy(nil, r)
	for _, x := range []*recorder{&r, &f} {
		for i := range 20 {
			x.record(at(time.Second), created(aSet("1"), i), oldest)
		}
		req, ok := x.record(at(time.Second), unscheduled("1", "m"), oldest)
		require.True(t, ok)
		require.Equal(t, int32(2), req.Patch.(eventPatch).Series.Count)
	}
	require.Equal(t, r, f)
}

// What a recorder remembers is bounded, and the oldest goes first.
func TestA10RecorderMemoryIsBounded(t *testing.T) {
	var c recent[int]
	put := func(c *recent[int], key engine.Key) {
		value, found := c.entry(key)
		require.False(t, found)
		require.Zero(t, *value)
		*value = int(key)
	}
	for i := range recorderMemory {
		put(&c, engine.Key(i))
	}
	value, found := c.entry(1)
	require.True(t, found)
	require.Equal(t, 1, *value)
	c.entry(0) // now the newest
	for i := range 3 {
		put(&c, engine.Key(recorderMemory+i))
	}
	require.Len(t, c.entries, recorderMemory)
	for key, kept := range map[engine.Key]bool{0: true, 1: true, 2: false, 3: false, 4: false, 5: true, recorderMemory: true} {
		require.Equal(t, kept, c.find(key) != none, "key %d", key)
	}
	f := state.Copy(nil, c)
	put(&f, 99999)
	require.Equal(t, int32(none), c.find(99999))
}

// It remembers what a plain list of keys in the order of their use does.
func TestA10RecorderMemoryIsTheMostRecent(t *testing.T) {
	var c recent[int]
	var keys []engine.Key // the newest last
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 4 * recorderMemory {
		key := engine.KeyOf(strconv.Itoa(random.IntN(recorderMemory * 5 / 4)))
		at := slices.Index(keys, key)
		value, found := c.entry(key)
		require.Equal(t, at >= 0, found, "step %d", i)
		if found {
			require.Equal(t, int(key), *value)
			keys = slices.Delete(keys, at, at+1)
		} else if *value = int(key); len(keys) == recorderMemory {
			keys = keys[1:]
		}
		keys = append(keys, key)
	}
}

// fields returns the JSON fields of an Event, but for creationTimestamp, which
// the server sets.
func fields(t *testing.T, ev *corev1.Event) map[string]any {
	t.Helper()
	data, err := json.Marshal(ev)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(data, &m))
	delete(m["metadata"].(map[string]any), "creationTimestamp")
	return m
}

func BenchmarkRecord(b *testing.B) {
	r := newRecorder("kubelet", "node-1")
	pods := make([]*corev1.Pod, 100)
	for i := range pods {
		pods[i] = aPod(fmt.Sprint("web-", i), "1")
		pods[i].UID = pods[i].UID + "x"
	}
	b.ReportAllocs()
	for i := range b.N {
		r.record(engine.Time(i)*engine.Time(time.Second), Note{About: pods[i%100], Type: "Normal", Reason: "R", Message: "m"}, oldest)
	}
}

// noter is an actor that notes what it is told.
type noter struct{ notes []Note }

func (*noter) Name() string                           { return "statefulset-controller" }
func (*noter) Watches() []apiserver.Kind              { return nil }
func (*noter) Observe(*Env, *apiserver.Record)        {}
func (*noter) Respond(*Env, uint64, apiserver.Result) {}
func (n *noter) Wake(env *Env, arg uint64)            { env.Note(n.notes[arg]) }
func (*noter) Waiting(*Env) []Wait                    { return nil }
func (n *noter) Fork() Actor                          { return n }

// A10: Events pass through the server, in the order in which they were noted,
// and are counted there; with and without latency.
func TestA10EventsReachTheServer(t *testing.T) {
	for _, latency := range []Latency{{}, Realistic()} {
		e := engine.New(engine.Strategy{})
		h := NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), latency, nil)
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
		h.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns})
		a := &noter{notes: []Note{created(aSet("1"), 0), created(aSet("1"), 0), unscheduled("1", "m"), unscheduled("1", "m")}}
		h.Add(a)
		for i := range a.notes {
			e.Schedule(engine.Event{Kind: kindWake, Arg: uint64(i)})
		}
		for h.Step() {
		}
		var got []string
		for _, rec := range h.Drain() {
			if ev, ok := rec.Object.(*corev1.Event); ok {
				got = append(got, fmt.Sprint(rec.Type, " ", ev.Reason, " ", ev.Count, " ", ev.Series != nil, " ", rec.By))
			}
		}
		require.Equal(t, []string{
			"ADDED SuccessfulCreate 1 false statefulset-controller",
			"MODIFIED SuccessfulCreate 2 false statefulset-controller",
			"ADDED FailedScheduling 0 false statefulset-controller",
			"MODIFIED FailedScheduling 0 true statefulset-controller",
		}, got)
		for _, obj := range h.Server().List(apiserver.Event, "") {
			require.NotEmpty(t, obj.GetUID())
		}
	}
}
