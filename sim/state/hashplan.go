package state

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

// hashPlan is how values of a type are digested.
type hashPlan struct {
	typ  reflect.Type
	hash func(h *Hasher, at unsafe.Pointer)
}

// hashPlans holds the plans of the types that were digested so far; see plans.
var hashPlans sync.Map // reflect.Type → *hashPlan

func hashPlanOf(t reflect.Type) *hashPlan {
	if p, ok := hashPlans.Load(t); ok {
		return p.(*hashPlan)
	}
	b := hashBuilder{}
	p := b.plan(t)
	for t, p := range b { // into a map
		hashPlans.Store(t, p)
	}
	return p
}

// hashBuilder makes the plans of types that may refer to each other.
type hashBuilder map[reflect.Type]*hashPlan

var (
	hashing  = reflect.TypeFor[Hashed]()
	scoping  = reflect.TypeFor[Scoped]()
	amending = reflect.TypeFor[Amended]()
	errorful = reflect.TypeFor[error]()
	stringer = reflect.TypeFor[fmt.Stringer]()
)

func nothing(*Hasher, unsafe.Pointer) {}

func (b hashBuilder) plan(t reflect.Type) *hashPlan {
	if p := b[t]; p != nil {
		return p
	}
	if known, ok := hashPlans.Load(t); ok {
		return known.(*hashPlan)
	}
	p := &hashPlan{typ: t}
	b[t] = p
	switch {
	case t == owning, t == sole, t == immutable, t == memo, t.Kind() == reflect.Func:
		p.hash = nothing
	case reflect.PointerTo(t).Implements(sharing):
		p.hash = func(h *Hasher, at unsafe.Pointer) { reflect.NewAt(t, at).Interface().(sharer).hash(h) }
	case reflect.PointerTo(t).Implements(hashing):
		p.hash = func(h *Hasher, at unsafe.Pointer) { reflect.NewAt(t, at).Interface().(Hashed).HashState(h) }
	case isClock(t):
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.Moment(*(*int64)(at)) }
	case isForeign(t) && t.Kind() == reflect.Struct:
		b.foreign(p)
	default:
		b.build(p)
	}
	return p
}

// isClock reports whether a type is engine.Time.
func isClock(t reflect.Type) bool { return t.Name() == "Time" && t.PkgPath() == module+"/sim/engine" }

// isForeign reports whether a type is defined outside this module.
func isForeign(t reflect.Type) bool {
	path := t.PkgPath()
	return path != "" && path != module && !strings.HasPrefix(path, module+"/")
}

func (b hashBuilder) build(p *hashPlan) {
	t := p.typ
	switch t.Kind() {
	case reflect.Bool:
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.Bool(*(*bool)(at)) }
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uintptr:
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.Number(*(*uint64)(at)) }
	case reflect.Int32, reflect.Uint32:
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.Number(uint64(*(*uint32)(at))) }
	case reflect.Int16, reflect.Uint16:
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.Number(uint64(*(*uint16)(at))) }
	case reflect.Int8, reflect.Uint8:
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.Number(uint64(*(*uint8)(at))) }
	case reflect.Float64:
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.Number(math.Float64bits(*(*float64)(at))) }
	case reflect.Float32:
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.Number(uint64(math.Float32bits(*(*float32)(at)))) }
	case reflect.String:
		if t.Name() == "UID" {
			p.hash = func(h *Hasher, at unsafe.Pointer) { h.id(*(*string)(at)) }
		} else {
			p.hash = func(h *Hasher, at unsafe.Pointer) { h.Text(*(*string)(at)) }
		}
	case reflect.Pointer:
		b.pointer(p)
	case reflect.Slice:
		b.slice(p)
	case reflect.Map:
		b.table(p)
	case reflect.Array:
		elem, n, size := b.plan(t.Elem()), t.Len(), t.Elem().Size()
		p.hash = func(h *Hasher, at unsafe.Pointer) {
			for i := range n {
				elem.hash(h, unsafe.Add(at, uintptr(i)*size))
			}
		}
	case reflect.Interface:
		p.hash = func(h *Hasher, at unsafe.Pointer) { h.dynamic(reflect.NewAt(t, at).Elem()) }
	case reflect.Struct:
		b.fields(p)
	default:
		panic(fmt.Sprintf("state: a %s cannot be hashed", t))
	}
}

