package statefulset

import "slices"

// ordinals is a set of ordinals, kept as sorted spans that neither overlap nor
// touch. The pods of a set are nearly always a few runs of neighbours, so that
// a set of 100,000 is a handful of spans: cheap to search, to change and to
// copy. The zero value is empty.
type ordinals struct {
	spans []span
	n     int
}

// span is the run of ordinals lo … hi, both included.
type span struct{ lo, hi int }

// find returns the index of the first span that ends at o or after it.
func (s *ordinals) find(o int) int {
	lo, hi := 0, len(s.spans)
	for lo < hi {
		if m := (lo + hi) / 2; s.spans[m].hi < o {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

func (s *ordinals) has(o int) bool {
	i := s.find(o)
	return i < len(s.spans) && s.spans[i].lo <= o
}

// put adds or removes o.
func (s *ordinals) put(o int, in bool) {
	if in {
		s.add(o)
	} else {
		s.remove(o)
	}
}

func (s *ordinals) add(o int) {
	i := s.find(o)
	if i < len(s.spans) && s.spans[i].lo <= o {
		return
	}
	s.n++
	below := i > 0 && s.spans[i-1].hi == o-1
	above := i < len(s.spans) && s.spans[i].lo == o+1
	switch {
	case below && above:
		s.spans[i-1].hi = s.spans[i].hi
		s.spans = slices.Delete(s.spans, i, i+1)
	case below:
		s.spans[i-1].hi = o
	case above:
		s.spans[i].lo = o
	default:
		s.spans = slices.Insert(s.spans, i, span{o, o})
	}
}

func (s *ordinals) remove(o int) {
	i := s.find(o)
	if i == len(s.spans) || s.spans[i].lo > o {
		return
	}
	s.n--
	switch sp := s.spans[i]; {
	case sp.lo == sp.hi:
		s.spans = slices.Delete(s.spans, i, i+1)
	case sp.lo == o:
		s.spans[i].lo++
	case sp.hi == o:
		s.spans[i].hi--
	default:
		s.spans[i].lo = o + 1
		s.spans = slices.Insert(s.spans, i, span{sp.lo, o - 1})
	}
}

// next returns the lowest ordinal from o on.
func (s *ordinals) next(o int) (int, bool) {
	i := s.find(o)
	if i == len(s.spans) {
		return 0, false
	}
	return max(o, s.spans[i].lo), true
}

// prev returns the highest ordinal up to o.
func (s *ordinals) prev(o int) (int, bool) {
	i := s.find(o)
	if i < len(s.spans) && s.spans[i].lo <= o {
		return o, true
	}
	if i == 0 {
		return 0, false
	}
	return s.spans[i-1].hi, true
}

// nextGap returns the lowest ordinal from o on that is not in the set.
func (s *ordinals) nextGap(o int) int {
	if i := s.find(o); i < len(s.spans) && s.spans[i].lo <= o {
		return s.spans[i].hi + 1
	}
	return o
}

// prevGap returns the highest ordinal up to o that is not in the set.
func (s *ordinals) prevGap(o int) int {
	if i := s.find(o); i < len(s.spans) && s.spans[i].lo <= o {
		return s.spans[i].lo - 1
	}
	return o
}

// count returns how many ordinals are in lo … hi, both included.
func (s *ordinals) count(lo, hi int) int {
	n := 0
	if hi < lo {
		return 0
	}
	for i := s.find(lo); i < len(s.spans) && s.spans[i].lo <= hi; i++ {
		n += min(hi, s.spans[i].hi) - max(lo, s.spans[i].lo) + 1
	}
	return n
}

func (s *ordinals) clone() ordinals {
	return ordinals{slices.Clone(s.spans), s.n}
}
