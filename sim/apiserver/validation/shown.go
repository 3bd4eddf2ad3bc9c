package validation

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// shown makes a bad value print as upstream prints it. Upstream validates its
// internal types, which have no JSON names: fields print with their names in
// Go, in order, the empty ones too. Types of apimachinery print as JSON.
func shown(v any) any {
	t := reflect.TypeOf(v)
	for t != nil && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || !isInternal(t) {
		return v
	}
	return goNames{reflect.ValueOf(v)}
}

// isInternal reports whether upstream has a type of its own for t.
func isInternal(t reflect.Type) bool { return strings.HasPrefix(t.PkgPath(), "k8s.io/api/") }

// goNames marshals a value of k8s.io/api by Go's names of its fields.
type goNames struct{ v reflect.Value }

// MarshalJSON implements json.Marshaler.
func (g goNames) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := g.write(&b, g.v)
	return b.Bytes(), err
}

func (g goNames) write(b *bytes.Buffer, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return g.write(b, v.Elem())
		}
	case reflect.Slice:
		if !v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8 {
			return g.writeList(b, v)
		}
	case reflect.Struct:
		if isInternal(v.Type()) {
			b.WriteByte('{')
			_, err := g.writeFields(b, v, true)
			b.WriteByte('}')
			return err
		}
	}
	text, err := json.Marshal(v.Interface())
	b.Write(text)
	return err
}

func (g goNames) writeList(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := g.write(b, v.Index(i)); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

// writeFields writes the fields of a struct without its braces; embedded
// structs add theirs. first tells whether a comma is due.
func (g goNames) writeFields(b *bytes.Buffer, v reflect.Value, first bool) (bool, error) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous && !isInternal(f.Type) { // TypeMeta and ObjectMeta keep their JSON
			text, err := json.Marshal(v.Field(i).Interface())
			if err != nil {
				return first, err
			}
			if inner := bytes.Trim(text, "{}"); len(inner) > 0 {
				comma(b, &first)
				b.Write(text[1 : len(text)-1])
			}
			continue
		}
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			var err error
			if first, err = g.writeFields(b, v.Field(i), first); err != nil {
				return first, err
			}
			continue
		}
		comma(b, &first)
		name, err := json.Marshal(f.Name)
		if err != nil {
			return first, err
		}
		b.Write(name)
		b.WriteByte(':')
		if err := g.write(b, v.Field(i)); err != nil {
			return first, err
		}
	}
	return first, nil
}

func comma(b *bytes.Buffer, first *bool) {
	if !*first {
		b.WriteByte(',')
	}
	*first = false
}
