package state

import (
	"cmp"
	"crypto/sha256"
	"reflect"
	"slices"
	"unsafe"
)

// Hasher digests one value. Its methods take in what the value consists of, one
// after the other.
type Hasher struct {
	h          uint64
	scope      uint64 // of handles
	inForeign  bool   // what is digested never changes
	span       int64  // the longest that was stated
	version    uint64 // of the object that is digested
	generation int64  // of the object that is digested
	owner      uint64 // its controller
	open       []open
	spelled    *spelling // if somebody wants to read it
	above      []origin  // pointers that lead to what is digested now
	before     []known   // foreign values that were digested earlier
	objects    []known
}

// Hashed is a type that says itself what of it counts. Each of its fields bears
// the tag `state:"hashed"` if the method takes it in, or else "incidental".
type Hashed interface{ HashState(h *Hasher) }

// Scoped is a type whose handles are its own: those within it are told apart from
// others by the scope.
type Scoped interface{ HashScope() string }

// Amended is a type of which more counts than its fields, each on its own: what an
// incidental field means under circumstances.
type Amended interface{ HashAlso(h *Hasher) }

// DigestOf digests a value. What an earlier Digest, which may be nil, knows of
// foreign values is used again.
func DigestOf[T any](value *T, earlier *Digest) *Digest {
	h := hasherAfter(earlier)
	h.Value(value)
	return h.Digest()
}

func hasherAfter(earlier *Digest) Hasher {
	if earlier == nil {
		return Hasher{}
	}
	return Hasher{before: earlier.objects}
}

// Digest returns what was digested.
func (h *Hasher) Digest() *Digest {
	slices.SortFunc(h.objects, func(a, b known) int { return cmp.Compare(uintptr(a.at), uintptr(b.at)) })
	return &Digest{h.h, h.open, h.objects, h.version, h.span}
}

// Number takes in a number.
func (h *Hasher) Number(x uint64) {
	h.h = blend(h.h, x)
	if h.spelled != nil {
		h.spelled.number(x)
	}
}

// Bool takes in a truth.
func (h *Hasher) Bool(b bool) {
	if b {
		h.Number(2)
	} else {
		h.Number(1)
	}
}

// leave leaves something open here.
func (h *Hasher) leave(kind opening, value, group uint64) {
	h.Number(uint64(kind) + 16)
	if h.open = append(h.open, open{h.h, value, group, kind, nil}); h.spelled != nil {
		h.spelled.open(kind, value)
	}
}

// ID takes in an identifier, of which nothing matters but what else has it.
func (h *Hasher) ID(id string) { h.leave(identifier, HashText(id), 0) }

// Version takes in a resourceVersion, which is an identifier of what was written.
func (h *Hasher) Version(v uint64) {
	if v == 0 {
		h.Number(0)
		return
	}
	h.leave(written, blend(version, v), 0)
}

// version tells resourceVersions from other identifiers.
const version = 0x766572

// Stamp takes in a time that is stored in an object, in Unix nanoseconds.
func (h *Hasher) Stamp(at int64) { h.leave(stamp, uint64(at), 0) }

// Moment takes in a time of the virtual clock; 0 is none.
func (h *Hasher) Moment(at int64) {
	if at == 0 || at == never {
		h.Number(uint64(at))
		return
	}
	h.leave(moment, uint64(at), 0)
}

// never is engine.Never.
const never = 1<<63 - 1

// Phase takes in a time from which on something happens periodically.
func (h *Hasher) Phase(at int64) { h.leave(phase, uint64(at), 0) }

// Weak takes in an identifier that matters only if something else has it. The order
// among several does not count.
func (h *Hasher) Weak(id string) { h.open = append(h.open, open{h.h, HashText(id), 0, faint, nil}) }

// Deadline takes in a time of which nothing matters once it is past.
func (h *Hasher) Deadline(at int64) {
	if at == never {
		h.Number(never)
		return
	}
	h.leave(deadline, uint64(at), 0)
}

// Handle takes in a number that identifies something within a scope: a slot, a
// ticket.
func (h *Hasher) Handle(n uint64) { h.leave(identifier, blend(blend(h.scope, handle), n), 0) }

// handle tells handles from other identifiers.
const handle = 0x68616e64

// Within sets the scope of the handles that follow.
func (h *Hasher) Within(scope string) { h.scope = HashText(scope) }

// Rank takes in a number of which nothing matters but how it compares with others
// of its group.
func (h *Hasher) Rank(group uint64, number int64) { h.leave(rank, uint64(number), group) }

