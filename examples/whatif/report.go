package main

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// report shows a person what happens.
type report struct {
	cluster  *sim.Cluster
	out      *bufio.Writer
	began    time.Time // when the snapshot was taken
	last     time.Time // when anything but an Event has changed last
	watchers map[apiserver.Kind]*table.Watcher
	rows     []string // that are not shown yet
	err      error    // the first of writing
}

func (r *report) say(format string, args ...any) {
	if _, err := fmt.Fprintf(r.out, format, args...); r.err == nil {
		r.err = err
	}
}

// beginning says from what it goes on, and what cannot.
func (r *report) beginning(snapshot sim.Snapshot, unknown map[string]int, lost []sim.Discontinued) {
	r.say("%d objects, as of %s.\n", len(snapshot.Objects), r.began.UTC().Format(time.RFC3339))
	for _, kind := range slices.Sorted(maps.Keys(unknown)) {
		r.say("Left out: %d of kind %s, which the simulated server does not have.\n", unknown[kind], kind)
	}
	for _, d := range lost {
		r.say("Not continued: %s.\n", d)
	}
	for _, line := range r.cluster.Unmodelled().Lines() {
		r.say("Not modelled: %s.\n", line)
	}
}

// follow takes down every change of a pod or claim, until stop is called.
func (r *report) follow() (stop func()) {
	r.watchers = map[apiserver.Kind]*table.Watcher{}
	for _, kind := range []apiserver.Kind{apiserver.Pod, apiserver.PersistentVolumeClaim} {
		w := table.NewWatcher(kind, table.Options{AllNamespaces: true})
		r.watchers[kind] = &w
	}
	return r.cluster.OnRecord(func(rec *apiserver.Record) {
		at := apiserver.WallTime(rec.Time)
		if rec.Kind != apiserver.Event {
			r.last = at
		}
		w := r.watchers[rec.Kind]
		if w == nil {
			return
		}
		lines := strings.SplitAfter(w.Event(rec.Type, rec.Object, r.cluster.Now()), "\n")
		for i, line := range lines[:len(lines)-1] { // what follows the last break is empty
			stamp := "TIME"
			if i == len(lines)-2 { // the row itself; before it may be the heading
				stamp = fmt.Sprintf("%.3fs", at.Sub(r.began).Seconds())
			}
			r.rows = append(r.rows, fmt.Sprintf("%10s  %s", stamp, line))
		}
	})
}

// flush shows the rows so far.
func (r *report) flush() {
	for _, row := range r.rows {
		r.say("%s", row)
	}
	r.rows = nil
}

// shown are the kinds whose tables are compared.
var shown = []apiserver.Kind{apiserver.StatefulSet, apiserver.Pod, apiserver.PersistentVolumeClaim, apiserver.PersistentVolume,
	apiserver.Service, apiserver.PodDisruptionBudget, apiserver.Node}

// tables returns the objects that are there now, by kind.
func (r *report) tables() map[apiserver.Kind][]sim.Object {
	all := map[apiserver.Kind][]sim.Object{}
	for _, kind := range shown {
		objects, err := r.cluster.List(kind, "", "")
		if r.err == nil {
			r.err = err
		}
		all[kind] = objects
	}
	return all
}

// diff shows the tables in which anything is another than before: what was (-), what
// is (+), and what has stayed. Ages are those of the end.
func (r *report) diff(before map[apiserver.Kind][]sim.Object) {
	after := r.tables()
	same := true
	for _, kind := range shown {
		was, is := r.table(kind, before[kind]), r.table(kind, after[kind])
		if slices.Equal(was, is) {
			continue
		}
		same = false
		r.say("\n%s\n", kind.Resource())
		words := 1 // that name an object
		if kind.Namespaced() {
			words = 2
		}
		for _, line := range merged(was, is, words) {
			r.say("%s\n", line)
		}
	}
	if same {
		r.say("\nNo table shows a difference.\n")
	}
}

// table returns the lines of a kind's table at the end of the run.
func (r *report) table(kind apiserver.Kind, objects []sim.Object) []string {
	text, _ := table.Get([]table.Group{{Kind: kind, Objects: objects}}, r.last, table.Options{AllNamespaces: true, Wide: kind == apiserver.Pod})
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// merged puts two tables of one kind into one, by the words with which a line begins
// that name an object.
func merged(was, is []string, words int) []string {
	named := func(line string) string {
		fields := strings.Fields(line)
		return strings.Join(fields[:min(words, len(fields))], " ")
	}
	now := map[string]string{}
	for _, line := range is {
		now[named(line)] = line
	}
	var lines []string
	then := map[string]bool{}
	for _, line := range was {
		name := named(line)
		then[name] = true
		switch next, ok := now[name]; {
		case !ok:
			lines = append(lines, "- "+line)
		case strings.Join(strings.Fields(next), " ") == strings.Join(strings.Fields(line), " "):
			lines = append(lines, "  "+next)
		default:
			lines = append(lines, "- "+line, "+ "+next)
		}
	}
	for _, line := range is {
		if !then[named(line)] {
			lines = append(lines, "+ "+line)
		}
	}
	return lines
}

// verdict says how it ends, and why what waits does. It reports whether nothing does.
func (r *report) verdict(settled sim.Settled, err error) bool {
	took := r.last.Sub(r.began).Seconds()
	waiting := settled.Waiting
	switch {
	case err != nil:
		waiting = r.cluster.Waiting()
		r.say("\nIt does not come to rest: %v\n", err)
	case len(waiting) == 0:
		r.say("\nSettled after %.3fs of virtual time: nothing waits.\n", took)
		return true
	case settled.Outcome == sim.Retrying:
		r.say("\nNothing new happens after %.3fs of virtual time, however often it is tried. What waits:\n", took)
	default:
		r.say("\nNothing happens any more after %.3fs of virtual time. What waits:\n", took)
	}
	var told strings.Builder
	for _, w := range waiting {
		reason := r.cluster.Why(w.Kind, w.Key.Namespace, w.Key.Name)
		text := fmt.Sprintf("%s %s: %s", w.Kind, w.Key, w.Reason)
		if !reason.IsZero() {
			text = strings.Join(reason.Lines(), "\n")
		}
		if !strings.Contains(told.String(), text) { // a cause has been told with what it causes
			told.WriteString(text + "\n")
			r.say("  %s\n", strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	return false
}
