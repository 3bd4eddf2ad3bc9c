package api

import (
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"
)

// Bases returns the valid objects of a kind as JSON trees, without apiVersion
// and kind. The trees belong to the caller.
func Bases(kindName string) []map[string]any {
	return bases(kind{gvk: schema.GroupVersionKind{Kind: kindName}})
}

// Change changes a tree of a type in one place below prefix, as a number says,
// and returns what it did.
func Change(seed int, tree map[string]any, typ reflect.Type, prefix string) string {
	return rapid.Custom(func(t *rapid.T) string {
		next := clone(tree)
		said := mutate(t, next, typ, prefix)
		for k := range tree {
			delete(tree, k)
		}
		for k, v := range next { // into a map
			tree[k] = v
		}
		return said
	}).Example(seed)
}
