package apiserver

import (
	"slices"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// store holds the objects of one kind: the newest state of each, the older
// states that a slow watch can still see, and the log of what happened.
type store struct {
	index   index
	entries []entry // by place; those of free places are empty
	free    []int32
	log     Log
	live    int // entries whose newest record is not a deletion

	texts    texts                 // of what is packed
	unpacked state.Cache[unpacked] // the last of entries' that was asked for
}

// entry is an object's newest record and those before it, oldest first, which
// some cursor has not passed yet.
type entry struct {
	head   *Record
	older  []*Record
	packed packed // the head at rest, which then is nil
	size   int32  // as Stored counts it
}

// unpacked is what a packed record was made into.
type unpacked struct {
	packed packed
	rec    *Record
}

// Log is the tail of a kind's watch log: the records which a cursor may still
// have to read, at positions that only grow.
type Log struct {
	base uint64
	recs []*Record
}

// End returns the position after the last record.
func (l *Log) End() uint64 { return l.base + uint64(len(l.recs)) }

// Len returns how many records the tail has.
func (l *Log) Len() int { return len(l.recs) }

// At returns the record at a position, or nil at and after End. It panics
// before the start of the tail, which a cursor of the host never is.
func (l *Log) At(pos uint64) *Record {
	if pos >= l.End() {
		return nil
	}
	return l.recs[pos-l.base]
}

// Position returns where a record of the tail stands. The search begins at the
// end: for a record just written it costs nothing.
func (l *Log) Position(rec *Record) uint64 {
	for i := len(l.recs) - 1; i >= 0; i-- {
		if l.recs[i] == rec {
			return l.base + uint64(i)
		}
	}
	panic("apiserver: a record that is not in the log's tail")
}

// drop forgets the first n records. What is left moves to the front, if that is
// the smaller part: then the log needs no other memory.
func (l *Log) drop(n int) {
	clear(l.recs[:n])
	left := l.recs[n:]
	if len(left) <= n {
		copy(l.recs, left)
		clear(left)
		left = l.recs[:len(left)]
	}
	l.recs = left
	l.base += uint64(n)
}

// place returns the place of an object, which exists or was deleted not long ago.
func (s *store) place(key Key) (place int32, ok bool) {
	return s.index.find(hashOf(key), func(place int32) bool {
		e := &s.entries[place]
		if e.head != nil {
			return e.head.Key == key
		}
		return e.packed.isOf(key, &s.texts)
	})
}

// newest returns the newest record of a place, or nil if that is free. What is
// put together for it is kept until another is: a request asks several times.
func (s *store) newest(place int32) *Record {
	e := &s.entries[place]
	if e.packed == "" {
		return e.head
	}
	if u := s.unpacked.Get(); u != nil && u.packed == e.packed {
		return u.rec
	}
	rec := e.packed.record(place, &s.texts)
	s.unpacked.Set(&unpacked{e.packed, rec})
	return rec
}

// find returns the newest record of an object that exists, or nil.
func (s *store) find(key Key) *Record {
	if place, ok := s.place(key); ok {
		if rec := s.newest(place); rec.Type != watch.Deleted {
			return rec
		}
	}
	return nil
}

// at returns the record that made the state as of a version, or nil.
func (s *store) at(key Key, version uint64) *Record {
	place, ok := s.place(key)
	if !ok {
		return nil
	}
	return s.stateAt(place, version)
}

// stateAt returns the record that made an object's state as of a version, or nil.
func (s *store) stateAt(place int32, version uint64) *Record {
	e := &s.entries[place]
	rec := s.newest(place)
	for n := len(e.older); rec.Version > version; {
		if n--; n < 0 {
			return nil
		}
		rec = e.older[n]
	}
	if rec.Type == watch.Deleted {
		return nil
	}
	return rec
}

// writtenAt returns the newest state of the Event at a place, if it was written at
// a time, or nil.
func (s *store) writtenAt(place int32, t engine.Time) Object {
	switch e := &s.entries[place]; {
	case e.packed != "" && e.packed.written(&s.texts) != t, e.packed == "" && e.head == nil:
		return nil
	}
	if rec := s.newest(place); rec.Time == t && rec.Type != watch.Deleted {
		return rec.Object
	}
	return nil
}

// put appends a record. last is the newest one of an object that exists, or nil.
func (s *store) put(rec, last *Record) {
	switch {
	case last != nil:
		rec.place = last.place
	default:
		place, known := int32(0), false
		if s.index.n > s.live { // some are of objects that are gone
			place, known = s.place(rec.Key)
		}
		if !known {
			place = s.room()
			s.index.add(hashOf(rec.Key), place)
		}
		rec.place = place
	}
	e := &s.entries[rec.place]
	if before := s.newest(rec.place); before != nil {
		e.older = append(e.older, before)
	}
	e.head, e.packed = rec, ""
	s.log.recs = append(s.log.recs, rec)
	switch rec.Type {
	case watch.Added:
		s.live++
	case watch.Deleted:
		s.live--
	}
}

// room returns a place for another object.
func (s *store) room() int32 {
	if n := len(s.free); n > 0 {
		place := s.free[n-1]
		s.free = s.free[:n-1]
		return place
	}
	s.entries = append(s.entries, entry{})
	return int32(len(s.entries) - 1)
}

// trim forgets the log before pos, and with it every state that nobody can see
// any more.
func (s *store) trim(pos uint64, g *guard) {
	n := int(min(pos-min(pos, s.log.base), uint64(len(s.log.recs))))
	if n == 0 {
		return
	}
	for _, rec := range s.log.recs[:n] {
		e := &s.entries[rec.place]
		if e.head != rec || rec.Type == watch.Deleted {
			g.forget(rec)
		}
		switch {
		case e.head != rec:
			if i := slices.Index(e.older, rec); i > 0 { // later ones are seen
				e.older = slices.Delete(e.older, 0, i)
			}
		case rec.Type == watch.Deleted:
			s.index.remove(hashOf(rec.Key), rec.place)
			clear(e.older)
			*e = entry{older: e.older[:0]}
			s.free = append(s.free, rec.place)
		default:
			clear(e.older)
			e.older = e.older[:0]
			if e.packed = pack(rec, &s.texts); e.packed != "" {
				g.forget(rec)
				e.head, e.older = nil, nil
				continue
			}
			if rec.Old != nil { // nor does anybody ask for the state before
				head := *rec
				head.Old = nil
				e.head = &head
			}
		}
	}
	s.log.drop(n)
}

// each calls visit with the newest record of every object that exists, in the
// order of nothing in particular.
func (s *store) each(visit func(*Record)) {
	for i := range s.entries {
		if rec := s.newest(int32(i)); rec != nil && rec.Type != watch.Deleted {
			visit(rec)
		}
	}
}

// listAt returns the records that made the objects of a namespace as of a version,
// by name.
func (s *store) listAt(namespace string, version uint64) []*Record {
	var recs []*Record
	for i := range s.entries {
		if rec := s.newest(int32(i)); rec == nil || namespace != "" && rec.Key.Namespace != namespace {
			continue
		}
		if rec := s.stateAt(int32(i), version); rec != nil {
			recs = append(recs, rec)
		}
	}
	slices.SortFunc(recs, func(a, b *Record) int { return a.Key.Compare(b.Key) })
	return recs
}

// list returns the live objects by key. An empty namespace means all.
func (s *store) list(namespace string) []*Record {
	recs := make([]*Record, 0, s.live)
	s.each(func(rec *Record) { // sorted below
		if namespace == "" || rec.Key.Namespace == namespace {
			recs = append(recs, rec)
		}
	})
	slices.SortFunc(recs, func(a, b *Record) int { return a.Key.Compare(b.Key) })
	return recs
}
