package state

import (
	"fmt"
	"reflect"
	"slices"
)

// Undeclared walks the types of all memory that a value reaches and describes the
// fields of which nobody has said whether they count: those that bear "incidental"
// without a reason (the tag why), and those of a [Hashed] type that bear nothing. All
// others are hashed. It is for tests.
func Undeclared(root any) []string {
	d := declarations{seen: map[reflect.Type]bool{}, at: map[spot]bool{}}
	v := reflect.New(reflect.TypeOf(root)).Elem()
	v.Set(reflect.ValueOf(root))
	d.walk(v)
	slices.Sort(d.found)
	return d.found
}

type declarations struct {
	seen  map[reflect.Type]bool
	at    map[spot]bool
	found []string
}

func (d *declarations) check(t reflect.Type) {
	if d.seen[t] {
		return
	}
	d.seen[t] = true
	byHand := reflect.PointerTo(t).Implements(hashing)
	for i := range t.NumField() {
		f := t.Field(i)
		copied, hashed := tags(f)
		switch {
		case hashed == "incidental" && f.Tag.Get("why") == "":
			d.found = append(d.found, fmt.Sprintf("%s.%s is incidental, and does not say why", t, f.Name))
		case byHand && hashed == "" && copied != "scratch" && f.Type != immutable && f.Type != memo:
			d.found = append(d.found, fmt.Sprintf("%s.%s is not declared, and %s says itself what counts", t, f.Name, t))
		}
	}
}

func (d *declarations) walk(v reflect.Value) {
	t := v.Type()
	v = reflect.NewAt(t, v.Addr().UnsafePointer()).Elem() // unexported fields, too
	if isForeign(t) || t == owning {
		return
	}
	if reflect.PointerTo(t).Implements(sharing) {
		v.Addr().Interface().(sharer).each(func(value any) { d.walk(reflect.ValueOf(value).Elem()) })
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		if s := (spot{v.UnsafePointer(), t}); !v.IsNil() && !d.at[s] {
			d.at[s] = true
			d.walk(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			d.walk(v.Index(i))
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); { // into a set
			d.walk(addressable(it.Key()))
			d.walk(addressable(it.Value()))
		}
	case reflect.Interface:
		if !v.IsNil() {
			d.walk(addressable(v.Elem()))
		}
	case reflect.Struct:
		d.check(t)
		for i := range t.NumField() {
			d.walk(v.Field(i))
		}
	}
}
