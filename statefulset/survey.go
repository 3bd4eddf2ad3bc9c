package statefulset

import "math"

// survey makes the agenda from a roster. What it leaves out, and walk does not,
// are the pods for which there is nothing to do.
func (c *Controller) survey(l lister, d *draft, r *roster) agenda {
	c.mature(l, r, d.now)
	start, end := startOf(d.set), endOf(d.set)
	a := agenda{tally: r.tally(d), live: r.live()}
	if len(r.young) > 0 && !r.young[0].at.IsZero() {
		a.next = r.young[0].at.Sub(d.now)
	}
	if d.set.DeletionTimestamp != nil {
		return a
	}
	if isRecreate(d.set) {
		if c.surveyRecreate(l, d, r, &a); a.recreating {
			return a
		}
	}
	if d.ordered() {
		c.surveyOrdered(l, d, r, &a)
	} else {
		for o, ok := r.nextWork(start, end); ok; o, ok = r.nextWork(o+1, end) {
			if len(a.replicas) == maxAgenda {
				a.waits = true
				break
			}
			a.replicas = append(a.replicas, c.target(l, d, r, o-start, o))
		}
	}
	if a.waits {
		return a
	}
	c.surveyCondemned(l, d, r, &a)
	if a.shrinks || !d.rolls() {
		return a
	}
	a.rollout, a.rollFail = c.surveyRollout(l, d, r)
	return a
}

// target looks a pod up.
func (c *Controller) target(l lister, d *draft, r *roster, index, o int) target {
	c.examined++
	t := target{index: index, ordinal: o}
	if r.owned.regular.has(o) {
		t.pod = l.Pod(podKey(d.set, o))
	}
	return t
}

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

// nextWork returns the lowest replica from o on that is missing or needs
// something.
func (r *roster) nextWork(o, end int) (int, bool) {
	gap := r.owned.regular.nextGap(o)
	if t, ok := r.tend.next(o); ok && t < gap {
		return t, t <= end
	}
	return gap, gap <= end
}

// surveyOrdered lists the replicas up to the first that an OrderedReady set has
// to wait for.
func (c *Controller) surveyOrdered(l lister, d *draft, r *roster, a *agenda) {
	start, end := startOf(d.set), endOf(d.set)
	for o := start; o <= end; o++ {
		work, ok := r.nextWork(o, end)
		if !ok {
			work = end + 1
		}
		if b, found := r.blocked.next(o); found && b < work && b <= end {
			a.waits = true
			return
		}
		if !ok {
			return
		}
		o = work
		a.replicas = append(a.replicas, c.target(l, d, r, o-start, o))
		if !r.owned.regular.has(o) || r.blocked.has(o) {
			a.waits = true
			return
		}
	}
}

// surveyCondemned is the scale-down (S21–S23).
func (c *Controller) surveyCondemned(l lister, d *draft, r *roster, a *agenda) {
	start, end := startOf(d.set), endOf(d.set)
	owned := &r.owned.regular
	if owned.n == owned.count(start, end) {
		return
	}
	rank := func(o int) int { // place among the condemned, highest first
		if o > end {
			return owned.count(o+1, math.MaxInt)
		}
		return owned.count(end+1, math.MaxInt) + owned.count(o+1, start-1)
	}
	descend(start, end, r.tend.prev, func(o int) bool {
		a.repairs = append(a.repairs, c.target(l, d, r, rank(o), o))
		return true
	})
	if !d.ordered() {
		// In the order of the condemned, over all revisions.
		descend(start, end, r.prevStaying, func(o int) bool {
			a.excess = append(a.excess, c.target(l, d, r, rank(o), o))
			return true
		})
		return
	}
	a.shrinks = true
	descend(start, end, owned.prev, func(o int) bool {
		if r.staying(o) && (!r.blocked.has(o) || o == r.firstUnavailable(start, end)) {
			a.excess = append(a.excess, c.target(l, d, r, 0, o))
		}
		return false
	})
}

// descend visits the ordinals that prev finds outside start … end, highest
// first, until visit returns false.
func descend(start, end int, prev func(int) (int, bool), visit func(int) bool) {
	for o, ok := prev(math.MaxInt); ok; o, ok = prev(o - 1) {
		if o >= start && o <= end {
			if o, ok = prev(start - 1); !ok {
				return
			}
		}
		if !visit(o) {
			return
		}
	}
}

