package engine

import (
	"math/bits"
	"slices"
)

// queue holds the pending events by (At, Seq). It is a radix heap: because no
// event is ever scheduled before the one that was taken last, it suffices to
// file an event by the highest digit in which its time differs from that one's,
// and by what that digit is. Adding is an append; taking the next event spreads
// the lowest bucket over those below it, which an event goes through once for
// each digit at the most. Buckets keep the order of Seq, and so do the moves
// between them.
type queue struct {
	// from is the time of the event that take returned last: no pending event
	// is earlier, and none can be added that is.
	from Time
	// buckets[0] holds the events at from; the others are ascending in time.
	buckets [buckets]bucket
	used    [buckets/64 + 1]uint64 // bit b: buckets[b] is not empty
	n       int
	least   uint32 // where the next event is, if not in buckets[0]; 0 if not known

	// All buckets live in chunks of one slice, so that they need no room of
	// their own. Chunk 0 is not used: a place of 0 means none.
	events []Event
	links  []uint32 // for each chunk the one after it, in its bucket or among the free
	free   uint32
}

const (
	digitBits = 4
	digits    = 1<<digitBits - 1 // but 0
	buckets   = (63+digitBits-1)/digitBits*digits + 1

	chunkBits = 4
	chunkSize = 1 << chunkBits
	inChunk   = chunkSize - 1
)

// bucket is a list of chunks. It begins at the place first and ends before end;
// both are 0 if it is empty.
type bucket struct{ first, end uint32 }

// bucketOf returns where an event of a time belongs.
func (q *queue) bucketOf(at Time) int {
	differ := bits.Len64(uint64(at ^ q.from))
	if differ == 0 {
		return 0
	}
	digit := (differ - 1) / digitBits
	return digit*digits + int(at>>(digit*digitBits)&digits)
}

// lowest returns the first bucket that holds something; there must be one.
func (q *queue) lowest() int {
	for w, word := range q.used {
		if word != 0 {
			return w<<6 + bits.TrailingZeros64(word)
		}
	}
	panic("engine: an empty queue has no lowest bucket")
}

// add files an event, which must be the latest by Seq.
func (q *queue) add(ev *Event) {
	q.n++
	b := q.bucketOf(ev.At)
	q.push(b, ev)
	if b > 0 && q.least != 0 && ev.At < q.events[q.least].At {
		q.least = q.buckets[b].end - 1
	}
}

// push appends an event to a bucket.
func (q *queue) push(b int, ev *Event) {
	k := &q.buckets[b]
	if k.end&inChunk == 0 {
		q.extend(b)
	}
	q.events[k.end] = *ev
	k.end++
}

// extend gives a bucket another chunk.
func (q *queue) extend(b int) {
	c := q.free
	if c != 0 {
		q.free = q.links[c]
	} else {
		c = q.room()
	}
	k := &q.buckets[b]
	if k.first == 0 {
		k.first = c << chunkBits
		q.used[b>>6] |= 1 << (b & 63)
	} else {
		q.links[(k.end-1)>>chunkBits] = c
	}
	k.end = c << chunkBits
}

// room makes a new chunk.
func (q *queue) room() uint32 {
	if len(q.links) == 0 {
		q.events, q.links = make([]Event, chunkSize, 8*chunkSize), make([]uint32, 1, 8)
	}
	q.events = slices.Grow(q.events, chunkSize)[:len(q.events)+chunkSize]
	q.links = append(q.links, 0)
	return uint32(len(q.links) - 1)
}

func (q *queue) release(chunk uint32) { q.links[chunk], q.free = q.free, chunk }

// next returns the earliest event, or nil.
func (q *queue) next() *Event {
	if q.n == 0 {
		return nil
	}
	b := q.lowest()
	if b == 0 {
		return &q.events[q.buckets[0].first]
	}
	if q.least == 0 {
		earliest := Never
		k := q.buckets[b]
		for i := k.first; i != 0; i = q.follow(i, k.end) {
			run := q.run(i, k.end)
			for e := range run {
				if run[e].At < earliest {
					earliest, q.least = run[e].At, i+uint32(e)
				}
			}
		}
	}
	return &q.events[q.least]
}

// take removes the earliest event, which must exist.
func (q *queue) take() Event {
	if b := q.lowest(); b > 0 {
		q.spread(b, q.next().At)
	}
	ev := q.events[q.buckets[0].first]
	q.drop(0)
	return ev
}

// drop removes the first event of a bucket.
func (q *queue) drop(b int) {
	q.n--
	k := &q.buckets[b]
	i := k.first
	if i+1 == k.end {
		*k = bucket{}
		q.used[b>>6] &^= 1 << (b & 63)
	} else if k.first++; k.first&inChunk == 0 {
		k.first = q.links[i>>chunkBits] << chunkBits
	} else {
		return
	}
	q.release(i >> chunkBits)
}

// spread moves the events of the lowest bucket, whose earliest is at a time, to
// the buckets that they belong to from then on.
func (q *queue) spread(b int, from Time) {
	k := q.buckets[b]
	q.buckets[b] = bucket{}
	q.used[b>>6] &^= 1 << (b & 63)
	q.from, q.least = from, 0
	for i := k.first; i != 0; {
		run := q.run(i, k.end)
		for e := range run {
			ev := &run[e]
			to := q.bucketOf(ev.At)
			t := &q.buckets[to]
			if t.end&inChunk == 0 {
				q.extend(to)
			}
			q.events[t.end] = *ev
			t.end++
		}
		chunk := i >> chunkBits
		i = q.follow(i, k.end)
		q.release(chunk)
	}
}

// run returns the events of a bucket that ends before end, from a place on up
// to the end of its chunk.
func (q *queue) run(i, end uint32) []Event {
	if (end-1)>>chunkBits == i>>chunkBits {
		return q.events[i:end]
	}
	return q.events[i : i|inChunk+1]
}

// follow returns the place where the next run begins, or 0.
func (q *queue) follow(i, end uint32) uint32 {
	if (end-1)>>chunkBits == i>>chunkBits {
		return 0
	}
	return q.links[i>>chunkBits] << chunkBits
}

// remove takes an event out of its turn. The cost is O(pending).
func (q *queue) remove(seq uint64) (Event, bool) {
	for b := range q.buckets {
		k := q.buckets[b]
		var before []*Event // the bucket's, in order
		for i := k.first; i != 0; i = q.follow(i, k.end) {
			run := q.run(i, k.end)
			for e := range run {
				if before = append(before, &run[e]); run[e].Seq != seq {
					continue
				}
				ev := run[e]
				for n := len(before) - 1; n > 0; n-- { // the first place becomes free
					*before[n] = *before[n-1]
				}
				q.drop(b)
				q.least = 0
				return ev, true
			}
		}
	}
	return Event{}, false
}

// each calls visit with every pending event.
func (q *queue) each(visit func(*Event)) {
	for _, k := range q.buckets {
		for i := k.first; i != 0; i = q.follow(i, k.end) {
			run := q.run(i, k.end)
			for e := range run {
				visit(&run[e])
			}
		}
	}
}
