package state

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"unsafe"
)

// Shared walks all memory that two values reach and describes what both could
// change: memory that is in neither a type nor a field that is declared
// immutable, nor in a box that one of them would copy first. It returns nothing
// if the two are independent. It is for tests.
func Shared(a, b any) []string {
	mine, theirs := reach(a), reach(b)
	var found []string
	i := 0
	for _, s := range theirs {
		for i < len(mine) && mine[i].to <= s.from {
			i++
		}
		for j := i; j < len(mine) && mine[j].from < s.to; j++ {
			if mine[j].to > s.from {
				found = append(found, fmt.Sprintf("%s is %s", mine[j].path, s.path))
			}
		}
	}
	return found
}

// stretch is a stretch of mutable memory, and how it was found.
type stretch struct {
	from, to uintptr
	path     string
}

// reach returns the mutable memory that a value reaches, by address.
func reach(root any) []stretch {
	w := walker{seen: map[spot]bool{}}
	v := reflect.New(reflect.TypeOf(root)).Elem()
	v.Set(reflect.ValueOf(root))
	w.walk(v, v.Type().String())
	slices.SortFunc(w.found, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	return w.found
}

type walker struct {
	seen  map[spot]bool
	found []stretch
}

// spot is a place that was looked at as a type.
type spot struct {
	at  unsafe.Pointer
	typ reflect.Type
}

// mark takes down a stretch and reports whether it is new.
func (w *walker) mark(at unsafe.Pointer, size uintptr, t reflect.Type, path string) bool {
	o := spot{at, t}
	if at == nil || size == 0 || w.seen[o] {
		return false
	}
	w.seen[o] = true
	w.found = append(w.found, stretch{uintptr(at), uintptr(at) + size, path})
	return true
}

// walk looks at a value, which is addressable.
func (w *walker) walk(v reflect.Value, path string) {
	t := v.Type()
	v = reflect.NewAt(t, v.Addr().UnsafePointer()).Elem() // unexported fields, too
	if reflect.PointerTo(t).Implements(sharing) {
		v.Addr().Interface().(sharer).own(func(at unsafe.Pointer, value any) {
			inner := reflect.ValueOf(value).Elem()
			if w.mark(at, inner.Type().Size(), inner.Type(), path) {
				w.walk(inner, path)
			}
		})
		return
	}
	if IsImmutable(t) || t == owning {
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !IsImmutable(t.Elem()) && w.mark(v.UnsafePointer(), t.Elem().Size(), t, path) {
			w.walk(v.Elem(), path)
		}
	case reflect.Slice:
		if w.mark(v.UnsafePointer(), uintptr(v.Cap())*t.Elem().Size(), t, path) {
			for i := range v.Len() {
				w.walk(v.Index(i), path+"[]")
			}
		}
	case reflect.Map:
		w.table(v, path)
	case reflect.Array:
		for i := range v.Len() {
			w.walk(v.Index(i), path+"[]")
		}
	case reflect.Interface:
		if !v.IsNil() {
			w.walk(addressable(v.Elem()), path)
		}
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			switch name := path + "." + f.Name; TagOf(f) {
			case "immutable":
			case "log": // what lies behind its end is its own
				list := v.Field(i)
				w.mark(unsafe.Add(list.UnsafePointer(), uintptr(list.Len())*f.Type.Elem().Size()), uintptr(list.Cap()-list.Len())*f.Type.Elem().Size(), f.Type, name)
			case "elements":
				w.mark(v.Field(i).UnsafePointer(), 1, f.Type, name)
			default:
				w.walk(v.Field(i), name)
			}
		}
	}
}

func (w *walker) table(v reflect.Value, path string) {
	if !w.mark(v.UnsafePointer(), 1, v.Type(), path) {
		return
	}
	for it := v.MapRange(); it.Next(); { // into a set
		w.walk(addressable(it.Key()), path+"{}")
		w.walk(addressable(it.Value()), path+"{}")
	}
}

func addressable(v reflect.Value) reflect.Value {
	a := reflect.New(v.Type()).Elem()
	a.Set(v)
	return a
}
