package plugin

import "slices"

// shape is all that the plugins read of a node for a pod that asks for CPU and
// memory at most and has no wishes of its own, but for how many pods there are
// that it is to be spread among. Nodes of one shape pass or fail together and
// score alike: the cluster keeps the number of each node's shape, so that a
// cycle evaluates shapes, not nodes.
type shape struct {
	allocatable, requested, nonZero nonZero
	pods, room                      int
	zone                            string
	hasZone, hasHost, plain         bool
}

func shapeOf(n *Node) shape {
	return shape{
		allocatable: nonZero{n.allocatable.MilliCPU, n.allocatable.Memory},
		requested:   nonZero{n.requested.MilliCPU, n.requested.Memory},
		nonZero:     n.nonZero, pods: len(n.pods), room: n.allocatable.Pods,
		zone: n.zone, hasZone: n.hasZone, hasHost: n.hasHost, plain: n.plain,
	}
}

// table is what cycles read of every node they look at, by its place in the
// order of the nodes: side by side in memory.
type table struct {
	numbers map[shape]int32 // from 1
	shapes  []int32         // 0: changed since it was last asked for
	indices []int32         // Node.index
	ranks   []int32         // Node.rank
}

// newTable returns a table for nodes whose ranks are known.
func newTable(order []*Node) table {
	t := table{
		numbers: map[shape]int32{}, shapes: make([]int32, len(order)),
		indices: make([]int32, len(order)), ranks: make([]int32, len(order)),
	}
	for i, n := range order {
		n.place, t.indices[i], t.ranks[i] = i, int32(n.index), int32(n.rank)
	}
	return t
}

// touch notes that a node may have another shape.
func (c *Cluster) touch(n *Node) {
	if !c.stale && n.place < len(c.order) && c.order[n.place] == n {
		c.table.shapes[n.place] = 0
	}
}

// numberAt returns the number of the shape of the node at a place.
func (c *Cluster) numberAt(place int) int32 {
	t := &c.table
	if t.shapes[place] == 0 {
		s := shapeOf(c.order[place])
		number, known := t.numbers[s]
		if !known {
			number = int32(len(t.numbers) + 1)
			t.numbers[s] = number
		}
		t.shapes[place] = number
	}
	return t.shapes[place]
}

// forgetShapes bounds what is remembered: it begins anew when there are many
// more numbers than nodes.
func (c *Cluster) forgetShapes() {
	if t := &c.table; len(t.numbers) > 4*len(t.shapes)+1024 {
		clear(t.numbers)
		clear(t.shapes)
	}
}

// group is the nodes of a sample that have one shape and equally many of the
// pods that the pod is to be spread among.
type group struct {
	first  *Node
	nodes  int
	passes bool
	best   int // 1 if its score is the highest
}

// groups finds the group of a key: a hash table, open and never full.
type groups struct {
	list  []group
	slots []slot
	shift uint8
}

type slot struct {
	key   uint64
	index int32 // in list, + 1
}

// reset makes the table ready for at most n groups.
func (g *groups) reset(n int) {
	bits := 6
	for 1<<bits < 2*n {
		bits++
	}
	if len(g.slots) != 1<<bits {
		g.slots = make([]slot, 1<<bits)
	} else {
		clear(g.slots)
	}
	clear(g.list) // the nodes
	g.list, g.shift = g.list[:0], uint8(64-bits)
}

// find returns the index of a key's group, added if need be.
func (g *groups) find(key uint64) (i int, added bool) {
	mask := uint64(len(g.slots) - 1)
	for at := key * 0x9e3779b97f4a7c15 >> g.shift; ; at++ {
		switch s := &g.slots[at&mask]; {
		case s.index == 0:
			g.list = append(g.list, group{})
			s.key, s.index = key, int32(len(g.list))
			return len(g.list) - 1, true
		case s.key == key:
			return int(s.index - 1), false
		}
	}
}

// Sample is what a cycle found among the nodes that it looked at.
type Sample struct {
	Looked int // how many nodes were looked at
	Best   int // how many of them have the highest score
	One    *Node
	cycle  *Cycle
	buffer *Buffer
}

