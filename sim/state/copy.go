package state

import (
	"reflect"
	"unsafe"
)

// Copy returns an independent copy of a value, for an owner. Pointers to one
// thing are pointers to one copy of it. A nil owner is for values that have no
// boxes, or whose boxes are to be copied at once.
func Copy[T any](o *Owner, value T) T {
	if p := planOf(reflect.TypeFor[T]()); p.own != nil {
		c := copier{owner: o}
		p.own(&c, unsafe.Pointer(&value))
	}
	return value
}

// copier is one Copy.
type copier struct {
	owner *Owner
	known map[origin]unsafe.Pointer // copies of what pointers refer to
}

// origin is what a pointer refers to: a struct and its first field have one
// address.
type origin struct {
	at   unsafe.Pointer
	plan *plan
	hash *hashPlan
}

func (c *copier) pointer(to *plan, at *unsafe.Pointer) {
	if *at == nil {
		return
	}
	from := origin{at: *at, plan: to}
	if known, ok := c.known[from]; ok {
		*at = known
		return
	}
	fresh := reflect.New(to.typ)
	fresh.Elem().Set(reflect.NewAt(to.typ, *at).Elem())
	*at = fresh.UnsafePointer()
	if c.known == nil {
		c.known = map[origin]unsafe.Pointer{}
	}
	c.known[from] = *at
	if to.own != nil {
		to.own(c, *at)
	}
}

func (c *copier) slice(t reflect.Type, elem *plan, at unsafe.Pointer) {
	list := reflect.NewAt(t, at).Elem()
	if list.IsNil() {
		return
	}
	n := list.Len()
	fresh := reflect.MakeSlice(t, n, n)
	reflect.Copy(fresh, list)
	list.Set(fresh)
	if elem.own == nil || n == 0 {
		return
	}
	first, size := list.UnsafePointer(), t.Elem().Size()
	for i := range n {
		elem.own(c, unsafe.Add(first, uintptr(i)*size))
	}
}

func (c *copier) table(t reflect.Type, key, elem *plan, at unsafe.Pointer) {
	from := reflect.NewAt(t, at).Elem()
	if from.IsNil() {
		return
	}
	fresh := reflect.MakeMapWithSize(t, from.Len())
	if from.Len() > 0 {
		k, v := reflect.New(t.Key()), reflect.New(t.Elem())
		for it := from.MapRange(); it.Next(); { // into a map
			k.Elem().SetIterKey(it)
			v.Elem().SetIterValue(it)
			if key.own != nil {
				key.own(c, k.UnsafePointer())
			}
			if elem.own != nil {
				elem.own(c, v.UnsafePointer())
			}
			fresh.SetMapIndex(k.Elem(), v.Elem())
		}
	}
	from.Set(fresh)
}

// dynamic copies what an interface holds.
func (c *copier) dynamic(t reflect.Type, at unsafe.Pointer) {
	holder := reflect.NewAt(t, at).Elem()
	if holder.IsNil() {
		return
	}
	value := holder.Elem()
	p := planOf(value.Type())
	if p.own == nil {
		return
	}
	fresh := reflect.New(value.Type())
	fresh.Elem().Set(value)
	p.own(c, fresh.UnsafePointer())
	holder.Set(fresh.Elem())
}