// id takes in an identifier that may not be set.
func (h *Hasher) id(s string) {
	if s == "" {
		h.Number(0)
		return
	}
	h.ID(s)
}

func (b hashBuilder) pointer(p *hashPlan) {
	elem := p.typ.Elem()
	to := b.plan(elem)
	foreign := isForeign(elem) && elem.Kind() == reflect.Struct && elem.Size() > 64
	p.hash = func(h *Hasher, at unsafe.Pointer) {
		to, at := to, *(*unsafe.Pointer)(at)
		switch {
		case at == nil:
			h.Number(0)
			return
		case foreign && !h.inForeign:
			h.Number(1)
			h.foreign(to, at)
			return
		}
		if h.inForeign {
			h.Number(1)
			to.hash(h, at)
			return
		}
		from := origin{at: at, hash: to}
		for i, known := range h.above {
			if known == from { // a cycle: how far up it leads
				h.Number(uint64(len(h.above)-i) + 2)
				return
			}
		}
		h.Number(1)
		h.above = append(h.above, from)
		to.hash(h, at)
		h.above = h.above[:len(h.above)-1]
	}
}

func (b hashBuilder) slice(p *hashPlan) {
	elem, size := b.plan(p.typ.Elem()), p.typ.Elem().Size()
	bytes := p.typ.Elem().Kind() == reflect.Uint8
	p.hash = func(h *Hasher, at unsafe.Pointer) {
		list := (*struct {
			at       unsafe.Pointer
			len, cap int
		})(at)
		if bytes {
			h.Text(unsafe.String((*byte)(list.at), list.len))
			return
		}
		h.Number(uint64(list.len))
		for i := range list.len {
			elem.hash(h, unsafe.Add(list.at, uintptr(i)*size))
		}
	}
}

func (b hashBuilder) table(p *hashPlan) {
	t := p.typ
	key, elem := b.plan(t.Key()), b.plan(t.Elem())
	named := t.Key().Kind() == reflect.String
	p.hash = func(h *Hasher, at unsafe.Pointer) {
		m := reflect.NewAt(t, at).Elem()
		h.Number(uint64(m.Len()))
		if m.Len() == 0 {
			return
		}
		k, v := reflect.New(t.Key()), reflect.New(t.Elem())
		h.Set(func(one func(func())) {
			for it := m.MapRange(); it.Next(); { // a set
				k.Elem().SetIterKey(it)
				if named && isMomentary(k.Elem().String()) {
					continue
				}
				v.Elem().SetIterValue(it)
				one(func() {
					key.hash(h, k.UnsafePointer())
					elem.hash(h, v.UnsafePointer())
				})
			}
		})
	}
}

// isMomentary reports whether an annotation says when something was done.
func isMomentary(key string) bool { return strings.HasSuffix(key, "-time") }

// dynamic takes in what an interface holds.
func (h *Hasher) dynamic(holder reflect.Value) {
	if holder.IsNil() {
		h.Number(0)
		return
	}
	value := holder.Elem()
	t := value.Type()
	h.Number(HashText(t.String()))
	if t.Implements(errorful) {
		h.Text(value.Interface().(error).Error())
		return
	}
	if t.Kind() != reflect.Pointer && isForeign(t) && t.Implements(stringer) {
		h.Text(value.Interface().(fmt.Stringer).String())
		return
	}
	box := reflect.New(t)
	box.Elem().Set(value)
	hashPlanOf(t).hash(h, box.UnsafePointer())
}

