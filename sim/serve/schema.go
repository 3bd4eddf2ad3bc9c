package serve

import (
	_ "embed"
	"reflect"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// schemas describes Go types of the API in OpenAPI: what upstream generates from
// their source is read off the types themselves, with the descriptions of
// SwaggerDoc.
type schemas struct {
	ref  string // what a reference begins with
	v3   bool
	defs map[string]any
}

// node is a node of an OpenAPI document.
type node = map[string]any

// modelName is what a type is called: "io.k8s.api.apps.v1.StatefulSet".
func modelName(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(interface{ OpenAPIModelName() string }); ok {
		return named.OpenAPIModelName()
	}
	host, rest, _ := strings.Cut(t.PkgPath(), "/")
	parts := strings.Split(host, ".")
	slices.Reverse(parts)
	return strings.Join(append(parts, strings.ReplaceAll(rest, "/", "."), t.Name()), ".")
}

// of returns the schema of a type, a reference if it has a name.
func (s *schemas) of(t reflect.Type) node {
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		s.define(t, nil)
		return node{"$ref": s.ref + modelName(t)}
	case reflect.Map:
		return node{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return node{"type": "string", "format": "byte"}
		}
		return node{"type": "array", "items": s.of(t.Elem())}
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.Int32:
		return node{"type": "integer", "format": "int32"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return node{"type": "integer", "format": "int64"}
	case reflect.Float64, reflect.Float32:
		return node{"type": "number", "format": "double"}
	case reflect.Interface:
		return node{"type": "object"}
	}
	return node{"type": "string"}
}

// define adds a struct to the definitions, with the kind that it is, if any.
func (s *schemas) define(t reflect.Type, gvks []schema.GroupVersionKind) {
	name := modelName(t)
	def, ok := s.defs[name].(node)
	if !ok {
		def = node{}
		s.defs[name] = def // first: types contain themselves
		s.describe(t, def)
	}
	if len(gvks) > 0 {
		list := make([]any, len(gvks))
		for i, gvk := range gvks {
			list[i] = gvkNode(gvk)
		}
		def["x-kubernetes-group-version-kind"] = list
	}
}

func gvkNode(gvk schema.GroupVersionKind) node {
	return node{"group": gvk.Group, "version": gvk.Version, "kind": gvk.Kind}
}

// describe fills the schema of a struct.
func (s *schemas) describe(t reflect.Type, def node) {
	v := reflect.New(t).Interface()
	if doc := docs(v)[""]; doc != "" {
		def["description"] = doc
	}
	own, ok := v.(interface{ OpenAPISchemaType() []string })
	if ok || plainObject(t) {
		if !ok {
			def["type"] = "object"
		} else if types := own.OpenAPISchemaType(); len(types) > 0 {
			def["type"] = types[0]
		}
		if f, ok := v.(interface{ OpenAPISchemaFormat() string }); ok && f.OpenAPISchemaFormat() != "" {
			def["format"] = f.OpenAPISchemaFormat()
		}
		if one, ok := v.(interface{ OpenAPIV3OneOfTypes() []string }); ok && s.v3 {
			var alternatives []any
			for _, typ := range one.OpenAPIV3OneOfTypes() {
				alternatives = append(alternatives, node{"type": typ})
			}
			delete(def, "type")
			def["oneOf"] = alternatives
		}
		return
	}
	props, required := node{}, []string{}
	s.fields(t, props, &required)
	required = corrected(modelName(t), required)
	def["type"] = "object"
	if len(props) > 0 {
		def["properties"] = props
	}
	if slices.Sort(required); len(required) > 0 {
		def["required"] = required
	}
}

// requiredText lists by type what upstream's markers say of a field against its
// tag: +field is required, -field is not.
//
//go:embed required.txt
var requiredText string

var requiredMarks = sync.OnceValue(func() map[string][]string {
	marks := map[string][]string{}
	for line := range strings.Lines(requiredText) {
		words := strings.Fields(line)
		marks[words[0]] = words[1:]
	}
	return marks
})

// corrected returns the fields that are required, by tags and markers.
func corrected(model string, fields []string) []string {
	for _, mark := range requiredMarks()[model] {
		if name, ok := strings.CutPrefix(mark, "+"); ok {
			fields = append(fields, name)
		} else {
			fields = slices.DeleteFunc(fields, func(f string) bool { return f == mark[1:] })
		}
	}
	return fields
}

// plainObject reports whether a struct is any object on the wire.
func plainObject(t reflect.Type) bool { return t.Name() == "RawExtension" || t.Name() == "FieldsV1" }

// docs are the descriptions of a type's fields, and under "" its own.
func docs(v any) map[string]string {
	if d, ok := v.(interface{ SwaggerDoc() map[string]string }); ok {
		return d.SwaggerDoc()
	}
	return nil
}

// fields adds the properties of a struct, those of embedded ones among them. A
// field is required if it is never left out.
func (s *schemas) fields(t reflect.Type, props node, required *[]string) {
	about := docs(reflect.New(t).Interface())
	for i := range t.NumField() {
		f := t.Field(i)
		tag, has := f.Tag.Lookup("json")
		name, opts, _ := strings.Cut(tag, ",")
		switch {
		case !has && !f.Anonymous, name == "-", !f.IsExported():
			continue
		case f.Anonymous && (name == "" || strings.Contains(opts, "inline")):
			s.fields(f.Type, props, required)
			continue
		}
		props[name] = s.field(f, about[name])
		if !strings.Contains(opts, "omitempty") && !strings.Contains(opts, "omitzero") {
			*required = append(*required, name)
		}
	}
}

// field is a property: its type, what it means, and how patches merge it.
func (s *schemas) field(f reflect.StructField, doc string) node {
	prop := s.of(f.Type)
	if ref, ok := prop["$ref"]; ok && s.v3 { // where nothing may stand beside a reference
		prop = node{"allOf": []any{node{"$ref": ref}}}
	}
	if doc != "" {
		prop["description"] = doc
	}
	if how := f.Tag.Get("patchStrategy"); how != "" {
		prop["x-kubernetes-patch-strategy"] = how
	}
	if key := f.Tag.Get("patchMergeKey"); key != "" {
		prop["x-kubernetes-patch-merge-key"] = key
	}
	return prop
}