// Sample looks at the nodes from a place in their order on, around the end of
// it, until it has found as many that pass as are wanted, and scores those: as
// Filter, Scores and Best do node by node, but shape by shape. It answers only
// where that decides the same, and where any node passes; otherwise ok is
// false. The answer is valid until the buffer is used again.
func (c *Cycle) Sample(start, wanted int, b *Buffer) (s Sample, ok bool, err error) {
	if !c.isSampled() {
		return s, false, nil
	}
	soft, err := c.softConstraints()
	if err != nil {
		return s, false, nil
	}
	found := c.group(start, wanted, soft, b)
	if found == 0 {
		return s, false, nil
	}
	s = Sample{Looked: len(b.members), cycle: c, buffer: b}
	b.nodes = b.nodes[:0]
	for i := range b.groups.list {
		if g := &b.groups.list[i]; g.passes {
			b.nodes = append(b.nodes, g.first)
		}
	}
	if found == 1 { // C4: no scoring
		s.Best, s.One = 1, b.nodes[0]
		return s, true, nil
	}
	scores, err := c.scores(b.nodes, found, b)
	if err != nil {
		return s, false, err
	}
	s.Best = b.markBest(scores)
	if s.Best == 0 { // by any node that cannot be told apart by its shape
		return s, false, nil
	}
	b.placesOfBest(start, len(c.cluster.order))
	return s, true, nil
}

// isSampled reports whether shapes and spread are all that can tell nodes
// apart for the pod.
func (c *Cycle) isSampled() bool {
	r := &c.pod.request
	return c.simple && r.EphemeralStorage == 0 && r.Scalar == nil && c.cluster.imaged == 0 && c.cluster.softTainted == 0 &&
		c.pod.Spec.Affinity == nil && len(c.pod.Spec.TopologySpreadConstraints) == 0 && len(c.cluster.termed) == 0
}

// group sorts the nodes from a place on into groups, and returns how many pass.
// It returns 0 at a node of which the shape does not say whether it passes.
func (c *Cycle) group(start, wanted int, soft []constraint, b *Buffer) (found int) {
	cl := c.cluster
	cl.forgetShapes()
	b.groups.reset(min(wanted, len(cl.order)) + 1)
	b.members = b.members[:0]
	var counts []int32
	if len(soft) > 0 {
		counts = soft[0].counts.byNode
	}
	for place := start; len(b.members) < len(cl.order) && found < wanted; place++ {
		if place == len(cl.order) {
			place = 0
		}
		key := uint64(cl.numberAt(place)) << 32
		if i := cl.table.indices[place]; int(i) < len(counts) {
			key |= uint64(counts[i])
		}
		i, added := b.groups.find(key)
		g := &b.groups.list[i]
		if added {
			if len(b.groups.list) > len(b.groups.slots)/2 {
				return 0 // so many different ones that do not pass
			}
			g.first = cl.order[place]
			if !g.first.plain {
				return 0
			}
			g.passes = c.Passes(g.first)
		}
		g.nodes++
		b.members = append(b.members, int32(i))
		if g.passes {
			found++
		}
	}
	return found
}

// markBest finds the groups with the highest of the scores, which are those of
// the groups that pass, and returns how many nodes they have.
func (b *Buffer) markBest(scores []int64) (nodes int) {
	highest := scores[0]
	for _, s := range scores {
		highest = max(highest, s)
	}
	k := 0
	for i := range b.groups.list {
		g := &b.groups.list[i]
		if !g.passes {
			continue
		}
		if scores[k] == highest {
			g.best = 1
			nodes += g.nodes
		}
		k++
	}
	return nodes
}

// placesOfBest lists where the best nodes stand.
func (b *Buffer) placesOfBest(start, nodes int) {
	b.places = slices.Grow(b.places[:0], len(b.members))[:len(b.members)]
	place, n := start, 0
	for _, i := range b.members {
		b.places[n] = int32(place) // stays if the next one does not take its place
		n += b.groups.list[i].best
		if place++; place == nodes {
			place = 0
		}
	}
	b.places = b.places[:n]
}

// Node returns the best node that would be number k, from 0, if the best were
// sorted by name.
func (s Sample) Node(k int) *Node {
	if s.One != nil {
		return s.One
	}
	c := s.cycle.cluster
	return c.order[selectBy(s.buffer.places, c.table.ranks, k)]
}
