package engine

import "github.com/statefulsim/statefulsim/sim/state"

// Tally counts how often names have come up, in bounded memory: it remembers
// the names of the last million, at least, and forgets those that have not come
// up since. The zero Tally is empty, and copied whole; NewTally is for one that
// forks share.
type Tally struct {
	young state.Box[map[uint64]uint32]
	old   map[uint64]uint32 `state:"immutable"`
	turns uint32            // how often young has become old
	limit int               // of young; 0 means tallyLimit
}

const tallyLimit = 1 << 20

// NewTally returns an empty Tally of an owner.
func NewTally(o *state.Owner) Tally { return Tally{young: state.NewBox[map[uint64]uint32](o, nil)} }

// Next returns how often a name, given by a hash of it, has come up before, and
// counts it. A count of 0 may also mean that the name was forgotten: turn tells
// such a time from the first; it is 0 as long as nothing was ever forgotten.
func (t *Tally) Next(name uint64) (count, turn uint32) {
	young := t.young.Write()
	if *young == nil {
		*young = map[uint64]uint32{}
	}
	count, known := (*young)[name]
	if !known {
		count = t.old[name]
		t.turn(young)
	}
	(*young)[name] = count + 1
	return count, t.turns
}

// Peek returns what Next would, and counts nothing.
func (t *Tally) Peek(name uint64) (count, turn uint32) {
	count, known := (*t.young.Read())[name]
	if !known {
		count = t.old[name]
	}
	return count, t.turns
}

// turn makes room for another name.
func (t *Tally) turn(young *map[uint64]uint32) {
	limit := t.limit
	if limit == 0 {
		limit = tallyLimit
	}
	if len(*young) < limit {
		return
	}
	if t.old != nil {
		t.turns++ // from now on something is forgotten
	}
	t.old, *young = *young, map[uint64]uint32{}
}

// Len returns how many names are remembered, those of both ages twice.
func (t *Tally) Len() int { return len(*t.young.Read()) + len(t.old) }
