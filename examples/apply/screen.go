package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// screen shows a person what happens, or writes it down for a program. In the
// latter case all prose goes to stderr.
type screen struct {
	cluster   *sim.Cluster
	output    string
	scope     string        // of kubectl get: "", " -n NAME" or " -A"
	namespace string        // of the objects; empty means several
	start     time.Time     // of the first apply
	began     time.Time     // of the latest
	limit     time.Duration // of each
	provision bool
	changed   time.Time // when anything but an Event has changed last
	prose     io.Writer
	history   *trace.Writer

	rows     io.Writer // where rows go: held back while the answers of apply are awaited
	watchers map[apiserver.Kind]*watcher
	err      error // the first of writing
}

// watcher is a kubectl get -w of a kind.
type watcher struct {
	title string
	table.Watcher
}

func newScreen(c *sim.Cluster, opt options, namespaces []string, out *bufio.Writer, stderr io.Writer) *screen {
	s := &screen{cluster: c, output: opt.output, start: c.Now(), limit: opt.limit, provision: opt.provision, prose: out}
	if opt.output == "json" {
		s.prose, s.history = stderr, trace.NewWriter(out)
	}
	switch {
	case len(namespaces) > 1:
		s.scope = " -A"
	case len(namespaces) == 0:
		s.namespace = sim.DefaultNamespace
	default:
		s.namespace = namespaces[0]
		if s.namespace != sim.DefaultNamespace {
			s.scope = " -n " + s.namespace
		}
	}
	return s
}

// follow begins to show what changes, until stop is called. What changes before
// applied is shown after it.
func (s *screen) follow() (stop func()) {
	s.began = s.cluster.Now()
	s.changed = s.began
	s.rows = &bytes.Buffer{}
	opt := table.Options{AllNamespaces: s.namespace == ""}
	s.watchers = map[apiserver.Kind]*watcher{
		apiserver.Pod:                   {"pod", table.NewWatcher(apiserver.Pod, opt)},
		apiserver.PersistentVolumeClaim: {"pvc", table.NewWatcher(apiserver.PersistentVolumeClaim, opt)},
	}
	return s.cluster.OnRecord(func(rec *apiserver.Record) {
		if rec.Kind != apiserver.Event {
			s.changed = apiserver.WallTime(rec.Time)
		}
		switch s.output {
		case "rows":
			s.row(rec)
		case "json":
			s.fail(s.history.Write(rec))
		}
	})
}

// applied shows what kubectl apply answers.
func (s *screen) applied(names []string, applied []sim.Applied) {
	if s.began != s.start {
		s.print("\n")
	}
	s.command("apply -f " + strings.Join(names, " -f "))
	for _, a := range applied {
		for _, w := range a.Warnings {
			s.print("Warning: %s\n", w)
		}
		if a.Kind == 0 {
			s.print("%s.%s/%s %s\n", strings.ToLower(a.Custom.Kind), a.Custom.Group, a.Key.Name, a.Action)
			continue
		}
		s.print("%s\n", table.Line(a.Kind, a.Key.Name, table.Operation(a.Action)))
	}
	s.print("\n")
	if held, ok := s.rows.(*bytes.Buffer); ok {
		s.print("%s", held)
		s.rows = s.prose
	}
}

// row shows a pod or a claim as kubectl get -w does, with the virtual time and
// the kind in front: two watches share the screen.
func (s *screen) row(rec *apiserver.Record) {
	w := s.watchers[rec.Kind]
	if w == nil {
		return
	}
	lines := strings.SplitAfter(w.Event(rec.Type, rec.Object, s.cluster.Now()), "\n")
	for i, line := range lines[:len(lines)-1] { // what follows the last break is empty
		stamp := "TIME"
		if i == len(lines)-2 { // the row itself; before it may be the heading
			stamp = seconds(apiserver.WallTime(rec.Time).Sub(s.start))
		}
		_, err := fmt.Fprintf(s.rows, "%10s  %s  %s", stamp, w.title, line)
		s.fail(err)
	}
}

// tables shows the cluster as it has been since its last change: Deployments,
// DaemonSets, CronJobs, Jobs and autoscalers only if there are any.
func (s *screen) tables() {
	if s.output == "json" {
		return
	}
	for _, t := range []struct {
		name   string
		kind   apiserver.Kind
		wide   bool
		always bool // even if there are none
	}{
		{"deploy", apiserver.Deployment, false, false}, {"ds", apiserver.DaemonSet, false, false}, {"cj", apiserver.CronJob, false, false},
		{"jobs", apiserver.Job, false, false}, {"hpa", apiserver.HorizontalPodAutoscaler, false, false},
		{"sts", apiserver.StatefulSet, false, true}, {"pods", apiserver.Pod, true, true}, {"pvc", apiserver.PersistentVolumeClaim, false, true},
		{"pv", apiserver.PersistentVolume, false, true}, {"svc", apiserver.Service, false, true},
	} {
		line, namespace, opt := "get "+t.name, "", table.Options{Wide: t.wide, Namespace: s.namespace}
		if t.wide {
			line += " -o wide"
		}
		if t.kind.Namespaced() {
			line += s.scope
			namespace, opt.AllNamespaces = s.namespace, s.namespace == ""
		}
		objs, err := s.cluster.List(t.kind, namespace, "")
		s.fail(err)
		if !t.always && len(objs) == 0 {
			continue
		}
		rows, none := table.Get([]table.Group{{Kind: t.kind, Objects: objs}}, s.changed, opt)
		s.print("\n")
		s.command(line)
		s.print("%s%s", rows, none)
	}
}

func (s *screen) command(line string) { s.print("$ kubectl %s\n", line) }

func (s *screen) print(format string, args ...any) {
	_, err := fmt.Fprintf(s.prose, format, args...)
	s.fail(err)
}

func (s *screen) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// failure returns the first error of writing.
func (s *screen) failure() error { return s.err }

// seconds shows a span to the millisecond, "12.345s".
func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }
