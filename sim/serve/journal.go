package serve

import (
	"fmt"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// journal keeps the newest records of every kind for watches, which read at
// their own pace: a watch is a place in it, and costs the same whether its client
// reads or not.
type journal struct {
	window int

	mu    sync.Mutex
	since uint64 // the version at the beginning: what was before is unknown
	kinds map[apiserver.Kind]*chapter
	news  []*chapter // that have records which nobody was told of

	watches atomic.Int64 // that there are
	late    atomic.Int64 // watches that may have records to send
}

// chapter is the newest records of a kind.
type chapter struct {
	recs  []*apiserver.Record
	base  uint64 // how many were forgotten
	floor uint64 // the newest version of those
	told  chan struct{}
	fresh bool
	idle  int64 // watches that wait to be told
}

func newJournal(version uint64, window int) *journal {
	return &journal{window: window, since: version, kinds: map[apiserver.Kind]*chapter{}}
}

// chapter returns a kind's, or that of the kind as which its objects are kept; the
// journal is locked.
func (j *journal) chapter(kind apiserver.Kind) *chapter {
	kind = kind.Stored()
	ch := j.kinds[kind]
	if ch == nil {
		ch = &chapter{floor: j.since, told: make(chan struct{})}
		j.kinds[kind] = ch
	}
	return ch
}

// add takes a record of the cluster's watch log.
func (j *journal) add(rec *apiserver.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	ch := j.chapter(rec.Kind)
	ch.recs = append(ch.recs, rec)
	if len(ch.recs) >= 2*j.window { // half of them go at a time
		n := len(ch.recs) - j.window
		ch.floor = ch.recs[n-1].Version
		ch.base += uint64(n)
		ch.recs = append(make([]*apiserver.Record, 0, 2*j.window), ch.recs[n:]...)
	}
	if !ch.fresh {
		ch.fresh = true
		j.news = append(j.news, ch)
	}
}

// publish tells the watches what was added.
func (j *journal) publish() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, ch := range j.news {
		j.late.Add(ch.idle)
		ch.idle = 0
		close(ch.told)
		ch.told, ch.fresh = make(chan struct{}), false
	}
	j.news = j.news[:0]
}

// watched returns how many watches there are.
func (j *journal) watched() int64 { return j.watches.Load() }

// behind reports whether a watch has yet to send something.
func (j *journal) behind() bool { return j.late.Load() > 0 }

// cursor is a watch's place in a chapter.
type cursor struct {
	journal *journal
	kind    apiserver.Kind
	def     *apiserver.Defined // of CustomResources: those of others are passed over
	next    uint64
	waits   <-chan struct{} // the chapter's, when the watch has sent everything
}

// from returns the place after a version, or 410 Gone. It is to be closed.
func (j *journal) from(t *target, version uint64) (*cursor, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	ch := j.chapter(t.kind)
	if version < ch.floor {
		return nil, apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d (%d)", version, ch.floor))
	}
	n := len(ch.recs)
	for n > 0 && ch.recs[n-1].Version > version {
		n--
	}
	j.watches.Add(1)
	j.late.Add(1)
	return &cursor{journal: j, kind: t.kind, def: t.def, next: ch.base + uint64(n)}, nil
}

// read returns what has happened since, and if that is nothing, a channel that
// is closed when something has. A place that is not kept any more is 410 Gone.
func (c *cursor) read() ([]*apiserver.Record, <-chan struct{}, error) {
	j := c.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	ch := j.chapter(c.kind)
	if c.next < ch.base {
		return nil, nil, apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: the watch is %d records behind, of which %d are kept",
			ch.base+uint64(len(ch.recs))-c.next, len(ch.recs)))
	}
	recs := ch.recs[c.next-ch.base:]
	c.next += uint64(len(recs))
	recs = c.served(recs)
	c.rest(ch, len(recs) == 0)
	return recs, ch.told, nil
}

// served returns records in the version that is watched.
func (c *cursor) served(recs []*apiserver.Record) []*apiserver.Record {
	if c.def != nil {
		var list []*apiserver.Record
		for _, rec := range recs {
			if c.def.Is(rec.Key) {
				list = append(list, rec)
			}
		}
		return list
	}
	if c.kind.Stored() == c.kind {
		return recs[:len(recs):len(recs)]
	}
	list := make([]*apiserver.Record, len(recs))
	for i, rec := range recs {
		list[i] = rec.As(c.kind)
	}
	return list
}

// rest says whether the watch waits to be told.
func (c *cursor) rest(ch *chapter, waits bool) {
	did := c.waits == ch.told // and was not told since
	switch {
	case waits && !did:
		ch.idle++
		c.journal.late.Add(-1)
		c.waits = ch.told
	case !waits && did:
		ch.idle--
		c.journal.late.Add(1)
		c.waits = nil
	}
}

// close ends the watch.
func (c *cursor) close() {
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	c.rest(c.journal.chapter(c.kind), false)
	c.journal.late.Add(-1)
	c.journal.watches.Add(-1)
}

// rewind turns the objects of a kind as they are into those as of a version. It
// returns false if that is not known any more.
func (j *journal) rewind(kind apiserver.Kind, now map[apiserver.Key]apiserver.Object, version uint64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	ch := j.chapter(kind)
	if version < ch.floor {
		return false
	}
	for n := len(ch.recs) - 1; n >= 0 && ch.recs[n].Version > version; n-- {
		switch rec := ch.recs[n]; rec.Type {
		case watch.Added:
			delete(now, rec.Key)
		default:
			now[rec.Key] = rec.As(kind).Old
		}
	}
	return true
}
