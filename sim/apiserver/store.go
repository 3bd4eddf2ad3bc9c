package apiserver

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/watch"
)

// store holds the objects of one kind: the newest state of each, the older
// states that a slow watch can still see, and the log of what happened.
type store struct {
	entries map[Key]entry
	log     Log
	live    int  // entries whose newest record is not a deletion
	shared  bool // entries and log are a fork's, too, until one of them changes
	walked  uint64
	guard   *guard // nil but in tests
}

// entry is an object's newest record and those before it, newest first, which
// some cursor has not passed yet.
type entry struct {
	head  *Record
	prev  *Record
	older []*Record
}

// Log is the tail of a kind's watch log: the records which a cursor may still
// have to read, at positions that only grow.
type Log struct {
	base uint64
	recs []*Record
}

// End returns the position after the last record.
func (l *Log) End() uint64 { return l.base + uint64(len(l.recs)) }

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

// fork returns a copy, which shares everything until one of both changes.
func (s *store) fork() store {
	s.shared = true
	return *s
}

// own makes sure that a change is seen by nobody else.
func (s *store) own() {
	if s.shared {
		s.entries, s.log.recs, s.shared = maps.Clone(s.entries), slices.Clone(s.log.recs), false
	}
	if s.entries == nil {
		s.entries = map[Key]entry{}
	}
}

// get returns the newest state, or nil.
func (s *store) get(key Key) Object {
	if e, ok := s.entries[key]; ok && e.head.Type != watch.Deleted {
		s.guard.check(e.head)
		return e.head.Object
	}
	return nil
}

// at returns the state as of a version, or nil.
func (s *store) at(key Key, version uint64) Object {
	e, ok := s.entries[key]
	if !ok {
		return nil
	}
	rec := e.head
	if rec.Version > version {
		rec = e.prev
		for i := 0; rec != nil && rec.Version > version; i++ {
			if i == len(e.older) {
				return nil
			}
			rec = e.older[i]
		}
	}
	if rec == nil || rec.Type == watch.Deleted {
		return nil
	}
	s.guard.check(rec)
	return rec.Object
}

// put appends a record.
func (s *store) put(rec *Record) {
	s.own()
	e := s.entries[rec.Key]
	if e.prev != nil { // a new slice: forks share the old one
		e.older = append([]*Record{e.prev}, e.older...)
	}
	e.prev, e.head = e.head, rec
	s.entries[rec.Key] = e
	s.log.recs = append(s.log.recs, rec)
	s.guard.keep(rec)
	switch rec.Type {
	case watch.Added:
		s.live++
	case watch.Deleted:
		s.live--
	}
}

// trim forgets the log before pos, and with it every state that nobody can see
// any more.
func (s *store) trim(pos uint64) {
	for s.log.base < pos && len(s.log.recs) > 0 {
		s.own()
		rec := s.log.recs[0]
		s.log.recs[0] = nil
		s.log.recs = s.log.recs[1:]
		s.log.base++
		e := s.entries[rec.Key]
		if e.head != rec || rec.Type == watch.Deleted {
			s.guard.forget(rec)
		}
		switch {
		case e.head == rec:
			if rec.Type == watch.Deleted {
				delete(s.entries, rec.Key)
				continue
			}
			e.prev, e.older = nil, nil
			if rec.Old != nil { // nor does anybody ask for the state before
				head := *rec
				head.Old = nil
				e.head = &head
			}
		case e.prev == rec:
			e.older = nil
		default:
			i := slices.Index(e.older, rec)
			if i < 0 {
				continue // forgotten with a later one
			}
			e.older = e.older[: i+1 : i+1]
		}
		s.entries[rec.Key] = e
	}
}

// list returns the live objects by key. An empty namespace means all.
func (s *store) list(namespace string) []*Record {
	s.walked += uint64(len(s.entries))
	recs := make([]*Record, 0, s.live)
	for key, e := range s.entries { // sorted below
		if e.head.Type != watch.Deleted && (namespace == "" || key.Namespace == namespace) {
			s.guard.check(e.head)
			recs = append(recs, e.head)
		}
	}
	slices.SortFunc(recs, func(a, b *Record) int { return a.Key.Compare(b.Key) })
	return recs
}
