package engine

import "maps"

// Tally counts how often names have come up, in bounded memory: it remembers
// the names of the last million, at least, and forgets those that have not come
// up since. The zero Tally is empty.
type Tally struct {
	young, old map[uint64]uint32 // old is never written, so forks share it
	turns      uint32            // how often young has become old
	limit      int               // of young; 0 means tallyLimit
	shared     bool              // young is a fork's, too, until one of them changes
}

const tallyLimit = 1 << 20

// Next returns how often a name, given by a hash of it, has come up before, and
// counts it. A count of 0 may also mean that the name was forgotten: turn tells
// such a time from the first; it is 0 as long as nothing was ever forgotten.
func (t *Tally) Next(name uint64) (count, turn uint32) {
	count, known := t.young[name]
	if !known {
		count = t.old[name]
		t.turn()
	}
	switch {
	case t.young == nil:
		t.young = map[uint64]uint32{}
	case t.shared:
		t.young = maps.Clone(t.young)
	}
	t.shared = false
	t.young[name] = count + 1
	return count, t.turns
}

// Peek returns what Next would, and counts nothing.
func (t *Tally) Peek(name uint64) (count, turn uint32) {
	count, known := t.young[name]
	if !known {
		count = t.old[name]
	}
	return count, t.turns
}

// turn makes room for another name.
func (t *Tally) turn() {
	limit := t.limit
	if limit == 0 {
		limit = tallyLimit
	}
	if len(t.young) < limit {
		return
	}
	if t.old != nil {
		t.turns++ // from now on something is forgotten
	}
	t.old, t.young, t.shared = t.young, nil, false
}

// Len returns how many names are remembered, those of both ages twice.
func (t *Tally) Len() int { return len(t.young) + len(t.old) }

// Fork returns an independent copy.
func (t *Tally) Fork() Tally {
	t.shared = true
	return *t
}
