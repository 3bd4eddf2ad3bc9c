package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// tree returns an object as JSON decodes it: maps, lists and scalars, numbers
// as they are written.
func tree(obj apiserver.Object) map[string]any {
	data, err := json.Marshal(apiserver.WithKind(obj))
	if err != nil {
		panic(fmt.Sprintf("trace: %T cannot be marshalled: %v", obj, err)) // stored objects can
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		panic(fmt.Sprintf("trace: %T cannot be read back: %v", obj, err))
	}
	return m
}

// delta is a difference at one path of two trees. One of the values is nil if
// the path is missing there.
type delta struct {
	path     string
	old, new any
}

// compare returns the differences of two trees, in the order of their paths.
// What is missing on one side is one difference, however large; but a missing
// list, or map of labels or annotations, is an empty one.
func compare(path string, old, new any) []delta {
	switch {
	case old == nil && new != nil:
		old = emptyLike(path, new)
	case new == nil && old != nil:
		new = emptyLike(path, old)
	}
	switch o := old.(type) {
	case map[string]any:
		if n, ok := new.(map[string]any); ok {
			return compareMaps(o, n, func(k string) string { return join(path, k) })
		}
	case []any:
		if n, ok := new.([]any); ok {
			return compareMaps(byName(o), byName(n), func(k string) string { return path + "[" + k + "]" })
		}
	default:
		if old == new { // scalars: old is neither map nor list
			return nil
		}
	}
	return []delta{{path, old, new}}
}

// emptyLike returns what to compare v with if there is nothing.
func emptyLike(path string, v any) any {
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			return []any{}
		}
	case map[string]any:
		if len(v) > 0 && (strings.HasSuffix(path, ".annotations") || strings.HasSuffix(path, ".labels")) {
			return map[string]any{}
		}
	}
	return nil
}

func compareMaps(old, new map[string]any, at func(string) string) []delta {
	var ds []delta
	all := maps.Clone(old)
	maps.Copy(all, new)
	for _, k := range sortedKeys(all) {
		ds = append(ds, compare(at(k), old[k], new[k])...)
	}
	return ds
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// listKeys are the fields that name an element of a list, best first.
var listKeys = [...]string{"name", "type", "containerPort", "port", "mountPath", "uid", "key", "ip"}

// byName turns a list into a map by the field that names its elements, or by
// their position.
func byName(list []any) map[string]any {
	for _, key := range listKeys {
		m := make(map[string]any, len(list))
		for _, e := range list {
			if fields, ok := e.(map[string]any); ok {
				if name, ok := fields[key]; ok {
					m[fmt.Sprint(name)] = e
				}
			}
		}
		if len(m) == len(list) {
			return m
		}
	}
	m := make(map[string]any, len(list))
	for i, e := range list {
		m[fmt.Sprintf("%04d", i)] = e
	}
	return m
}

func join(path, key string) string {
	switch {
	case strings.ContainsAny(key, "./"):
		return path + "[" + key + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// brief shows a value on a line: scalars as they are, a condition by its
// status, anything else by its size.
func brief(v any) string {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["type"]; ok {
			if s, ok := v["status"].(string); ok {
				return s
			}
		}
		if len(v) == 1 {
			for k, e := range v { // the only one
				return "{" + k + ": " + brief(e) + "}"
			}
		}
		return fmt.Sprintf("{%d fields}", len(v))
	case []any:
		if len(v) == 1 {
			return "[" + brief(v[0]) + "]"
		}
		return fmt.Sprintf("[%d elements]", len(v))
	case string:
		return shorten(v, 60)
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

// shorten cuts a string after n runes and puts it on one line.
func shorten(s string, n int) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "\n", " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
