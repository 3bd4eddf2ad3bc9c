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
	podsProcess      = 1
	setsProcess      = 2
	doneProcess      = 3 // what was done, and what went wrong
	decisionsProcess = 4
	othersProcess    = 5 // and on: the other kinds
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
	ID       int            `json:"id,omitempty"` // of a flow
	Category string         `json:"cat,omitempty"`
	Bind     string         `json:"bp,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// WritePerfetto writes a history in Chrome's trace event format, which
// ui.perfetto.dev and chrome://tracing open: a track for each pod, set, claim,
// volume and node with its statuses as slices, Events as instants on the tracks of
// pods, what controllers decided and what was done as instants, the counters of
// each set, and, if Timeline.CauseOf is given, flows from what released something
// to what it released. Of the Timeline, Width and Why are not used, and MaxLanes,
// From and To only for what is not a pod.
func WritePerfetto(w io.Writer, recs []*apiserver.Record, t Timeline) error {
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
	tracks := map[object]track{}
	for i := range lanes {
		threads[lanes[i].key] = i + 1
		tracks[object{apiserver.Pod, lanes[i].key}] = track{podsProcess, i + 1}
	}
	c := newChart(recs, t)
	for _, events := range [][]traceEvent{trackNames(lanes), slicesOf(lanes), instantsOf(recs, threads), countersOf(recs), c.otherTracks(tracks), c.doneEvents(), c.flows(tracks)} {
		for _, ev := range events {
			if err := put(ev); err != nil {
				return err
			}
		}
	}
	fmt.Fprint(out, "\n]}\n")
	return out.Flush() // reports the first error of all
}

// track is where an object's slices are.
type track struct{ process, thread int }

// named is a name of a process or a thread.
func named(what string, pid, tid int, key string, v any) traceEvent {
	return traceEvent{Name: what, Phase: "M", Process: pid, Thread: tid, Args: map[string]any{key: v}}
}

// otherTracks returns the tracks of what is not a pod.
func (c *chart) otherTracks(tracks map[object]track) []traceEvent {
	var list []traceEvent
	for gi, g := range c.groups {
		if len(g.lanes) == 0 || g.lanes[0].kind == apiserver.Pod {
			continue
		}
		pid := othersProcess + gi
		list = append(list, named("process_name", pid, 0, "name", g.name))
		for i := range g.lanes {
			l := &g.lanes[i]
			tracks[object{l.kind, l.key}] = track{pid, i + 1}
			list = append(list, named("thread_name", pid, i+1, "name", l.key.String()), named("thread_sort_index", pid, i+1, "sort_index", i+1))
			for _, s := range l.spans {
				list = append(list, traceEvent{Name: s.state.text, Phase: "X", Time: micros(s.from), Duration: micros(min(s.to, c.To) - s.from), Process: pid, Thread: i + 1})
			}
		}
	}
	return list
}

// doneEvents returns what was done and what controllers decided.
func (c *chart) doneEvents() []traceEvent {
	var list []traceEvent
	if len(c.crews) > 0 {
		list = append(list, named("process_name", decisionsProcess, 0, "name", "decisions"))
	}
	for i, crew := range c.crews {
		list = append(list, named("thread_name", decisionsProcess, i+1, "name", crew.name))
		for _, d := range crew.decisions {
			list = append(list, traceEvent{Name: d.text, Phase: "i", Time: micros(d.at), Process: decisionsProcess, Thread: i + 1, Scope: "t"})
		}
	}
	if c.Marks == nil {
		return list // those of sets are on their tracks
	}
	list = append(list, named("process_name", doneProcess, 0, "name", "what was done"))
	for _, m := range c.marks {
		list = append(list, traceEvent{Name: m.Text, Phase: "i", Time: micros(m.At), Process: doneProcess, Scope: "g"})
	}
	return list
}

// flows returns the causes: a pair of events for each, within the slices that begin
// at their times.
func (c *chart) flows(tracks map[object]track) []traceEvent {
	var list []traceEvent
	for i, a := range c.arrows {
		from, ok := tracks[object{a.fromKind, a.from}]
		to, found := tracks[object{a.toKind, a.to}]
		if !ok || !found {
			continue
		}
		args := map[string]any{"what": a.text}
		list = append(list,
			traceEvent{Name: "released", Category: "cause", Phase: "s", ID: i + 1, Time: micros(a.begin), Process: from.process, Thread: from.thread, Args: args},
			traceEvent{Name: "released", Category: "cause", Phase: "f", Bind: "e", ID: i + 1, Time: micros(a.end), Process: to.process, Thread: to.thread})
	}
	return list
}

func trackNames(lanes []lane) []traceEvent {
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
