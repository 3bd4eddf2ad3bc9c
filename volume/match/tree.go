package match

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim/state"
)

// tree is a set of volumes ordered by capacity and name, which counts: a treap
// whose nodes are never changed once they are in it. So a copy of the root is a
// copy of the tree. Priorities are hashes of the names: the shape depends on the
// content alone, never on the order of insertions.
type tree struct {
	_           state.Immutable
	left, right *tree
	size        int
	priority    uint64
	key         *item // shared by the copies of the node
}

// item is a volume in a tree.
type item struct {
	_        state.Immutable
	capacity resource.Quantity
	name     string
}

func (a *item) compare(b *item) int {
	if c := a.capacity.Cmp(b.capacity); c != 0 {
		return c
	}
	return strings.Compare(a.name, b.name)
}

func (t *tree) len() int {
	if t == nil {
		return 0
	}
	return t.size
}

// with returns a copy of the node with other children.
func (t *tree) with(left, right *tree) *tree {
	return &tree{left: left, right: right, size: left.len() + right.len() + 1, priority: t.priority, key: t.key}
}

// insert returns the tree with an item that it does not have yet.
func (t *tree) insert(key *item) *tree {
	return t.add(&tree{size: 1, priority: priorityOf(key.name), key: key})
}

func (t *tree) add(n *tree) *tree {
	switch {
	case t == nil:
		return n
	case n.priority > t.priority || n.priority == t.priority && n.key.name < t.key.name:
		return n.with(t.split(n.key))
	case n.key.compare(t.key) < 0:
		return t.with(t.left.add(n), t.right)
	}
	return t.with(t.left, t.right.add(n))
}

// split returns what is before the key and what is not.
func (t *tree) split(key *item) (before, rest *tree) {
	if t == nil {
		return nil, nil
	}
	if t.key.compare(key) < 0 {
		b, r := t.right.split(key)
		return t.with(t.left, b), r
	}
	b, r := t.left.split(key)
	return b, t.with(r, t.right)
}

// remove returns the tree without an item that it has.
func (t *tree) remove(key *item) *tree {
	switch c := key.compare(t.key); {
	case c < 0:
		return t.with(t.left.remove(key), t.right)
	case c > 0:
		return t.with(t.left, t.right.remove(key))
	}
	return merge(t.left, t.right)
}

// merge joins two trees, all of a before all of b.
func merge(a, b *tree) *tree {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority || a.priority == b.priority && a.key.name < b.key.name:
		return a.with(a.left, merge(a.right, b))
	}
	return b.with(merge(a, b.left), b.right)
}

// at returns the item with i others before it.
func (t *tree) at(i int) *item {
	for {
		switch n := t.left.len(); {
		case i < n:
			t = t.left
		case i > n:
			i -= n + 1
			t = t.right
		default:
			return t.key
		}
	}
}

// rank returns how many items are before the key.
func (t *tree) rank(key *item) int {
	n := 0
	for t != nil {
		if t.key.compare(key) < 0 {
			n += t.left.len() + 1
			t = t.right
		} else {
			t = t.left
		}
	}
	return n
}

// upTo returns how many items have a capacity of at most q.
func (t *tree) upTo(q resource.Quantity) int {
	n := 0
	for t != nil {
		if t.key.capacity.Cmp(q) <= 0 {
			n += t.left.len() + 1
			t = t.right
		} else {
			t = t.left
		}
	}
	return n
}

// priorityOf hashes a name: FNV-1a, finished as SplitMix64 is.
func priorityOf(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(name); i++ {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