func (b hashBuilder) fields(p *hashPlan) {
	type step struct {
		offset uintptr
		hash   func(h *Hasher, at unsafe.Pointer)
	}
	var steps []step
	for i := range p.typ.NumField() {
		f := p.typ.Field(i)
		copied, hashed := tags(f)
		var hash func(h *Hasher, at unsafe.Pointer)
		switch {
		case copied == "scratch", hashed == "incidental", f.Type == immutable:
			continue
		case hashed == "version" && f.Type.Kind() == reflect.String:
			hash = versionText
		case hashed == "version":
			hash = func(h *Hasher, at unsafe.Pointer) { h.Version(*(*uint64)(at)) }
		case hashed == "phase":
			hash = func(h *Hasher, at unsafe.Pointer) { h.Phase(*(*int64)(at)) }
		case hashed == "id":
			hash = func(h *Hasher, at unsafe.Pointer) { h.id(*(*string)(at)) }
		case hashed == "handle":
			hash = handleOf(f.Type)
		case hashed == "rank":
			group := HashText(p.typ.String() + "." + f.Name)
			hash = func(h *Hasher, at unsafe.Pointer) { h.Rank(blend(h.scope, group), *(*int64)(at)) }
		case hashed == "set":
			hash = b.set(f.Type)
		case hashed == "deadline":
			hash = func(h *Hasher, at unsafe.Pointer) { h.Deadline(*(*int64)(at)) }
		default:
			fp := b.plan(f.Type)
			hash = func(h *Hasher, at unsafe.Pointer) { fp.hash(h, at) } // it may not be known yet
		}
		name, typ := f.Name, p.typ
		if inner := hash; true {
			hash = func(h *Hasher, at unsafe.Pointer) {
				if h.spelled == nil {
					inner(h, at)
					return
				}
				h.spelled.within(typ.Name()+"."+name, func() { inner(h, at) })
			}
		}
		steps = append(steps, step{f.Offset, hash})
	}
	if reflect.PointerTo(p.typ).Implements(amending) {
		steps = append(steps, step{0, func(h *Hasher, at unsafe.Pointer) { reflect.NewAt(p.typ, at).Interface().(Amended).HashAlso(h) }})
	}
	if reflect.PointerTo(p.typ).Implements(scoping) {
		p.hash = func(h *Hasher, at unsafe.Pointer) {
			outer := h.scope
			h.Within(reflect.NewAt(p.typ, at).Interface().(Scoped).HashScope())
			for i := range steps {
				steps[i].hash(h, unsafe.Add(at, steps[i].offset))
			}
			h.scope = outer
		}
		return
	}
	p.hash = func(h *Hasher, at unsafe.Pointer) {
		for i := range steps {
			steps[i].hash(h, unsafe.Add(at, steps[i].offset))
		}
	}
}

// handleOf digests a number as a handle.
func handleOf(t reflect.Type) func(h *Hasher, at unsafe.Pointer) {
	switch t.Size() {
	case 8:
		return func(h *Hasher, at unsafe.Pointer) { h.Handle(*(*uint64)(at)) }
	case 4:
		return func(h *Hasher, at unsafe.Pointer) { h.Handle(uint64(*(*uint32)(at))) }
	}
	panic(fmt.Sprintf("state: a %s is no handle", t))
}

// set digests a list whose order does not count, nor what in it is nil.
func (b hashBuilder) set(t reflect.Type) func(h *Hasher, at unsafe.Pointer) {
	elem := b.plan(t.Elem())
	return func(h *Hasher, at unsafe.Pointer) {
		list := reflect.NewAt(t, at).Elem()
		h.Set(func(one func(func())) {
			for i := range list.Len() {
				if e := list.Index(i); e.Kind() != reflect.Pointer || !e.IsNil() {
					one(func() { elem.hash(h, e.Addr().UnsafePointer()) })
				}
			}
		})
	}
}

// versionText digests a resourceVersion as objects and requests have it.
func versionText(h *Hasher, at unsafe.Pointer) {
	v, err := strconv.ParseUint(*(*string)(at), 10, 64)
	if h.Version(v); err != nil {
		h.Text(*(*string)(at))
	}
}
