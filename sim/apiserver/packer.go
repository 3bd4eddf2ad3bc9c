package apiserver

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/state"
)

// texts numbers the texts that come up again and again: names of namespaces,
// nodes and components, kinds, reasons. The first few tens of thousands are
// numbered, from 1; the rest is none of those. The zero texts is empty.
type texts struct {
	known state.Box[vocabulary]

	lately []numbered `state:"scratch"` // by a cheap hash: most texts are those of the Event before
	room   []byte     `state:"scratch"` // of the packer, used again
}

// vocabulary is the texts with their numbers.
type vocabulary struct {
	numbers map[string]uint32
	list    []string
}

type numbered struct {
	text   string
	number uint32
}

const (
	textsLimit  = 1 << 16
	textsLately = 64 // a power of two
)

// number returns the number of a text, 0 if it has none.
func (t *texts) number(s string) uint32 {
	if s == "" {
		return t.find(s)
	}
	if t.lately == nil {
		t.lately = make([]numbered, textsLately)
	}
	known := &t.lately[(len(s)+int(s[0])<<3+int(s[len(s)-1]))%textsLately]
	if known.text != s {
		*known = numbered{s, t.find(s)}
	}
	return known.number
}

// find is number of a text that was not looked up lately.
func (t *texts) find(s string) uint32 {
	known := t.known.Read()
	if n := known.numbers[s]; n > 0 || len(known.list) == textsLimit {
		return n
	}
	if known = t.known.Write(); known.numbers == nil {
		known.numbers = map[string]uint32{}
	}
	known.list = append(known.list, s)
	known.numbers[s] = uint32(len(known.list))
	return known.numbers[s]
}

// packer writes values one after the other; unpacker reads them back in the same
// order.
type packer struct {
	buf   []byte
	texts *texts
}

type unpacker struct {
	rest  string
	texts *texts
}

func (w *packer) flag(b bool) {
	if b {
		w.buf = append(w.buf, 1)
	} else {
		w.buf = append(w.buf, 0)
	}
}

func (r *unpacker) flag() bool {
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b == 1
}

// unsigned writes a number, the shorter the smaller it is.
func (w *packer) unsigned(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

func (r *unpacker) unsigned() (n uint64) {
	for i := 0; ; i++ {
		b := r.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
}

// number writes a number, the shorter the nearer it is to 0.
func (w *packer) number(n int64) { w.unsigned(uint64(n)<<1 ^ uint64(n>>63)) }

func (r *unpacker) number() int64 {
	n := r.unsigned()
	return int64(n>>1) ^ -int64(n&1)
}

// noTime stands for a time that is not set.
const noTime = -1 << 63

// after writes a time, the shorter the nearer it is to another.
func (w *packer) after(base, t int64) {
	w.flag(t != noTime)
	if t != noTime {
		w.number(t - base)
	}
}

func (r *unpacker) after(base int64) int64 {
	if !r.flag() {
		return noTime
	}
	return base + r.number()
}

func (w *packer) string(s string) {
	w.unsigned(uint64(len(s)))
	w.buf = append(w.buf, s...)
}

func (r *unpacker) string() string {
	n := r.unsigned()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// text writes a string that comes up often.
func (w *packer) text(s string) {
	n := w.texts.number(s)
	w.unsigned(uint64(n))
	if n == 0 {
		w.string(s)
	}
}

func (r *unpacker) text() string {
	n := r.unsigned()
	if n == 0 {
		return r.string()
	}
	return r.texts.known.Read().list[n-1]
}

// uid writes a string that mostly is a UID as uuid makes them: of those, the bits.
func (w *packer) uid(uid types.UID) {
	var raw [16]byte
	if !uuidBits(uid, &raw) {
		w.flag(false)
		w.string(string(uid))
		return
	}
	w.flag(true)
	w.buf = append(w.buf, raw[:]...)
}

func (r *unpacker) uid() types.UID {
	if !r.flag() {
		return types.UID(r.string())
	}
	raw := [16]byte([]byte(r.rest[:16]))
	r.rest = r.rest[16:]
	return uuidText(raw)
}

// decimal writes a string that mostly is a number.
func (w *packer) decimal(s string) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || s[0] == '0' && s != "0" {
		w.unsigned(0)
		w.string(s)
		return
	}
	w.unsigned(n + 1)
}

func (r *unpacker) decimal() string {
	n := r.unsigned()
	if n == 0 {
		return r.string()
	}
	return strconv.FormatUint(n-1, 10)
}

// dashes are the places of the dashes in the text of a UUID.
var dashes = [...]int{8, 13, 18, 23}

// uuidText writes the bits of a UUID as text.
func uuidText(raw [16]byte) types.UID {
	var text [36]byte
	hex.Encode(text[:], raw[:4])
	for i, dash := range dashes {
		text[dash] = '-'
		hex.Encode(text[dash+1:], raw[4+2*i:min(6+2*i, 16)])
	}
	hex.Encode(text[24:], raw[10:])
	return types.UID(text[:])
}

// uuidBits reads them, and reports whether the text is one that uuidText writes.
func uuidBits(uid types.UID, raw *[16]byte) bool {
	if len(uid) != 36 {
		return false
	}
	at := 0
	for i := range raw {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			if uid[at] != '-' {
				return false
			}
			at++
		}
		high, low := hexDigits[uid[at]], hexDigits[uid[at+1]]
		if high|low > 0xf {
			return false
		}
		raw[i] = high<<4 | low
		at += 2
	}
	return true
}

// hexDigits are the values of hexadecimal digits, in lower case; of other bytes, one
// that none has.
var hexDigits = func() (values [256]byte) {
	for c := range values {
		values[c] = 0xff
	}
	for n, c := range "0123456789abcdef" {
		values[c] = byte(n)
	}
	return values
}()
