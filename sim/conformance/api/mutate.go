package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"pgregory.net/rapid"
)

// mutate changes a tree of a type in one place and says what it did. Only
// places whose path begins with prefix are taken.
func mutate(t *rapid.T, tree map[string]any, typ reflect.Type, prefix string) string {
	all := sites(tree, typ)
	if prefix != "" {
		var some []site
		for _, s := range all {
			if strings.HasPrefix(s.path, prefix) {
				some = append(some, s)
			}
		}
		all = some
	}
	s := rapid.SampledFrom(all).Draw(t, "site")
	if !s.present {
		s.set(draw(t, s.typ, 3))
		return said(s, "added")
	}
	ways := []string{"set", "remove", "vary"}
	switch s.in.(type) {
	case []any:
		ways = []string{"set", "vary"}
	}
	switch way := rapid.SampledFrom(ways).Draw(t, "way"); way {
	case "set":
		s.set(draw(t, s.typ, 3))
		return said(s, "set")
	case "remove":
		delete(s.in.(map[string]any), s.key)
		return s.path + " removed"
	}
	s.set(vary(t, s.value(), s.typ))
	return said(s, "varied")
}

// vary changes a value a little.
func vary(t *rapid.T, v any, typ reflect.Type) any {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch v := v.(type) {
	case string:
		return rapid.SampledFrom([]any{v + "-x", v + "/", "/" + v, strings.ToUpper(v), strings.TrimPrefix(v, "/"), v + v, " " + v}).Draw(t, "variant")
	case float64:
		return v + rapid.SampledFrom([]float64{1, -1, 1000}).Draw(t, "more")
	case bool:
		return !v
	case []any:
		return varyList(t, v, typ)
	case map[string]any:
		if typ.Kind() != reflect.Map {
			return map[string]any{}
		}
		next := clone(v)
		old := sortedKeys(v)
		if len(old) > 0 && rapid.Bool().Draw(t, "rename") {
			k := rapid.SampledFrom(old).Draw(t, "old")
			value := next[k]
			delete(next, k)
			next[rapid.SampledFrom(keys).Draw(t, "key").(string)] = value
			return next
		}
		next[rapid.SampledFrom(keys).Draw(t, "key").(string)] = draw(t, typ.Elem(), 2)
		return next
	}
	return v
}

func varyList(t *rapid.T, v []any, typ reflect.Type) any {
	next := append([]any{}, v...)
	switch rapid.SampledFrom([]string{"clear", "drop", "double", "append", "swap"}).Draw(t, "list") {
	case "clear":
		return []any{}
	case "drop":
		if len(next) > 0 {
			return next[1:]
		}
	case "double":
		if len(next) > 0 {
			return append(next, copyOf(next[0]))
		}
	case "swap":
		if len(next) > 1 {
			next[0], next[1] = next[1], next[0]
			return next
		}
	}
	if typ.Kind() == reflect.Slice {
		next = append(next, draw(t, typ.Elem(), 3))
	}
	return next
}

func said(s site, what string) string {
	text, err := json.Marshal(s.value())
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s %s: %s", s.path, what, text)
}

func clone(m map[string]any) map[string]any {
	next := make(map[string]any, len(m))
	for k, v := range m { // a map from a map
		next[k] = copyOf(v)
	}
	return next
}

func copyOf(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return clone(v)
	case []any:
		next := make([]any, len(v))
		for i := range v {
			next[i] = copyOf(v[i])
		}
		return next
	}
	return v
}
