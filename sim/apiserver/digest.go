package apiserver

import (
	"math"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Digest is a hash of one object's state, free of what tells two ways to the
// same state apart: versions, UIDs, absolute times, how high a counter is. What
// it refers to by UID or address is left open until Census.Resolve names it.
type Digest struct {
	sum  uint64
	refs []reference
}

// reference is a UID or an address within an object: where, and which.
type reference struct {
	slot uint64
	id   string
}

// DigestOf computes the digest of a stored object. It leaves out
// resourceVersion, generation, uid, managedFields and container IDs. Of times it
// keeps that they are set; of observedGeneration, how far it lags behind; of a
// restart count, whether it is zero. The revision of a ControllerRevision
// counts by its rank (Census.Resolve).
//
// Kinds without behaviour are reduced as Canonical does.
func DigestOf(kind Kind, obj Object) Digest {
	if kind >= Behaving {
		return Digest{sum: Canonical(obj)}
	}
	w := digester{h: uint64(kind), generation: obj.GetGeneration()}
	w.value(reflect.ValueOf(obj).Elem(), plans[kinds[kind].typ.Elem()])
	return Digest{sum: w.h, refs: w.refs}
}

// role is what a field means for a digest.
type role uint8

const (
	ordinary   role = iota
	skipped         // does not count
	presence        // counts as set or not
	observed        // a generation: counts by its lag
	whetherAny      // counts as zero or not
	address         // refers to whatever has the address
)

// plan is how values of a type are walked.
type plan struct {
	kind   reflect.Kind
	fields []fieldPlan // of a struct
	elem   *plan       // of a pointer, slice or map
	exact  func(reflect.Value) uint64
}

type fieldPlan struct {
	index int
	role  role
	plan  *plan
}

// plans holds the types of the kinds with behaviour. It is written here alone.
var plans = func() map[reflect.Type]*plan {
	m := map[reflect.Type]*plan{}
	for k := Kind(1); k < Behaving; k++ {
		planFor(kinds[k].typ.Elem(), m)
	}
	return m
}()

func planFor(t reflect.Type, m map[reflect.Type]*plan) *plan {
	if p := m[t]; p != nil {
		return p
	}
	p := &plan{kind: t.Kind()}
	m[t] = p
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		p.elem = planFor(t.Elem(), m)
	case reflect.Struct:
		switch t.String() {
		case "resource.Quantity":
			p.exact = func(v reflect.Value) uint64 {
				q := v.Addr().Interface().(*resource.Quantity)
				return math.Float64bits(q.AsApproximateFloat64())
			}
			return p
		case "v1.Time", "v1.MicroTime":
			return p // no fields: its presence counts, by the role
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() || f.Type.Kind() == reflect.Interface || f.Type.Kind() == reflect.Func {
				continue
			}
			if r := roleOf(t, f); r != skipped {
				p.fields = append(p.fields, fieldPlan{i, r, planFor(f.Type, m)})
			}
		}
	}
	return p
}

func roleOf(t reflect.Type, f reflect.StructField) role {
	switch f.Name {
	case "ResourceVersion", "UID", "Generation", "ManagedFields", "ContainerID", "SelfLink", "TypeMeta":
		if f.Name == "UID" && t.String() != "v1.ObjectMeta" {
			return ordinary // a reference: its form tells
		}
		return skipped
	case "ObservedGeneration":
		return observed
	case "RestartCount":
		return whetherAny
	case "PodIP", "IP", "Addresses":
		return address
	case "Revision":
		if t.Name() == "ControllerRevision" {
			return skipped // its rank counts
		}
	}
	switch strings.TrimPrefix(f.Type.String(), "*") {
	case "v1.Time", "v1.MicroTime":
		return presence
	}
	return ordinary
}

// digester walks one object.
type digester struct {
	h          uint64
	generation int64
	refs       []reference
}

func (w *digester) add(x uint64) { w.h = blend(w.h, x) }

func (w *digester) value(v reflect.Value, p *plan) {
	if p.exact != nil {
		if !v.CanAddr() { // the element of a map
			c := reflect.New(v.Type()).Elem()
			c.Set(v)
			v = c
		}
		w.add(p.exact(v))
		return
	}
	switch p.kind {
	case reflect.Pointer:
		if v.IsNil() {
			w.add(0)
			return
		}
		w.add(1)
		w.value(v.Elem(), p.elem)
	case reflect.Struct:
		for i := range p.fields {
			w.field(v.Field(p.fields[i].index), &p.fields[i])
		}
	case reflect.Slice:
		n := v.Len()
		w.add(uint64(n))
		if p.elem.kind == reflect.Uint8 {
			w.text(string(v.Bytes()))
			return
		}
		for i := range n {
			w.value(v.Index(i), p.elem)
		}
	case reflect.Map:
		w.table(v, p)
	case reflect.String:
		w.text(v.String())
	case reflect.Bool:
		if v.Bool() {
			w.add(2)
		} else {
			w.add(1)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.add(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		w.add(v.Uint())
	case reflect.Float32, reflect.Float64:
		w.add(math.Float64bits(v.Float()))
	}
}

func (w *digester) field(v reflect.Value, f *fieldPlan) {
	switch f.role {
	case presence:
		if v.IsZero() {
			w.add(0)
		} else {
			w.add(1)
		}
	case observed:
		n := v.Int()
		if n != 0 {
			n -= w.generation + 1 // 0 stays "not observed"
		}
		w.add(uint64(n))
	case whetherAny:
		if v.IsZero() {
			w.add(0)
		} else {
			w.add(1)
		}
	case address:
		w.addresses(v)
	default:
		w.value(v, f.plan)
	}
}

// addresses takes in one address, or a list of them.
func (w *digester) addresses(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String && v.Len() > 0:
		w.ref(v.String())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		for i := range v.Len() {
			w.ref(v.Index(i).String())
		}
	case v.Kind() == reflect.Slice:
		w.value(v, plans[v.Type()])
	}
	w.add(uint64(v.Len()))
}

// table takes in a map with names for keys: each entry on its own, so that
// their order cannot matter.
func (w *digester) table(v reflect.Value, p *plan) {
	before, sum := w.h, uint64(0)
	for it := v.MapRange(); it.Next(); { // a sum: order cannot matter
		key := it.Key().String()
		w.h = blend(before, hashText(key))
		if !strings.HasSuffix(key, "-time") { // an annotation with a moment
			w.value(it.Value(), p.elem)
		}
		sum += w.h
	}
	w.h = before
	w.add(sum)
	w.add(uint64(v.Len()))
}

func (w *digester) text(s string) {
	s = withoutRandomEnd(s)
	from, to := uuidIn(s)
	if from < 0 {
		w.add(hashText(s))
		return
	}
	w.add(hashText(s[:from]))
	w.ref(s[from:to])
	w.text(s[to:])
}

// withoutRandomEnd is the name of a pod's token volume without what is drawn of it,
// or else the text itself.
func withoutRandomEnd(s string) string {
	if len(s) == len(tokenVolume)+6 && s[:len(tokenVolume)] == tokenVolume {
		return tokenVolume
	}
	return s
}

func (w *digester) ref(id string) {
	w.add(1)
	w.refs = append(w.refs, reference{w.h, id})
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

// hashText is a hash of a text, eight bytes at a time.
func hashText(s string) uint64 {
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

// blend folds x into h; the order of what is folded in matters.
func blend(h, x uint64) uint64 {
	h = (h ^ x) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}
