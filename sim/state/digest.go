package state

import (
	"cmp"
	"slices"
	"sync"
	"unsafe"
)

// Digest is a hash of one value as far as the value alone decides it. What only
// the rest of a cluster decides is left open: what an identifier refers to, how
// long ago or ahead a moment is, how one number compares with others. Sum closes
// that.
type Digest struct {
	sum     uint64
	open    []open
	objects []known // what the value holds of foreign types, by address
	version uint64  // of an object: the identifier of its resourceVersion
	span    int64   // the longest that it states, for stamps
}

// open is what a Digest leaves open, at one place of the value.
type open struct {
	slot  uint64 // where, and what stands around it
	value uint64 // the identifier, moment or number
	group uint64 // of a rank: among what
	kind  opening
	of    *Digest // of an object
}

// opening says how an open place is closed.
type opening uint8

const (
	// identifier: by which other places have the same one, and by nothing else.
	identifier opening = iota
	// written: an identifier, of what was written.
	written
	// faint: as an identifier, if it is one elsewhere, else not at all.
	faint
	// object: an object that was stored, by its version. If that is the one that the
	// API has, no more is to be said, and else what is open in it.
	object
	// phase: a moment, of which only where in a period of a minute it is counts.
	phase
	// perhaps: as an identifier if it is one elsewhere, else by itself as well.
	perhaps
	// moment: by the span between it and now.
	moment
	// deadline: as a moment, but all that are past are alike.
	deadline
	// stamp: a stored time: by its age, as far as any span that the cluster's
	// objects state could make a difference of it.
	stamp
	// since: as a stamp, however old.
	since
	// rank: by how many different numbers of its group are smaller.
	rank
)

// known is the Digest of a foreign value, which never changes.
type known struct {
	at     unsafe.Pointer
	digest *Digest
}

// Content is the hash of a value without what is open: equal for values that say
// the same about different identifiers, at different times.
func (d *Digest) Content() uint64 { return d.sum }

// Part is one part of a state.
type Part struct {
	Role   uint64 // what tells it from others that are alike; 0 if nothing does
	Stored bool   // it is an object as the API has it
	Digest *Digest
}

// Sum closes Digests, of which all together are one state, at a moment: the hash of
// that state. Their order does not matter.
//
// Two identifiers are told apart by where they stand: a state is the same under
// any renaming of them.
//
// The moment is given on the virtual clock and, as objects store it, in Unix
// nanoseconds.
//
// If it is to be exact, the phases of what happens periodically count as well.
func Sum(now, wall int64, exact bool, parts []Part) uint64 {
	c := closers.Get().(*closer)
	defer c.free()
	c.now, c.wall, c.exact, c.horizon = now, wall, exact, 0
	for i := range parts {
		c.horizon = max(c.horizon, parts[i].Digest.span)
	}
	var sum uint64
	for i := range parts {
		p := &parts[i]
		sum += p.Digest.close(c, blend(p.Role, p.Digest.sum), p.Stored)
	}
	return sum + c.objects() + c.rest()
}

// close returns the hash of a Digest, its identifiers left out: those go to c.
func (d *Digest) close(c *closer, salt uint64, stored bool) uint64 {
	h := salt
	for i := range d.open {
		o := &d.open[i]
		switch o.kind {
		case identifier, perhaps:
			k := c.class(o.value)
			k.places += blend(o.slot, salt)
			k.sure = k.sure || o.kind == identifier
		case written:
			k := c.class(o.value)
			k.places += blend(o.slot, salt)
			k.sure = true
			if stored && o.value == d.version {
				k.stored = d
			}
		case faint:
			c.class(o.value).weak += blend(o.slot, salt)
		case object:
			c.held = append(c.held, open{blend(o.slot, salt), o.value, 0, object, o.of})
		case phase:
			if c.exact {
				h += blend(o.slot, uint64((int64(o.value)-c.now)%6e10))
			}
		case rank:
			c.ranks = append(c.ranks, open{blend(o.slot, salt), o.value, o.group, rank, nil})
		default:
			h += blend(o.slot, c.time(o))
		}
	}
	return blend(h, 1)
}

// Calendar is the span that an object states which acts at certain times of the
// day: then the time itself counts.
const Calendar = 1<<63 - 1

