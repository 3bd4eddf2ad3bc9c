package match

import (
	"iter"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
)

// Legal is a set of volumes that are equally good for a claim (V4). The zero
// Legal is empty. It is valid until its Index changes.
//
// The order is fixed: by groups of access modes, and by name within a group.
type Legal struct {
	index  *Index
	spans  []span
	n      int
	orNone bool
	taken  []string          // names that are left out
	node   map[string]string // labels that scattered volumes have to fit; nil without a node
}

// span is a part of a legal set: items lo … hi-1 of a tree without those in
// skip, or a list.
type span struct {
	tree     *tree
	lo, hi   int
	skip     []int // positions, ascending
	listed   []*corev1.PersistentVolume
	capacity resource.Quantity
}

func (s *span) len() int { return s.hi - s.lo - len(s.skip) + len(s.listed) }

// Len returns how many volumes are legal.
func (l Legal) Len() int { return l.n }

// OrNone reports whether «no volume» is a legal answer too. With an empty set it
// is the only one.
func (l Legal) OrNone() bool { return l.orNone || l.n == 0 }

// At returns the volume number i, 0 … Len()-1, in O(log n).
func (l Legal) At(i int) *corev1.PersistentVolume {
	for s := range l.spans {
		sp := &l.spans[s]
		if i >= sp.len() {
			i -= sp.len()
			continue
		}
		if sp.tree == nil {
			return sp.listed[i]
		}
		pos := sp.lo + i
		for _, skipped := range sp.skip {
			if skipped <= pos {
				pos++
			}
		}
		return l.index.volumes[sp.tree.at(pos).name]
	}
	panic("match: no such volume in the legal set")
}

// All yields the legal volumes in order.
func (l Legal) All() iter.Seq[*corev1.PersistentVolume] {
	return func(yield func(*corev1.PersistentVolume) bool) {
		for i := range l.n {
			if !yield(l.At(i)) {
				return
			}
		}
	}
}

// Names returns the names of the legal volumes in order.
func (l Legal) Names() []string {
	names := make([]string, 0, l.n)
	for v := range l.All() {
		names = append(names, v.Name)
	}
	return names
}

func (l *Legal) add(s span) {
	if n := s.len(); n > 0 {
		l.spans = append(l.spans, s)
		l.n += n
	}
}

// addBest adds the smallest volumes on the shelves with exactly these access
// modes, at any of the places.
func (l *Legal) addBest(w want, modes Modes, places []shelf) {
	part := Legal{index: l.index, taken: l.taken, node: l.node}
	for _, p := range places {
		s := w.shelf
		s.modes, s.place, s.host = modes, p.place, p.host
		t := l.index.free[s]
		switch {
		case t == nil || p.place == pinned && p.host == "":
		case w.selector != nil || p.place == scattered:
			part.add(l.index.walk(t, w, p.place == scattered, &part))
		default:
			part.add(l.index.run(t, w.request, s, l.taken))
		}
	}
	best := part.smallest()
	if len(best.spans) > 1 { // two places: one list, in the order of the names
		var vs []*corev1.PersistentVolume
		for v := range best.All() {
			vs = append(vs, v)
		}
		slices.SortFunc(vs, byName)
		best.spans = []span{{listed: vs, capacity: best.spans[0].capacity}}
	}
	for _, s := range best.spans {
		l.add(s)
	}
}

// smallest keeps the spans of the smallest capacity (V4).
func (l Legal) smallest() Legal {
	k := l
	k.spans, k.n = nil, 0
	for _, s := range l.spans {
		if len(k.spans) > 0 {
			switch c := s.capacity.Cmp(k.spans[0].capacity); {
			case c > 0:
				continue
			case c < 0:
				k.spans, k.n = nil, 0
			}
		}
		k.add(s)
	}
	return k
}

// run returns the volumes of the smallest sufficient capacity in a tree.
func (x *Index) run(t *tree, request resource.Quantity, s shelf, taken []string) span {
	for lo := t.rank(&item{capacity: request}); lo < t.len(); {
		capacity := t.at(lo).capacity
		hi := t.upTo(capacity)
		var skip []int
		for _, name := range taken {
			v := x.volumes[name]
			if v == nil || !isFree(v) || !slices.Contains(shelvesOf(v), s) {
				continue
			}
			if i := t.rank(itemOf(v)); lo <= i && i < hi && !slices.Contains(skip, i) {
				skip = append(skip, i)
			}
		}
		slices.Sort(skip)
		if len(skip) < hi-lo {
			return span{tree: t, lo: lo, hi: hi, skip: skip, capacity: capacity}
		}
		lo = hi
	}
	return span{}
}

// walk does what run does where every volume has to be looked at.
func (x *Index) walk(t *tree, w want, checkNode bool, l *Legal) span {
	var s span
	for i := t.rank(&item{capacity: w.request}); i < t.len(); i++ {
		it := t.at(i)
		if len(s.listed) > 0 && it.capacity.Cmp(s.capacity) != 0 {
			break
		}
		v := x.volumes[it.name]
		if w.selector != nil && !w.selector.Matches(labels.Set(v.Labels)) ||
			checkNode && FitsNode(v, l.node) != nil || slices.Contains(l.taken, v.Name) {
			continue
		}
		s.listed, s.capacity = append(s.listed, v), it.capacity
	}
	return s
}
