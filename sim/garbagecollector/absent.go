package garbagecollector

import "github.com/statefulsim/statefulsim/sim/state"

// absentMax is how many absent owners are remembered, as upstream.
const absentMax = 500

// absent remembers owners that were found not to exist, so that thousands of
// dependents ask for them once. UIDs are never used again, so it cannot be
// wrong. Beyond the limit the one used least recently is forgotten.
type absent struct {
	used  map[ref]uint64 `state:"incidental" why:"counts in HashAlso"`
	clock uint64         `state:"incidental" why:"who goes when 500 are remembered"`
}

// HashAlso takes in the owners that somebody could ask for.
func (a *absent) HashAlso(h *state.Hasher) {
	for r := range a.used { // a set
		h.Weak(string(r.uid))
	}
}

func (a *absent) add(r ref) {
	if a.used == nil {
		a.used = map[ref]uint64{}
	}
	a.clock++
	a.used[r] = a.clock
	if len(a.used) <= absentMax {
		return
	}
	oldest, least := r, a.clock
	for r, at := range a.used { // the times differ: one is least
		if at < least {
			oldest, least = r, at
		}
	}
	delete(a.used, oldest)
}

func (a *absent) has(r ref) bool {
	if _, ok := a.used[r]; !ok {
		return false
	}
	a.clock++
	a.used[r] = a.clock
	return true
}
