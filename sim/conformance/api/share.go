package api

import (
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"
)

// parsed are the bases of the kinds that somebody has asked for.
var parsed = map[string][]map[string]any{}

// Bases returns the valid objects of a kind as JSON trees, without apiVersion
// and kind. The trees belong to the caller. It is for one goroutine at a time.
func Bases(kindName string) []map[string]any {
	if parsed[kindName] == nil {
		parsed[kindName] = bases(kind{gvk: schema.GroupVersionKind{Kind: kindName}})
	}
	var list []map[string]any
	for _, tree := range parsed[kindName] {
		list = append(list, clone(tree))
	}
	return list
}

// Change changes a tree of a type in one place below prefix, as a number says,
// and returns what it did.
func Change(seed int, tree map[string]any, typ reflect.Type, prefix string) string {
	return rapid.Custom(func(t *rapid.T) string {
		next := clone(tree)
		said := mutate(t, next, typ, prefix)
		clear(tree)
		for k, v := range next { // into a map
			tree[k] = v
		}
		return said
	}).Example(seed)
}
