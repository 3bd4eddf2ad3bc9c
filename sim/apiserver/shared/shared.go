package shared

import (
	"maps"
	"reflect"
)

// Map reports whether two maps are one in memory, or both nil.
func Map[K comparable, V any](a, b map[K]V) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

// List reports whether two lists are one in memory, or both empty.
func List[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Equal is maps.Equal, which mostly is asked about one map.
func Equal[K, V comparable](a, b map[K]V) bool { return Map(a, b) || maps.Equal(a, b) }
