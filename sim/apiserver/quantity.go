package apiserver

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// maxExponent bounds the powers of ten in quantities. Upstream reads 1e2147483647
// and then computes with that many digits, for ever; what a bound refuses is told
// in the words for an exponent that upstream cannot read.
const maxExponent = 999

var (
	longExponent = regexp.MustCompile(`[eE][+-]?[0-9]{4}`)
	exponent     = regexp.MustCompile(`^[+-]?[0-9.]+[eE]([+-]?[0-9]+)$`)
	quantityType = reflect.TypeFor[resource.Quantity]()
)

// ParseQuantity is resource.ParseQuantity for what people type: it refuses an
// exponent that takes for ever to compute with.
func ParseQuantity(text string) (resource.Quantity, error) {
	if overflows(text) {
		return resource.Quantity{}, resource.ErrSuffix
	}
	return resource.ParseQuantity(text)
}

// mayOverflow reports whether a text can hold such an exponent.
func mayOverflow(doc []byte) bool { return longExponent.Match(doc) }

func overflows(text string) bool {
	m := exponent.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return err != nil || n > maxExponent || n < -maxExponent
}

// boundTree refuses such exponents where a type has a quantity.
func boundTree(tree any, typ reflect.Type) error {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch v := tree.(type) {
	case string:
		if typ == quantityType && overflows(v) {
			return resource.ErrSuffix
		}
	case []any:
		if typ.Kind() != reflect.Slice {
			return nil
		}
		for _, e := range v {
			if err := boundTree(e, typ.Elem()); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, e := range v { // one error is as good as another: they are equal
			inner := elementOf(typ, name)
			if inner == nil {
				continue
			}
			if err := boundTree(e, inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// elementOf returns the type of a map's values, or of a struct's field by its
// name in JSON, or nil.
func elementOf(typ reflect.Type, name string) reflect.Type {
	switch typ.Kind() {
	case reflect.Map:
		return typ.Elem()
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == name && name != "" {
				return f.Type
			}
			if f.Anonymous && tag == "" {
				if inner := elementOf(f.Type, name); inner != nil {
					return inner
				}
			}
		}
	}
	return nil
}

// boundValue refuses such exponents in an object that somebody has made in Go.
func boundValue(v reflect.Value) error {
	if v.Type() == quantityType {
		q := v.Interface().(resource.Quantity).DeepCopy()
		if scale := q.AsDec().Scale(); scale > maxExponent || scale < -maxExponent {
			return resource.ErrSuffix
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return boundValue(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			if err := boundValue(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		for i := range v.Len() {
			if err := boundValue(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); { // one error is as good as another: they are equal
			if err := boundValue(it.Value()); err != nil {
				return err
			}
		}
	}
	return nil
}
