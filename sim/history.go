package sim

import (
	"fmt"
	"iter"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// history is the watch log as the outside sees it: all of it, or its tail.
type history struct {
	limit int                 // as Config.History
	base  int                 // records forgotten before recs
	recs  []*apiserver.Record `state:"log"`
}

func (h *history) add(recs []*apiserver.Record) {
	if h.limit < 0 {
		h.base += len(recs)
		return
	}
	h.recs = append(h.recs, recs...)
	if drop := len(h.recs) - h.limit; h.limit > 0 && drop > 0 {
		h.recs = h.recs[drop:] // what is forgotten goes when there is no more room behind it
		h.base += drop
	}
}

func (h *history) end() int { return h.base + len(h.recs) }

// History returns the records of the watch log that are kept, oldest first. The
// objects are shared and must not be changed; the slice is the caller's.
func (c *Cluster) History() []*apiserver.Record {
	defer c.end(c.look("History"))
	return append([]*apiserver.Record(nil), c.history.recs...)
}

// Version returns the resourceVersion of the newest write.
func (c *Cluster) Version() uint64 {
	defer c.end(c.look("Version"))
	return c.host.Server().Version()
}

// Watch follows the changes of a kind's objects.
type Watch struct {
	cluster   *Cluster
	kind      apiserver.Kind
	namespace string
	next      int
}

// Watch begins to follow a kind (0 means all kinds) in a namespace (empty means
// all) from now on. A Watch costs nothing until it is asked. It panics if there
// is no such kind.
func (c *Cluster) Watch(kind apiserver.Kind, namespace string) *Watch {
	defer c.end(c.look("Watch"))
	if kind != 0 && !kind.Exists() {
		panic(fmt.Sprintf("sim: Watch: kind: the server has no kind %d", uint8(kind)))
	}
	return &Watch{c, kind, namespace, c.history.end()}
}

// Next returns what has happened since the last call, oldest first. If records
// in between are not kept any more (Config.History), the error is a 410 Gone
// and the Watch goes on from now.
func (w *Watch) Next() ([]*apiserver.Record, error) {
	defer w.cluster.end(w.cluster.look("Watch.Next"))
	h := &w.cluster.history
	if w.next < h.base {
		missed := h.base - w.next
		w.next = h.end()
		return nil, apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d records are gone", missed))
	}
	var recs []*apiserver.Record
	for _, rec := range h.recs[w.next-h.base:] {
		switch {
		case w.namespace != "" && rec.Key.Namespace != w.namespace:
		case w.kind == 0:
			recs = append(recs, rec)
		case rec.Kind == w.kind.Stored():
			recs = append(recs, rec.As(w.kind))
		}
	}
	w.next = h.end()
	return recs, nil
}

// PodEvents returns the pod lifecycle events of the history that is kept, in
// order. Whoever ranges over them may drive the cluster meanwhile: they are
// those up to the moment when the loop began.
func (c *Cluster) PodEvents() iter.Seq[PodEvent] {
	return func(yield func(PodEvent) bool) {
		var l Lifecycle
		for _, rec := range c.History() {
			if ev, ok := l.Next(rec); ok && !yield(ev) {
				return
			}
		}
	}
}