// firstUnavailable returns the lowest condemned pod that is unavailable; it is
// asked only when no replica is (S13).
func (r *roster) firstUnavailable(start, end int) int {
	o, ok := r.unavailable.next(0)
	if ok && o >= start && o <= end {
		o, ok = r.unavailable.next(end + 1)
	}
	if !ok {
		return -1
	}
	return o
}

// staying reports whether a pod exists and is not terminating.
func (r *roster) staying(o int) bool {
	p, ok := r.prevStaying(o)
	return ok && p == o
}

// prevStaying returns the highest pod up to o that is not terminating.
func (r *roster) prevStaying(o int) (int, bool) {
	return r.prevOf("", true, true, true, o)
}

// prevOf returns the highest pod up to o that is not terminating and not of a
// revision, unless of any, among those that are up or down.
func (r *roster) prevOf(except string, any, up, down bool, o int) (int, bool) {
	best := -1
	for i := range r.cohorts {
		co := &r.cohorts[i]
		if !any && co.revision == except {
			continue
		}
		if p, ok := co.up.prev(o); up && ok {
			best = max(best, p)
		}
		if p, ok := co.down.prev(o); down && ok {
			best = max(best, p)
		}
	}
	return best, best >= 0
}

// surveyRecreate is S28's first half.
func (c *Controller) surveyRecreate(l lister, d *draft, r *roster, a *agenda) {
	start, end := startOf(d.set), endOf(d.set)
	for i := range r.cohorts {
		if r.cohorts[i].revision != d.update && !r.cohorts[i].empty() {
			a.recreating = true
		}
	}
	if !a.recreating {
		return
	}
	old := func(o int) (int, bool) { return r.prevOf(d.update, false, true, true, o) }
	var inside []target
	for o, ok := old(end); ok && o >= start; o, ok = old(o - 1) {
		inside = append(inside, c.target(l, d, r, o-start, o))
	}
	for i := len(inside) - 1; i >= 0; i-- {
		a.recreate = append(a.recreate, inside[i])
	}
	owned := &r.owned.regular
	above := owned.count(end+1, math.MaxInt)
	descend(start, end, old, func(o int) bool {
		rank := owned.count(o+1, math.MaxInt)
		if o < start {
			rank = above + owned.count(o+1, start-1)
		}
		a.recreate = append(a.recreate, c.target(l, d, r, replicasOf(d.set)+rank, o))
		return true
	})
}

// surveyRollout is the update phase (S25–S27).
func (c *Controller) surveyRollout(l lister, d *draft, r *roster) ([]target, error) {
	start, end := startOf(d.set), endOf(d.set)
	low := start + partitionOf(d.set)
	owned := &r.owned.regular
	var ts []target
	take := func(o int) { ts = append(ts, c.target(l, d, r, o-start, o)) }
	oldUp := func(o int) (int, bool) { return r.prevOf(d.update, false, true, false, o) }
	oldDown := func(o int) (int, bool) { // missing pods that came at the current revision count
		b, ok := r.prevOf(d.update, false, false, true, o)
		if g := owned.prevGap(min(o, d.currentBelow()-1)); d.current != d.update && g >= start && g > b {
			return g, true
		}
		return b, ok
	}
	highest := func(prev func(int) (int, bool)) int {
		if o, ok := prev(end); ok && o >= low {
			return o
		}
		return low - 1
	}
	if d.gates.NoMaxUnavailable {
		old := max(highest(oldUp), highest(oldDown))
		down := max(highest(r.unavailable.prev), min(end, owned.prevGap(end)))
		if old >= low && old >= down {
			take(old)
		}
		return ts, nil
	}
	budget, err := maxUnavailableOf(d.set)
	if err != nil {
		return nil, err
	}
	budget -= r.unavailable.count(start, end) + replicasOf(d.set) - owned.count(start, end)
	if budget <= 0 {
		if o, ok := oldDown(end); d.ordered() || !ok || o < start {
			return nil, nil
		}
	}
	if !d.ordered() {
		for o, ok := oldDown(end); ok && o >= low; o, ok = oldDown(o - 1) {
			take(o)
		}
	}
	for o, ok := oldUp(end); ok && o >= low && budget > 0; o, ok = oldUp(o - 1) {
		take(o)
		budget--
	}
	return ts, nil
}
