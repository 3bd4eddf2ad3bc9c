package state

import (
	"reflect"
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
	owner *Owner
	epoch uint64 // of its owner, when it was written to
	value T
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
	if c, o := b.cell, b.owner; c != nil && o != nil && c.owner == o && c.epoch == o.epoch {
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
	return &b.cell.value
}

// copied returns a copy of a cell for an owner.
func (c *cell[T]) copied(o *Owner) *cell[T] {
	f := newCell(o, c.value)
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
	if c, o := l.cells[i], l.owner; o != nil && c.owner == o && c.epoch == o.epoch {
		return &c.value
	}
	return l.prepare(i)
}

// prepare is Write for the first time since a fork.
func (l *List[T]) prepare(i int) *T {
	if c := l.cells[i]; !c.isOwn(l.owner) {
		l.cells[i] = c.copied(l.owner)
	}
	return &l.cells[i].value
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
