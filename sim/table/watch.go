package table

import (
	"time"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Watcher prints what kubectl get -w prints: a list, then one row for every
// event (K8). Columns only ever grow wider: each print is fitted to its own
// rows and to all rows before it, so a long word in a later row shifts the
// rows after it, never those before. A Watcher is plain data; a copy goes its
// own way.
type Watcher struct{ p printer }

// NewWatcher returns a Watcher of a kind that has printed nothing.
func NewWatcher(kind apiserver.Kind, opt Options) Watcher {
	return Watcher{newPrinter(kind, opt)}
}

// List returns the lines of the objects that are there when the watch begins:
// the heading and a row for each, or nothing if there are none; the heading
// then comes with the first event. It is called once, first.
func (w *Watcher) List(objs []apiserver.Object, now time.Time) string {
	return w.p.print(New(w.p.kind, objs, now).Rows, string(watch.Added))
}

// Event returns the line of one watch event, whether or not any cell changed.
// Of a Deleted event obj is the last state.
func (w *Watcher) Event(t watch.EventType, obj apiserver.Object, now time.Time) string {
	return w.p.print([]Row{{Cells: cells(obj, now), Object: obj}}, string(t))
}
