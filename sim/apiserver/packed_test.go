package apiserver

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// A10: an Event at rest is the Event that was written, whatever of it is set.
func TestA10PackedEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := func(name string) string { return rapid.SampledFrom([]string{"", "x", "web-0"}).Draw(rt, name) }
		stamp := func(name string) (s metav1.Time) {
			if rapid.Bool().Draw(rt, name) {
				s = Stamp(engine.Time(rapid.Int64Range(0, 1<<60).Draw(rt, name+" at")))
			}
			return s
		}
		uid := func(name string) types.UID {
			return rapid.SampledFrom([]types.UID{"", "u", uuid(1<<63, 5), "0f0f0f0f-0f0f-0f0f-0f0f-0F0f0f0f0f0f", "0f0f0f0f+0f0f-0f0f-0f0f-0f0f0f0f0f0f"}).Draw(rt, name)
		}
		ev := &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: rapid.SampledFrom(eventNames).Draw(rt, "event"), Namespace: "default", UID: uid("uid"), ResourceVersion: "7", CreationTimestamp: stamp("stored")},
			InvolvedObject: corev1.ObjectReference{Kind: text("kind"), Namespace: text("namespace"), Name: text("name"), UID: uid("of"),
				APIVersion: text("apiVersion"), ResourceVersion: rapid.SampledFrom([]string{"", "0", "12", "012", "-1", "x"}).Draw(rt, "version"), FieldPath: text("path")},
			Reason: text("reason"), Message: text("message"), Type: text("type"),
			Source:         corev1.EventSource{Component: text("component"), Host: text("host")},
			FirstTimestamp: stamp("first"), LastTimestamp: stamp("last"), Count: rapid.Int32().Draw(rt, "count"),
			Action: text("action"), ReportingController: text("controller"), ReportingInstance: text("instance"),
		}
		if rapid.Bool().Draw(rt, "series") {
			ev.EventTime = metav1.NewMicroTime(WallTime(1_234_567_000))
			ev.Series = &corev1.EventSeries{Count: 2, LastObservedTime: ev.EventTime}
		}
		rec := &Record{Version: 7, Type: watch.Added, Kind: Event, Key: KeyOf(ev), Object: ev, Time: 3, By: text("by"), place: 5}
		if rapid.Bool().Draw(rt, "changed") {
			rec.Type = watch.Modified
		}
		var texts texts
		p := pack(rec, &texts)
		require.Equal(rt, rec, p.record(5, &texts))
		require.Equal(rt, rec.Time, p.written(&texts))
		for _, name := range eventNames {
			require.Equal(rt, name == ev.Name, p.isOf(Key{"default", name}, &texts), name)
			require.False(rt, p.isOf(Key{"other", name}, &texts))
		}
	})
}

// Names with and without a time at their end, alike as they can be.
var eventNames = []string{
	"web-0.1", "web-0", "web-0.", "web-0.0", "web-0.01", "web-0.1A", "web-0.1a", "web-0.-1", "web-0.18eac1708f4e978c", "web-0.18eac1708f4e978c0", "web.0.1", ".1", "1",
}

// What is packed for a fork says the same as what was packed before it, whatever
// else the two pack.
func TestTextsOfForks(t *testing.T) {
	var a texts
	first := a.number("first")
	b := state.Copy(nil, a)
	for i := range 100 {
		of, in := a.number("a"+strconv.Itoa(i)), b.number("b"+strconv.Itoa(i))
		require.Equal(t, "a"+strconv.Itoa(i), a.known.Read().list[of-1])
		require.Equal(t, "b"+strconv.Itoa(i), b.known.Read().list[in-1])
	}
	require.Equal(t, first, a.number("first"))
	require.Equal(t, first, b.number("first"))
	a.known.Write().list = make([]string, textsLimit)
	require.Zero(t, a.number("one more"))
}

// A user's Event may have what no component writes: it is kept as it is.
func TestOddEventsAreNotPacked(t *testing.T) {
	for what, change := range map[string]func(*corev1.Event){
		"labels":       func(e *corev1.Event) { e.Labels = map[string]string{"a": "b"} },
		"annotations":  func(e *corev1.Event) { e.Annotations = map[string]string{"a": "b"} },
		"generateName": func(e *corev1.Event) { e.GenerateName = "web-" },
		"finalizers":   func(e *corev1.Event) { e.Finalizers = []string{"a/b"} },
		"owner":        func(e *corev1.Event) { e.OwnerReferences = []metav1.OwnerReference{{}} },
		"fields":       func(e *corev1.Event) { e.ManagedFields = []metav1.ManagedFieldsEntry{{}} },
		"deletion":     func(e *corev1.Event) { e.DeletionTimestamp = &metav1.Time{} },
		"generation":   func(e *corev1.Event) { e.Generation = 1 },
		"related":      func(e *corev1.Event) { e.Related = &corev1.ObjectReference{} },
		"half seconds": func(e *corev1.Event) { e.FirstTimestamp = metav1.NewTime(WallTime(500_000_000)) },
		"another zone": func(e *corev1.Event) { e.LastTimestamp.Time = WallTime(0).In(time.FixedZone("x", 3600)) },
		"nanoseconds in a series": func(e *corev1.Event) {
			e.Series = &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(WallTime(1))}
		},
		"nanoseconds": func(e *corev1.Event) { e.EventTime = metav1.NewMicroTime(WallTime(1)) },
	} {
		ev := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "b"}}
		rec := &Record{Kind: Event, Key: KeyOf(ev), Object: ev}
		require.NotEmpty(t, pack(rec, &texts{}))
		change(ev)
		assert.Empty(t, pack(rec, &texts{}), what)
	}
	assert.Empty(t, pack(&Record{Kind: Pod, Object: &corev1.Pod{}}, &texts{}))
}
