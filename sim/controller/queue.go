package controller

import "github.com/statefulsim/statefulsim/sim/state"

// queue is what waits in line: added at the end, taken from the front. It uses
// its memory again, so that a queue that is seldom long allocates seldom. The
// zero queue is empty.
type queue[T any] struct {
	items []T `state:"hashed"`
	taken int `state:"hashed"` // of items, from the front; those are zero
}

// HashState takes in those that wait.
func (q *queue[T]) HashState(h *state.Hasher) {
	list := q.all()
	h.Value(&list)
}

// len returns how many wait.
func (q *queue[T]) len() int { return len(q.items) - q.taken }

// all returns those that wait, in order, until the next push.
func (q *queue[T]) all() []T { return q.items[q.taken:] }

// first returns the first of those that wait; there must be one.
func (q *queue[T]) first() T { return q.items[q.taken] }

func (q *queue[T]) push(item T) {
	if q.taken > len(q.items)/2 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.all())
		clear(q.items[n:])
		q.items, q.taken = q.items[:n], 0
	}
	q.items = append(q.items, item)
}

// pop takes the first of those that wait; there must be one.
func (q *queue[T]) pop() T {
	var none T
	item := q.items[q.taken]
	q.items[q.taken] = none // or it would hold on to what it refers to
	if q.taken++; q.taken == len(q.items) {
		q.items, q.taken = q.items[:0], 0
	}
	return item
}
