package apiserver

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/statefulsim/statefulsim/sim/state"
)

// Content returns a hash of what an object says, without how that came about:
// versions, UIDs, times, counters (package state has the list).
func Content(obj Object) uint64 { return digestOf(KindOf(obj), obj).Content() }

func digestOf(kind Kind, obj Object) *state.Digest {
	h := state.Hasher{}
	h.Number(uint64(kind))
	if u, ok := obj.(*unstructured.Unstructured); ok {
		digestCustom(&h, u)
	} else {
		h.Value(&obj)
	}
	return h.Digest()
}

// digestCustom takes in the metadata of a CustomResource as that of others, and the
// rest as text.
func digestCustom(h *state.Hasher, u *unstructured.Unstructured) {
	rest := make(map[string]any, len(u.Object))
	var meta metav1.ObjectMeta
	for name, v := range u.Object { // into a map
		if name != "metadata" {
			rest[name] = v
			continue
		}
		if m, ok := v.(map[string]any); ok {
			// What is no metadata was refused when it was written.
			_ = runtime.DefaultUnstructuredConverter.FromUnstructured(m, &meta)
		}
	}
	text, err := json.Marshal(rest) // sorted
	if err != nil {
		panic(fmt.Sprintf("apiserver: %s: %v", KeyOf(u), err)) // it came as JSON
	}
	h.Text(string(text))
	h.Value(&meta)
}

// Digest returns the digest of the state that a record has made.
func (r *Record) Digest() *state.Digest {
	return r.digest.Digest(func() *state.Digest { return digestOf(r.Kind, r.Object) })
}

// HashState takes in which state the record has made, and what was there before.
func (r *Record) HashState(h *state.Hasher) {
	h.Number(state.HashText(string(r.Type)))
	h.Nested(r.Digest())
	if r.Old != nil {
		h.Nested(r.before.Digest(func() *state.Digest { return digestOf(r.Kind, r.Old) }))
	}
}

// Parts appends the digests of all objects but Events.
func (s *Server) Parts(parts []state.Part) []state.Part {
	for k := range kinds {
		if s.kept(Kind(k)).live == 0 || Kind(k) == Event {
			continue
		}
		s.walk(Kind(k)).each(func(rec *Record) { // a sum over parts: order cannot matter
			parts = append(parts, state.Part{Stored: true, Digest: rec.Digest()})
		})
	}
	return parts
}

// EachLive calls visit with the newest record of every object but Events, in
// any order.
func (s *Server) EachLive(visit func(*Record)) {
	for k := range kinds {
		if s.kept(Kind(k)).live > 0 && Kind(k) != Event {
			s.walk(Kind(k)).each(visit)
		}
	}
}
