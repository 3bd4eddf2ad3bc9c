package shell

import (
	"slices"
	"strings"

	"github.com/mattn/go-shellwords"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

// Terminal is a second terminal in which `kubectl get … -w` runs.
type Terminal struct {
	text strings.Builder
	stop func()
}

// Watch starts a `kubectl get KIND … -w` that follows the cluster from now on,
// until Close. A line that is no such command is told by the Output, whose Code
// is then not 0.
func (s *Shell) Watch(line string) (*Terminal, Output) {
	args, err := shellwords.Parse(line)
	if err != nil || len(args) < 2 || args[0] != "kubectl" || args[1] != "get" {
		return nil, failure("sh: no watch: %q", line)
	}
	q, out := parseGet(args[2:])
	switch {
	case out.Code != 0:
		return nil, out
	case !q.watch:
		return nil, failure("sh: no watch: %q", line)
	case len(q.groups) != 1:
		return nil, failure("error: you may only specify a single resource type")
	}
	groups, out := s.find(q)
	if out.Code != 0 {
		return nil, out
	}
	selector, err := labels.Parse(q.selector)
	if err != nil {
		return nil, failed(err)
	}
	t := &Terminal{}
	kind, names := q.groups[0].kind, q.groups[0].names
	w := table.NewWatcher(kind, q.options)
	t.text.WriteString(w.List(groups[0].Objects, s.cluster.Now()))
	t.stop = s.cluster.OnRecord(func(rec *apiserver.Record) {
		if rec.Kind == kind && (q.namespace == "" || !kind.Namespaced() || rec.Key.Namespace == q.namespace) &&
			(len(names) == 0 || slices.Contains(names, rec.Key.Name)) && selector.Matches(labels.Set(rec.Object.GetLabels())) {
			t.text.WriteString(w.Event(rec.Type, rec.Object, s.cluster.Now()))
		}
	})
	return t, Output{}
}

// Read returns what was printed since the last Read.
func (t *Terminal) Read() string {
	text := t.text.String()
	t.text.Reset()
	return text
}

// Close ends the watch.
func (t *Terminal) Close() { t.stop() }
