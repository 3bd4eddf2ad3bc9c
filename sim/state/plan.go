package state

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unsafe"
)

// Immutable is declared by a type of which no value is changed once another
// refers to it, as its first field: `_ state.Immutable`.
type Immutable struct{}

// Sole is true as long as nobody else holds what it vouches for: of two copies
// neither is.
type Sole bool

var (
	immutable = reflect.TypeFor[Immutable]()
	sole      = reflect.TypeFor[Sole]()
	owning    = reflect.TypeFor[*Owner]()
	memo      = reflect.TypeFor[Memo]()
	sharing   = reflect.TypeFor[sharer]()
)

// module is where the types are whose memory is copied.
var module = strings.TrimSuffix(immutable.PkgPath(), "/sim/state")

// plan is how values of a type are copied.
type plan struct {
	typ reflect.Type
	// own makes a value, which has the same bytes as another, independent of
	// that one. It is nil if nothing is to be done.
	own func(c *copier, at unsafe.Pointer)
}

// plans holds the plans of the types that were copied so far. A plan is a
// function of its type: who made it first cannot be seen.
var plans sync.Map // reflect.Type → *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	b := builder{}
	p := b.plan(t)
	for t, p := range b { // into a map
		plans.Store(t, p)
	}
	return p
}

// builder makes the plans of types that may refer to each other.
type builder map[reflect.Type]*plan

func (b builder) plan(t reflect.Type) *plan {
	if p := b[t]; p != nil {
		return p
	}
	if known, ok := plans.Load(t); ok {
		return known.(*plan)
	}
	p := &plan{typ: t}
	b[t] = p
	switch {
	case t == owning:
		p.own = func(c *copier, at unsafe.Pointer) { *(**Owner)(at) = c.owner }
	case t == sole:
		p.own = func(_ *copier, at unsafe.Pointer) { *(*Sole)(at) = false }
	case reflect.PointerTo(t).Implements(sharing):
		p.own = func(c *copier, at unsafe.Pointer) { reflect.NewAt(t, at).Interface().(sharer).pass(c.owner) }
	case t == memo, IsImmutable(t):
	default:
		b.build(p)
	}
	return p
}

func (b builder) build(p *plan) {
	t := p.typ
	switch t.Kind() {
	case reflect.Pointer:
		if elem := t.Elem(); !IsImmutable(elem) {
			// An element may refer to what it is an element of: that something is
			// to be done is known before what.
			var to *plan
			p.own = func(c *copier, at unsafe.Pointer) { c.pointer(to, (*unsafe.Pointer)(at)) }
			to = b.plan(elem)
		}
	case reflect.Slice:
		var elem *plan
		p.own = func(c *copier, at unsafe.Pointer) { c.slice(t, elem, at) }
		elem = b.plan(t.Elem())
	case reflect.Map:
		var key, elem *plan
		p.own = func(c *copier, at unsafe.Pointer) { c.table(t, key, elem, at) }
		key, elem = b.plan(t.Key()), b.plan(t.Elem())
	case reflect.Array:
		if elem := b.plan(t.Elem()); elem.own != nil {
			n, size := t.Len(), t.Elem().Size()
			p.own = func(c *copier, at unsafe.Pointer) {
				for i := range n {
					elem.own(c, unsafe.Add(at, uintptr(i)*size))
				}
			}
		}
	case reflect.Interface:
		p.own = func(c *copier, at unsafe.Pointer) { c.dynamic(t, at) }
	case reflect.Struct:
		b.fields(p)
	case reflect.Chan, reflect.UnsafePointer:
		panic(fmt.Sprintf("state: a %s cannot be copied", t))
	}
}

func (b builder) fields(p *plan) {
	type step struct {
		offset uintptr
		plan   *plan
	}
	var steps []step
	for i := range p.typ.NumField() {
		f := p.typ.Field(i)
		switch TagOf(f) {
		case "immutable":
			continue
		case "log":
			typ := f.Type
			steps = append(steps, step{f.Offset, &plan{typ, func(_ *copier, at unsafe.Pointer) {
				list := reflect.NewAt(typ, at).Elem()
				list.Set(list.Slice3(0, list.Len(), list.Len()))
			}}})
			continue
		case "elements":
			steps = append(steps, step{f.Offset, elements(f.Type)})
			continue
		case "scratch":
			typ := f.Type
			steps = append(steps, step{f.Offset, &plan{typ, func(_ *copier, at unsafe.Pointer) { reflect.NewAt(typ, at).Elem().SetZero() }}})
			continue
		}
		if fp := b.plan(f.Type); fp.own != nil {
			steps = append(steps, step{f.Offset, fp})
		}
	}
	if len(steps) == 0 {
		return
	}
	p.own = func(c *copier, at unsafe.Pointer) {
		for i := range steps {
			steps[i].plan.own(c, unsafe.Add(at, steps[i].offset))
		}
	}
}

// elements is the plan of a map or list whose elements are immutable.
func elements(t reflect.Type) *plan {
	flat := &plan{}
	if t.Kind() == reflect.Map {
		return &plan{t, func(c *copier, at unsafe.Pointer) { c.table(t, flat, flat, at) }}
	}
	return &plan{t, func(c *copier, at unsafe.Pointer) { c.slice(t, flat, at) }}
}

// TagOf returns how a field declares to be copied: "immutable", "elements", "log",
// "scratch", or nothing.
func TagOf(f reflect.StructField) string {
	tag, _ := tags(f)
	return tag
}

// tags returns how a field declares to be copied, and how to be hashed:
// "incidental", "version", "deadline", "hashed", or nothing.
func tags(f reflect.StructField) (copied, hashed string) {
	for tag := range strings.SplitSeq(f.Tag.Get("state"), ",") {
		switch tag {
		case "":
		case "immutable", "elements", "log", "scratch":
			copied = tag
		case "incidental", "version", "deadline", "id", "handle", "rank", "set", "phase", "hashed":
			hashed = tag
		default:
			panic(fmt.Sprintf("state: the field %s has the tag %q, which means nothing", f.Name, tag))
		}
	}
	return copied, hashed
}

// IsImmutable reports whether what a pointer to a type, or a value of it, refers
// to is never changed: it is declared so, or is not of this module.
func IsImmutable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Interface:
		if path := t.PkgPath(); path != "" && path != module && !strings.HasPrefix(path, module+"/") {
			return true
		}
		return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Type == immutable || t == reflect.TypeFor[error]()
	case reflect.Func:
		return true
	}
	return false
}
