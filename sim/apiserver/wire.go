package apiserver

import (
	"reflect"

	"github.com/statefulsim/statefulsim/sim/apiserver/defaults"
)

// overWire returns an object as it comes back from the store: in protobuf an
// empty list or map is none, and what is not there gets its default (A11). What
// the components write is theirs to keep like that. The object is copied if it
// has to change.
func overWire(obj Object) Object {
	if !hasEmpty(reflect.ValueOf(obj).Elem()) {
		return obj
	}
	obj = obj.DeepCopyObject().(Object)
	clearEmpty(reflect.ValueOf(obj).Elem())
	defaults.Set(obj)
	return obj
}

// hasEmpty reports whether a value contains a list or map that is empty and not
// nil. Bytes keep the difference.
func hasEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && hasEmpty(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && hasEmpty(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
			return false
		}
		for i := range v.Len() {
			if hasEmpty(v.Index(i)) {
				return true
			}
		}
		return v.Len() == 0
	case reflect.Map:
		return !v.IsNil() && v.Len() == 0 // their values have no lists
	}
	return false
}

// clearEmpty makes nil of them.
func clearEmpty(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			clearEmpty(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				clearEmpty(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		if v.Len() == 0 {
			v.SetZero()
			return
		}
		for i := range v.Len() {
			clearEmpty(v.Index(i))
		}
	case reflect.Map:
		if v.Len() == 0 && !v.IsNil() {
			v.SetZero()
		}
	}
}
