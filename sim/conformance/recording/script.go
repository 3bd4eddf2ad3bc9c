package recording

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// component is who records.
const component = "teller"

// step is a note after a pause, or the deletion of an Event by a user.
type step struct {
	pause   time.Duration
	about   int // of objects
	field   string
	typ     string
	reason  string
	message string
	erase   int // with a number: the Event of that number goes, and nothing is noted
}

// script is a history's input.
type script struct {
	node  string // that the component runs on, or empty
	steps []step
}

func (s script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "node %q\n", s.node)
	for i, st := range s.steps {
		if st.erase > 0 {
			fmt.Fprintf(&b, "%3d. after %v: Event %d is deleted\n", i, st.pause, st.erase)
			continue
		}
		fmt.Fprintf(&b, "%3d. after %v: %s %q: %s %s: %s\n", i, st.pause, objects[st.about].GetName(), st.field, st.typ, st.reason, st.message)
	}
	return b.String()
}

// objects are what notes are about. The last one's namespace is not there.
var objects = []*corev1.Pod{object("default", "a", "1"), object("default", "a", "2"), object("default", "b", "3"), object("gone", "c", "4")}

func object(namespace, name, uid string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(uid), ResourceVersion: "7"}}
}

// drawScript draws notes in bursts: what is alike comes in quick succession, with
// pauses around the limits in between.
func drawScript(rt *rapid.T) script {
	var s script
	if rapid.IntRange(0, 2).Draw(rt, "host") == 0 {
		s.node = "node-1"
	}
	for range rapid.IntRange(1, 8).Draw(rt, "bursts") {
		reasons := rapid.IntRange(1, 2).Draw(rt, "reasons")
		messages := rapid.SampledFrom([]int{14, 11, 10, 9, 40, 3, 1}).Draw(rt, "messages")
		about := rapid.SampledFrom([]int{0, 0, 0, 1, 2, 2, 3}).Draw(rt, "about")
		longest := rapid.SampledFrom([]int{20, 30_000, 200_000, 20, 400_000}).Draw(rt, "pace")
		for range rapid.IntRange(1, 40).Draw(rt, "notes") {
			st := step{
				pause:   time.Duration(rapid.IntRange(1, longest).Draw(rt, "ms")) * time.Millisecond,
				about:   about,
				typ:     rapid.SampledFrom([]string{"Normal", "Normal", "Normal", "Warning"}).Draw(rt, "type"),
				reason:  fmt.Sprintf("R%d", rapid.IntRange(1, reasons).Draw(rt, "reason")),
				message: fmt.Sprintf("message %d", rapid.IntRange(1, messages).Draw(rt, "message")),
			}
			switch rapid.IntRange(0, 39).Draw(rt, "odd") {
			case 39:
				st.erase = rapid.IntRange(1, 6).Draw(rt, "erase")
			case 38:
				st.typ = "Odd"
			case 37:
				st.field = "spec.containers{c}"
			case 36:
				st.pause = rapid.SampledFrom([]time.Duration{300 * time.Second, 600 * time.Second, 600*time.Second + time.Millisecond, time.Hour, 3 * time.Hour}).Draw(rt, "pause")
			}
			s.steps = append(s.steps, st)
		}
	}
	return s
}

// ledger writes down what a server was asked to store. Names of Events are
// numbered.
type ledger struct {
	lines   []string
	numbers map[string]int
}

func (l *ledger) enter(i int, recs []*apiserver.Record) {
	if l.numbers == nil {
		l.numbers = map[string]int{}
	}
	for _, rec := range recs {
		ev, ok := rec.Object.(*corev1.Event)
		if !ok {
			continue
		}
		if l.numbers[ev.Name] == 0 {
			l.numbers[ev.Name] = len(l.numbers) + 1
		}
		l.lines = append(l.lines, fmt.Sprintf("%d: %s Event %d in %s by %q at %v: about %+v, from %+v, %q %q, %s %s %q, %d times, %s to %s, %v %q",
			i, rec.Type, l.numbers[ev.Name], ev.Namespace, rec.By, rec.Time.Sub(0), ev.InvolvedObject, ev.Source, ev.ReportingController, ev.ReportingInstance,
			ev.Type, ev.Reason, ev.Message, ev.Count, shown(ev.FirstTimestamp), shown(ev.LastTimestamp), ev.Series, ev.Action))
	}
}

func shown(t metav1.Time) string { return t.UTC().Format(time.RFC3339) }

// erasure returns the user's deletion of an Event, if there is one of the number.
func (l *ledger) erasure(st *step) (apiserver.Request, bool) {
	for name, n := range l.numbers { // at most one
		if n == st.erase {
			return apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Event, Key: apiserver.Key{Namespace: "default", Name: name}}, true
		}
	}
	return apiserver.Request{}, false
}

// before is what the servers hold at the beginning.
func before() apiserver.Request {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	return apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns}
}

func newServer(e *engine.Engine) *apiserver.Server {
	return apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}})
}
