package trace

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// The processes of a Perfetto file.
const (
	podsProcess = 1
	setsProcess = 2
)

// traceEvent is an entry of Chrome's trace event format.
type traceEvent struct {
	Name     string         `json:"name"`
	Phase    string         `json:"ph"`
	Time     json.Number    `json:"ts,omitempty"`
	Duration json.Number    `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	Scope    string         `json:"s,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// WritePerfetto writes a history in Chrome's trace event format, which
// ui.perfetto.dev and chrome://tracing open: a track for each pod with its
// statuses as slices and its Events as instants, and the counters of each set.
func WritePerfetto(w io.Writer, recs []*apiserver.Record) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")
	sep := "\n"
	put := func(ev traceEvent) error {
		data, err := json.Marshal(ev)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s%s", sep, data)
			sep = ",\n"
		}
		return err
	}
	lanes := lanesOf(recs, endOf(recs))
	threads := map[apiserver.Key]int{}
	for i := range lanes {
		threads[lanes[i].key] = i + 1
	}
	for _, events := range [][]traceEvent{trackNames(lanes), slicesOf(lanes), instantsOf(recs, threads), countersOf(recs)} {
		for _, ev := range events {
			if err := put(ev); err != nil {
				return err
			}
		}
	}
	fmt.Fprint(out, "\n]}\n")
	return out.Flush() // reports the first error of all
}

func trackNames(lanes []lane) []traceEvent {
	named := func(what string, pid, tid int, key string, v any) traceEvent {
		return traceEvent{Name: what, Phase: "M", Process: pid, Thread: tid, Args: map[string]any{key: v}}
	}
	list := []traceEvent{
		named("process_name", podsProcess, 0, "name", "pods"),
		named("process_name", setsProcess, 0, "name", "StatefulSets"),
	}
	for i, l := range lanes {
		list = append(list, named("thread_name", podsProcess, i+1, "name", l.key.String()),
			named("thread_sort_index", podsProcess, i+1, "sort_index", i+1))
	}
	return list
}

func slicesOf(lanes []lane) []traceEvent {
	var list []traceEvent
	for i, l := range lanes {
		for _, s := range l.spans {
			args := map[string]any{"uid": string(s.uid)}
			if s.node != "" {
				args["node"] = s.node
			}
			if s.revision != "" {
				args["revision"] = s.revision
			}
			list = append(list, traceEvent{
				Name: s.state.text, Phase: "X", Time: micros(s.from), Duration: micros(s.to - s.from),
				Process: podsProcess, Thread: i + 1, Args: args,
			})
		}
	}
	return list
}

// instantsOf returns the Events about pods, on their tracks, and what was done
// to sets.
func instantsOf(recs []*apiserver.Record, threads map[apiserver.Key]int) []traceEvent {
	var list []traceEvent
	for _, rec := range recs {
		ev, ok := rec.Object.(*corev1.Event)
		if !ok || rec.Type == watch.Deleted || ev.InvolvedObject.Kind != "Pod" {
			continue
		}
		tid := threads[apiserver.Key{Namespace: ev.InvolvedObject.Namespace, Name: ev.InvolvedObject.Name}]
		if tid == 0 {
			continue
		}
		list = append(list, traceEvent{
			Name: ev.Reason, Phase: "i", Time: micros(rec.Time), Process: podsProcess, Thread: tid, Scope: "t",
			Args: map[string]any{"message": ev.Message, "by": rec.By},
		})
	}
	for _, m := range marksOf(recs) {
		list = append(list, traceEvent{Name: m.text, Phase: "i", Time: micros(m.at), Process: setsProcess, Scope: "p"})
	}
	return list
}

// countersOf returns the replica counters of each set, when they change.
func countersOf(recs []*apiserver.Record) []traceEvent {
	var list []traceEvent
	for _, rec := range recs {
		set, ok := rec.Object.(*appsv1.StatefulSet)
		if !ok {
			continue
		}
		now := counters(set)
		if rec.Type == watch.Deleted {
			now = counters(&appsv1.StatefulSet{})
		} else if old, ok := rec.Old.(*appsv1.StatefulSet); ok && counters(old) == now {
			continue
		}
		list = append(list, traceEvent{
			Name: rec.Key.String(), Phase: "C", Time: micros(rec.Time), Process: setsProcess,
			Args: map[string]any{"replicas": now[0], "ready": now[1], "updated": now[2]},
		})
	}
	return list
}

func counters(set *appsv1.StatefulSet) [3]int32 {
	return [3]int32{set.Status.Replicas, set.Status.ReadyReplicas, set.Status.UpdatedReplicas}
}

// micros shows a time in microseconds, to the nanosecond.
func micros(t engine.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%03d", int64(t)/1000, int64(t)%1000))
}
