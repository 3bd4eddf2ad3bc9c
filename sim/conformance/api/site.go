package api

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// site is a place in a JSON tree that can be changed.
type site struct {
	path    string
	in      any // map[string]any or *[]any
	key     string
	index   int
	typ     reflect.Type // of what stands there; nil if the tree is free-form
	present bool
}

// sites lists the places of a tree of a type, in a fixed order: what is there,
// and for structs what is not there.
func sites(tree map[string]any, t reflect.Type) []site {
	w := walk{}
	w.structure(tree, t, "")
	return w.found
}

type walk struct{ found []site }

func (w *walk) structure(m map[string]any, t reflect.Type, path string) {
	for _, f := range fieldsOf(t) {
		value, ok := m[f.name]
		s := site{path: path + "." + f.name, in: m, key: f.name, typ: f.typ, present: ok}
		w.found = append(w.found, s)
		if ok {
			w.inside(value, f.typ, s.path)
		}
	}
}

func (w *walk) inside(value any, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case map[string]any:
		if t.Kind() == reflect.Struct && !isScalar(t) {
			w.structure(v, t, path)
			return
		}
		if t.Kind() != reflect.Map {
			return
		}
		for _, k := range sortedKeys(v) {
			s := site{path: path + "." + k, in: v, key: k, typ: t.Elem(), present: true}
			w.found = append(w.found, s)
			w.inside(v[k], t.Elem(), s.path)
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return
		}
		for i := range v {
			s := site{path: path + "[" + strconv.Itoa(i) + "]", in: v, index: i, typ: t.Elem(), present: true}
			w.found = append(w.found, s)
			w.inside(v[i], t.Elem(), s.path)
		}
	}
}

func (s site) value() any {
	switch c := s.in.(type) {
	case map[string]any:
		return c[s.key]
	case []any:
		return c[s.index]
	}
	panic("api: a site in nothing")
}

func (s site) set(v any) {
	switch c := s.in.(type) {
	case map[string]any:
		c[s.key] = v
	case []any:
		c[s.index] = v
	}
}

type jsonField struct {
	name string
	typ  reflect.Type
}

var fieldCache = map[reflect.Type][]jsonField{}

// fieldsOf lists the JSON fields of a struct that are compared, those of
// embedded structs too.
func fieldsOf(t reflect.Type) []jsonField {
	if list, ok := fieldCache[t]; ok {
		return list
	}
	var list []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			if f.Type.Name() != "TypeMeta" {
				list = append(list, fieldsOf(f.Type)...)
			}
		case name != "" && name != "-" && !passed[passedField{t, name}]:
			list = append(list, jsonField{name, f.Type})
		}
	}
	fieldCache[t] = list
	return list
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
