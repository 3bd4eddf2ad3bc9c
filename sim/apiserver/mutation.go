package apiserver

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// guard finds out whether anybody has changed an object that is stored, and so
// shared and immutable: it keeps a copy of each beside it. It is for tests; a nil
// guard does nothing.
type guard struct {
	engine *engine.Engine
	copies map[Object]guarded
	seed   uint64
}

// guarded is an object as it was stored.
type guarded struct {
	copy Object
	rec  *Record
}

func (g *guard) keep(rec *Record) {
	if g != nil {
		g.copies[rec.Object] = guarded{rec.Object.DeepCopyObject().(Object), rec}
	}
}

// check panics if a record's object is not what was stored.
func (g *guard) check(rec *Record) {
	if g == nil || rec == nil {
		return
	}
	k, ok := g.copies[rec.Object]
	if !ok || equality.Semantic.DeepEqual(k.copy, rec.Object) {
		return
	}
	panic(fmt.Sprintf("apiserver: somebody has changed %s %s, which is shared and immutable: version %d, stored by %s at %s; noticed at %s, seed %d: %s",
		rec.Kind, rec.Key, k.rec.Version, k.rec.By, clock(k.rec.Time), clock(g.engine.Now()), g.seed, firstDifference(k.copy, rec.Object)))
}

// forget checks a record for the last time.
func (g *guard) forget(rec *Record) {
	if g != nil {
		g.check(rec)
		delete(g.copies, rec.Object)
	}
}

func clock(t engine.Time) string { return WallTime(t).Format("15:04:05.000") }

// firstDifference shows the first line in which two objects differ.
func firstDifference(a, b Object) string {
	lines := func(o Object) []string {
		text, err := json.MarshalIndent(o, "", " ")
		if err != nil {
			return []string{err.Error()}
		}
		return strings.Split(string(text), "\n")
	}
	was, is := lines(a), lines(b)
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return fmt.Sprintf("%s has become %s", strings.TrimSpace(was[i]), strings.TrimSpace(is[i]))
		}
	}
	return fmt.Sprintf("%d lines have become %d", len(was), len(is))
}

// CheckMutations panics if any stored object was changed, with Config.
// DetectMutation; without, it does nothing.
func (s *Server) CheckMutations() {
	if s.guard == nil {
		return
	}
	for k := range kinds {
		for _, rec := range s.kept(Kind(k)).list("") {
			s.guard.check(rec)
		}
		for i := range s.kept(Kind(k)).log.recs {
			s.guard.check(s.kept(Kind(k)).log.recs[i])
		}
	}
}
