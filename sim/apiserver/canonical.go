package apiserver

import (
	"encoding/json"
	"hash/fnv"
	"strings"
)

// Canonical returns a hash of an object's state that leaves out what tells two
// runs to the same state apart: versions, UIDs, times and counters.
func Canonical(obj Object) uint64 {
	doc, err := json.Marshal(WithKind(obj))
	if err != nil {
		panic(err) // every stored object came from JSON or is typed
	}
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		panic(err)
	}
	doc, err = json.Marshal(strip(v))
	if err != nil {
		panic(err)
	}
	h := fnv.New64a()
	h.Write(doc)
	return h.Sum64()
}

// strip removes the fields that Canonical leaves out, at any depth.
func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v { // each entry on its own
			if isIncidental(key) {
				delete(v, key)
			} else {
				v[key] = strip(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	}
	return v
}

func isIncidental(field string) bool {
	switch field {
	case "resourceVersion", "uid", "restartCount", "containerID", "count", "generation", "observedGeneration",
		"startedAt", "finishedAt", "collisionCount":
		return true
	}
	return strings.HasSuffix(field, "Time") || strings.HasSuffix(field, "Timestamp") || strings.HasSuffix(field, "-time")
}
