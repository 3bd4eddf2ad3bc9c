package apiserver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"pgregory.net/rapid"
)

// A10: an Event at rest is the Event that was written, whatever of it is set.
func TestA10PackedEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := func(name string) string { return rapid.SampledFrom([]string{"", "x", "web-0"}).Draw(rt, name) }
		stamp := func(name string) (s metav1.Time) {
			if rapid.Bool().Draw(rt, name) {
				s = Stamp(1_500_000_000)
			}
			return s
		}
		ev := &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: "web-0.1", Namespace: "default", UID: "u", ResourceVersion: "7", CreationTimestamp: stamp("stored")},
			InvolvedObject: corev1.ObjectReference{Kind: text("kind"), Namespace: text("namespace"), Name: text("name"), UID: "p",
				APIVersion: text("apiVersion"), ResourceVersion: text("version"), FieldPath: text("path")},
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
		require.Equal(rt, rec, pack(rec).record(5))
	})
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
		"nanoseconds":  func(e *corev1.Event) { e.EventTime = metav1.NewMicroTime(WallTime(1)) },
	} {
		ev := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "b"}}
		rec := &Record{Kind: Event, Key: KeyOf(ev), Object: ev}
		require.NotNil(t, pack(rec))
		change(ev)
		assert.Nil(t, pack(rec), what)
	}
	assert.Nil(t, pack(&Record{Kind: Pod, Object: &corev1.Pod{}}))
}