// Text takes in a text. A UID in it counts as an identifier, and so does a
// name that ends as a generated one, if it is one. The name of a VolumeAttachment is
// one, too: what it is made of, the UID of a claim among it, stands in its spec.
func (h *Hasher) Text(s string) {
	if h.spelled != nil {
		h.spelled.text(s)
	}
	if len(s) == len(tokenVolume)+randomEnd && s[:len(tokenVolume)] == tokenVolume {
		s = tokenVolume // one in each pod, known by nobody else
	}
	if isAttachment(s) {
		h.Number(HashText(attachment))
		h.leave(identifier, HashText(s), 0)
		return
	}
	if looksGenerated(s) {
		h.Number(HashText(s[:len(s)-randomEnd]))
		h.leave(perhaps, HashText(s), 0)
		return
	}
	for {
		from, to := uuidIn(s)
		if from < 0 {
			h.Number(HashText(s))
			return
		}
		h.Number(HashText(s[:from]))
		h.leave(identifier, HashText(s[from:to]), 0)
		s = s[to:]
	}
}

// Nested takes in what was digested before.
func (h *Hasher) Nested(d *Digest) {
	h.Number(d.sum)
	h.span = max(h.span, d.span)
	for _, o := range d.open {
		o.slot = blend(o.slot, h.h)
		h.open = append(h.open, o)
	}
}

// Set takes in the elements of a set, whose order does not count: visit calls one
// for each of them, with what takes it in.
func (h *Hasher) Set(visit func(one func(take func()))) {
	base, sum := h.h, uint64(0)
	visit(func(take func()) {
		first := len(h.open)
		h.h = base
		take()
		inner := blend(h.h, 3)
		for i := first; i < len(h.open); i++ {
			h.open[i].slot = blend(h.open[i].slot, inner)
		}
		sum += inner
	})
	h.h = blend(base, sum)
}

// Value takes in a value by its type.
func (h *Hasher) Value(pointer any) {
	v := reflect.ValueOf(pointer)
	hashPlanOf(v.Type().Elem()).hash(h, v.UnsafePointer())
}

// foreign takes in what a pointer of a foreign type refers to: it is never changed.
func (h *Hasher) foreign(p *hashPlan, at unsafe.Pointer) {
	find := func(list []known) *Digest {
		i, ok := slices.BinarySearchFunc(list, uintptr(at), func(k known, at uintptr) int { return cmp.Compare(uintptr(k.at), at) })
		if ok {
			return list[i].digest
		}
		return nil
	}
	if h.spelled != nil {
		p.hash(h, at)
		return
	}
	d := find(h.before)
	if d == nil {
		inner := Hasher{inForeign: true}
		p.hash(&inner, at)
		d = inner.Digest()
	}
	h.objects = append(h.objects, known{at, d})
	h.span = max(h.span, d.span)
	if d.version == 0 {
		h.Nested(d)
		return
	}
	h.Number(d.sum)
	h.open = append(h.open, open{h.h, d.version, 0, object, d})
}

// longestName bounds the texts that are searched for UIDs.
const longestName = 256

// uuidIn returns where the first UID lies in a text, or -1.
func uuidIn(s string) (from, to int) {
	const length = 36
	if len(s) < length || len(s) > longestName {
		return -1, -1
	}
	for i := 0; i+length <= len(s); i++ {
		if s[i+8] == '-' && s[i+13] == '-' && s[i+18] == '-' && s[i+23] == '-' && isHex(s[i:i+8]) && isHex(s[i+24:i+length]) {
			return i, i + length
		}
	}
	return -1, -1
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

const (
	// tokenVolume begins the name of the volume with a pod's token.
	tokenVolume = "kube-api-access-"
	// attachment begins the name of a VolumeAttachment.
	attachment = "csi-"
	// randomEnd is how long the random end of a generated name is.
	randomEnd = 5
)

// isAttachment reports whether a name is one that the attach/detach controller made.
func isAttachment(s string) bool {
	return len(s) == len(attachment)+2*sha256.Size && s[:len(attachment)] == attachment && isHex(s[len(attachment):])
}

// looksGenerated reports whether a name ends as one that the server made up
// (apimachinery, util/rand: no vowels, no 0, 1 and 3).
func looksGenerated(s string) bool {
	n := len(s) - randomEnd
	if n < 1 || len(s) > longestName || s[n-1] != '-' {
		return false
	}
	for i := n; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '4' && c <= '9', c == '2':
		case c >= 'b' && c <= 'z' && c != 'e' && c != 'i' && c != 'o' && c != 'u' && c != 'y':
		default:
			return false
		}
	}
	return true
}
