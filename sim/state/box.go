package state

import (
	"reflect"
	"sync/atomic"
	"unsafe"
)

// Box holds a value that forks share until one of them writes to it. The zero
// Box holds the zero value and has no owner: a copy of it, or of what it is in,
// is made at once and belongs to whoever asked for it.
type Box[T any] struct {
	owner *Owner
	cell  *cell[T]
}

// cell is the value with who may write to it, as long as no fork reads it.
type cell[T any] struct {
	owner  *Owner
	epoch  uint64 // of its owner, when it was written to
	digest digested
	value  T
}

// digested is the Digest of a cell, which those that share it look for at any time.
type digested struct {
	current atomic.Pointer[Digest] // nil if the value may have changed since
	earlier *Digest                // of what the value was
}

// change has the Digest made anew when it is asked for next.
func (d *digested) change() {
	if current := d.current.Load(); current != nil {
		d.earlier = current
		d.current.Store(nil)
	}
}

func (d *digested) latest() *Digest {
	if current := d.current.Load(); current != nil {
		return current
	}
	return d.earlier
}

// Digest returns the Digest of the value, which is computed once after each change.
func (c *cell[T]) Digest() *Digest {
	if d := c.digest.current.Load(); d != nil {
		return d
	}
	d := DigestOf(&c.value, c.digest.earlier)
	c.digest.current.Store(d)
	return d
}

// NewBox returns a box with a value.
func NewBox[T any](o *Owner, value T) Box[T] {
	return Box[T]{o, newCell(o, value)}
}

func newCell[T any](o *Owner, value T) *cell[T] {
	c := &cell[T]{owner: o, value: value}
	if o != nil {
		c.epoch = o.epoch
	}
	return c
}

// Read returns the value, which must not be changed, and which is valid until
// the next Write.
func (b *Box[T]) Read() *T {
	if b.cell == nil {
		return new(T)
	}
	return &b.cell.value
}

// Write returns the value for changes until the next fork.
func (b *Box[T]) Write() *T {
	if c, o := b.cell, b.owner; c != nil && o != nil && c.owner == o && c.epoch == o.epoch && c.digest.current.Load() == nil {
		return &c.value
	}
	return b.prepare()
}

// prepare is Write for the first time since a fork.
func (b *Box[T]) prepare() *T {
	if b.cell == nil {
		b.cell = newCell(b.owner, *new(T))
	} else if !b.cell.isOwn(b.owner) {
		b.cell = b.cell.copied(b.owner)
	}
	b.cell.digest.change()
	return &b.cell.value
}

// copied returns a copy of a cell for an owner.
func (c *cell[T]) copied(o *Owner) *cell[T] {
	f := newCell(o, c.value)
	f.digest.earlier = c.digest.latest()
	if p := planOf(reflect.TypeFor[T]()); p.own != nil {
		p.own(&copier{owner: o}, unsafe.Pointer(&f.value))
	}
	return f
}

// isOwn reports whether an owner may write to a cell: it made it, and no fork
// reads it.
func (c *cell[T]) isOwn(o *Owner) bool {
	switch {
	case c.owner != o:
		return false
	case o == nil || c.epoch == o.epoch:
		return true
	case o.isRead(c.epoch):
		return false
	}
	c.epoch = o.epoch
	return true
}

// Fork returns the box for a fork.
func (b *Box[T]) Fork(o *Owner) Box[T] {
	f := *b
	f.pass(o)
	return f
}

// pass makes a box, which is a copy of another's memory, that of a fork.
func (b *Box[T]) pass(o *Owner) {
	if b.owner == nil && b.cell != nil {
		b.cell = b.cell.copied(o)
	}
	b.owner = o
}

// List is a list of boxes.
type List[T any] struct {
	owner *Owner
	cells []*cell[T]
}

// NewList returns a list of n zero values.
func NewList[T any](o *Owner, n int) List[T] {
	l := List[T]{o, make([]*cell[T], n)}
	cells := make([]cell[T], n)
	for i := range cells {
		l.cells[i] = &cells[i]
		if l.cells[i].owner = o; o != nil {
			l.cells[i].epoch = o.epoch
		}
	}
	return l
}

// Len returns how many values there are.
func (l *List[T]) Len() int { return len(l.cells) }

// Read returns the ith value, as Box.Read does.
func (l *List[T]) Read(i int) *T { return &l.cells[i].value }

// Write returns the ith value, as Box.Write does.
func (l *List[T]) Write(i int) *T {
	if c, o := l.cells[i], l.owner; o != nil && c.owner == o && c.epoch == o.epoch && c.digest.current.Load() == nil {
		return &c.value
	}
	return l.prepare(i)
}

// prepare is Write for the first time since a fork.
func (l *List[T]) prepare(i int) *T {
	if c := l.cells[i]; !c.isOwn(l.owner) {
		l.cells[i] = c.copied(l.owner)
	}
	l.cells[i].digest.change()
	return &l.cells[i].value
}

// Each returns what visit makes of each value.
func (l *List[T]) Each(visit func(*T) any) []any {
	var list []any
	for _, c := range l.cells {
		list = append(list, visit(&c.value))
	}
	return list
}

// Append adds a value and returns it for changes.
func (l *List[T]) Append(value T) *T {
	c := newCell(l.owner, value)
	l.cells = append(l.cells, c)
	return &c.value
}

// Fork returns the list for a fork.
func (l *List[T]) Fork(o *Owner) List[T] {
	f := *l
	f.pass(o)
	return f
}

func (l *List[T]) pass(o *Owner) {
	cells := make([]*cell[T], len(l.cells))
	copy(cells, l.cells)
	if l.owner == nil {
		for i, c := range cells {
			cells[i] = c.copied(o)
		}
	}
	l.owner, l.cells = o, cells
}

// sharer is a Box or a List, of whatever.
type sharer interface {
	pass(o *Owner)
	// own calls visit with the memory of each cell that the owner could write to
	// without a copy.
	own(visit func(at unsafe.Pointer, value any))
	hash(h *Hasher)
	// each calls visit with a pointer to each value, to be read.
	each(visit func(value any))
}

func (b *Box[T]) each(visit func(any)) { visit(b.Read()) }

func (l *List[T]) each(visit func(any)) {
	for i := range l.cells {
		visit(l.Read(i))
	}
}

// Digest returns the Digest of the value, which is computed once after each change.
func (b *Box[T]) Digest() *Digest {
	if b.cell == nil {
		return DigestOf(new(T), nil)
	}
	return b.cell.Digest()
}

// Digest returns the Digest of the ith value, as Box.Digest does.
func (l *List[T]) Digest(i int) *Digest { return l.cells[i].Digest() }

func (b *Box[T]) hash(h *Hasher) {
	if h.spelled != nil {
		h.Value(b.Read())
		return
	}
	h.Nested(b.Digest())
}

func (l *List[T]) hash(h *Hasher) {
	h.Number(uint64(len(l.cells)))
	for _, c := range l.cells {
		h.Nested(c.Digest())
	}
}

func (b *Box[T]) own(visit func(unsafe.Pointer, any)) {
	if b.cell != nil && b.cell.isOwn(b.owner) {
		visit(unsafe.Pointer(b.cell), &b.cell.value)
	}
}

func (l *List[T]) own(visit func(unsafe.Pointer, any)) {
	for _, c := range l.cells {
		if c.isOwn(l.owner) {
			visit(unsafe.Pointer(c), &c.value)
		}
	}
}