// closer closes what is open.
type closer struct {
	now     int64
	wall    int64
	horizon int64
	classes []class // a hash table by identifier, open addressing
	used    int
	ranks   []open
	held    []open // objects
	exact   bool   // phases count
}

// closers holds the memory of closers that are done: it is empty, and what was in it
// cannot be seen.
var closers = sync.Pool{New: func() any { return &closer{classes: make([]class, 512)} }}

// free gives the memory of a closer back.
func (c *closer) free() {
	clear(c.classes)
	clear(c.held)
	c.used, c.ranks, c.held = 0, c.ranks[:0], c.held[:0]
	closers.Put(c)
}

// class is what all places of one identifier have in common.
type class struct {
	id     uint64 // never 0 if used
	places uint64 // a sum over their slots
	weak   uint64 // as that, of weak ones
	sure   bool   // it is an identifier
	stored *Digest
}

// same reports whether two Digests are of equal values, identifiers and all.
func (d *Digest) same(o *Digest) bool {
	return d == o || d.sum == o.sum && slices.EqualFunc(d.open, o.open, func(a, b open) bool { return a.value == b.value && a.slot == b.slot })
}

// objects closes the objects that parts hold.
func (c *closer) objects() (sum uint64) {
	for i := range c.held {
		o := &c.held[i]
		k := c.class(o.value)
		if k.places += o.slot; k.stored != nil && k.stored.same(o.of) {
			continue
		}
		k.sure = true
		sum += o.of.close(c, o.slot, false)
	}
	return sum
}

// class returns the class of an identifier, until the next call.
func (c *closer) class(id uint64) *class {
	if 2*c.used > len(c.classes) {
		c.grow()
	}
	mask := uint64(len(c.classes) - 1)
	id |= 1 << 63
	for i := id & mask; ; i = (i + 1) & mask {
		k := &c.classes[i]
		if k.id == 0 {
			k.id = id
			c.used++
		}
		if k.id == id {
			return k
		}
	}
}

// grow makes room for more identifiers.
func (c *closer) grow() {
	before := c.classes
	c.classes, c.used = make([]class, 2*len(before)), 0
	for i := range before {
		if k := &before[i]; k.id != 0 {
			*c.class(k.id) = *k
		}
	}
}

func (c *closer) time(o *open) uint64 {
	at := int64(o.value)
	switch {
	case o.kind == deadline && at <= c.now:
		return 2
	case o.kind == stamp && (c.horizon == 0 || c.wall-at > c.horizon):
		return 3
	case o.kind == stamp, o.kind == since:
		return uint64(at - c.wall)
	}
	return uint64(at - c.now)
}

// rest returns the hash of the identifiers and of the ranks.
func (c *closer) rest() (sum uint64) {
	for i := range c.classes {
		switch k := &c.classes[i]; {
		case k.id == 0, k.places == 0:
		case k.sure:
			sum += blend(blend(k.places, 4), k.weak)
		default:
			sum += blend(blend(k.places, 5), k.id)
		}
	}
	switch c.horizon {
	case 0:
	case Calendar:
		sum += blend(6, uint64(c.wall))
	default: // what is stored has whole seconds: where in one we are matters
		sum += blend(6, uint64(c.wall%1e9))
	}
	if len(c.ranks) == 0 {
		return sum
	}
	slices.SortFunc(c.ranks, func(a, b open) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.value, b.value))
	})
	n := uint64(0)
	for i := range c.ranks {
		r := &c.ranks[i]
		switch {
		case i == 0 || r.group != c.ranks[i-1].group:
			n = 0
		case r.value != c.ranks[i-1].value:
			n++
		}
		sum += blend(r.slot, n)
	}
	return sum
}

// Blend folds numbers into one; their order matters.
func Blend(parts ...uint64) uint64 {
	h := uint64(0)
	for _, p := range parts {
		h = blend(h, p)
	}
	return h
}

// blend folds x into h; the order of what is folded in matters.
func blend(h, x uint64) uint64 {
	h = (h ^ x) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>29
}

// HashText is a hash of a text, eight bytes at a time.
func HashText(s string) uint64 {
	h := uint64(len(s))
	for len(s) >= 8 {
		h = blend(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|
			uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
		s = s[8:]
	}
	var rest uint64
	for i := range len(s) {
		rest = rest<<8 | uint64(s[i])
	}
	return blend(h, rest)
}
