package statefulset

import "math"

// rosterIndex answers from a roster, at a cost that does not grow with the set.
type rosterIndex struct {
	c          *Controller
	l          lister
	d          *draft
	r          *roster
	start, end int // the ordinals of the replicas
}

// agendaOfRoster makes the agenda from a roster. Pods for which there is nothing
// to do are not on it.
func (c *Controller) agendaOfRoster(l lister, d *draft, r *roster) agenda {
	c.mature(l, r, d.now)
	a := agenda{tally: r.tally(d), live: r.live()}
	if len(r.young) > 0 && !r.young[0].at.IsZero() {
		a.next = r.young[0].at.Sub(d.now)
	}
	if d.set.DeletionTimestamp != nil {
		return a
	}
	a.decide(d, &rosterIndex{c: c, l: l, d: d, r: r, start: startOf(d.set), end: endOf(d.set)})
	return a
}

// tally is S30.
func (r *roster) tally(d *draft) tally {
	t := tally{replicas: int32(r.owned.regular.n), ready: int32(r.ready.n)}
	t.available = t.ready
	for i := range r.young {
		if r.young[i].running {
			t.available--
		}
	}
	for i := range r.cohorts {
		co := &r.cohorts[i]
		n := int32(co.up.n + co.down.n)
		if co.revision == d.current {
			t.current += n
		}
		if co.revision == d.update {
			t.updated += n
		}
	}
	return t
}

// look looks a pod up.
func (x *rosterIndex) look(index, o int) target {
	x.c.examined++
	t := target{index: index, ordinal: o}
	if x.r.owned.regular.has(o) {
		t.pod = x.l.Pod(podKey(x.d.set, o))
	}
	return t
}

func (x *rosterIndex) replica(i int) target { return x.look(i, x.start+i) }

func (x *rosterIndex) next(i int, p property) int {
	from, o, ok := x.start+i, 0, true
	switch p {
	case mayNeedWork:
		o = x.r.owned.regular.nextGap(from)
		if t, found := x.r.tend.next(from); found {
			o = min(o, t)
		}
	case isBlocked:
		o, ok = x.r.blocked.next(from)
	case isOldStaying:
		o, ok = x.r.nextOld(x.d.update, from)
	default:
		panic("statefulset: a roster has no such index")
	}
	if !ok || o > x.end {
		o = x.end + 1
	}
	return o - x.start
}

func (x *rosterIndex) prev(i int, p property) int {
	from := x.start + i
	var o int
	switch p {
	case isOldAvailable:
		o, _ = x.r.prevOld(x.d.update, true, false, from)
	case isOldUnavailable:
		o, _ = x.r.prevOld(x.d.update, false, true, from)
		if x.d.current != x.d.update { // missing pods that come at the current revision
			o = max(o, x.r.owned.regular.prevGap(min(from, x.d.currentBelow()-1)))
		}
	case isDown:
		o = x.r.owned.regular.prevGap(from)
		if u, ok := x.r.unavailable.prev(from); ok {
			o = max(o, u)
		}
	default:
		panic("statefulset: a roster has no such index")
	}
	return max(o-x.start, -1)
}

func (x *rosterIndex) unavailable() int {
	return x.r.unavailable.count(x.start, x.end) + replicasOf(x.d.set) - x.r.owned.regular.count(x.start, x.end)
}

func (x *rosterIndex) anyOld() bool {
	for i := range x.r.cohorts {
		if x.r.cohorts[i].revision != x.d.update && !x.r.cohorts[i].empty() {
			return true
		}
	}
	return false
}

// finder returns what finds the highest pod up to an ordinal that has a property.
func (x *rosterIndex) finder(p property) func(int) (int, bool) {
	switch p {
	case isAny:
		return x.r.owned.regular.prev
	case mayNeedWork:
		return x.r.tend.prev
	case isBlocked:
		return x.r.blocked.prev
	case isStaying:
		return x.r.prevStaying
	case isOldStaying:
		return func(o int) (int, bool) { return x.r.prevOld(x.d.update, true, true, o) }
	}
	panic("statefulset: a roster has no such index")
}

func (x *rosterIndex) visitCondemned(p property, visit func(target) bool) {
	owned := &x.r.owned.regular
	if owned.n == owned.count(x.start, x.end) {
		return
	}
	prev := x.finder(p)
	for o, ok := prev(math.MaxInt); ok; o, ok = prev(o - 1) {
		if o >= x.start && o <= x.end {
			if o, ok = prev(x.start - 1); !ok {
				return
			}
		}
		if !visit(x.look(x.rank(o), o)) {
			return
		}
	}
}

// rank returns the index of a condemned pod.
func (x *rosterIndex) rank(o int) int {
	owned := &x.r.owned.regular
	if o > x.end {
		return owned.count(o+1, math.MaxInt)
	}
	return owned.count(x.end+1, math.MaxInt) + owned.count(o+1, x.start-1)
}

func (x *rosterIndex) highest(p property) int {
	prev := x.finder(p)
	o, ok := prev(math.MaxInt)
	if ok && o >= x.start && o <= x.end {
		o, ok = prev(x.start - 1)
	}
	if !ok {
		return -1
	}
	return x.rank(o)
}

func (x *rosterIndex) lowestUnavailable() int {
	o, ok := x.r.unavailable.next(0)
	if ok && o >= x.start && o <= x.end {
		o, ok = x.r.unavailable.next(x.end + 1)
	}
	if !ok {
		return -1
	}
	return x.rank(o)
}

// prevStaying returns the highest pod up to o that is not terminating.
func (r *roster) prevStaying(o int) (int, bool) {
	best := -1
	for i := range r.cohorts {
		best = max(best, r.cohorts[i].prev(true, true, o))
	}
	return best, best >= 0
}

// prevOld returns the highest pod up to o that is not terminating and of another
// revision than update, among those that are up or down.
func (r *roster) prevOld(update string, up, down bool, o int) (int, bool) {
	best := -1
	for i := range r.cohorts {
		if co := &r.cohorts[i]; co.revision != update {
			best = max(best, co.prev(up, down, o))
		}
	}
	return best, best >= 0
}

// nextOld returns the lowest such pod from o on.
func (r *roster) nextOld(update string, o int) (int, bool) {
	best := math.MaxInt
	for i := range r.cohorts {
		co := &r.cohorts[i]
		if co.revision == update {
			continue
		}
		for _, s := range []*ordinals{&co.up, &co.down} {
			if p, ok := s.next(o); ok {
				best = min(best, p)
			}
		}
	}
	return best, best < math.MaxInt
}

// prev returns the highest pod up to o that is up or down, or -1.
func (co *cohort) prev(up, down bool, o int) int {
	best := -1
	if p, ok := co.up.prev(o); up && ok {
		best = max(best, p)
	}
	if p, ok := co.down.prev(o); down && ok {
		best = max(best, p)
	}
	return best
}
