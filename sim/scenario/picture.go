package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// Timeline is what a picture of a play says beside its history: the steps that
// wrote something or had something go wrong, what caused what, and, if it was
// asked for (Options.Why), what objects waited for.
func (p *Played) Timeline(title string) trace.Timeline {
	t := trace.Timeline{Title: title, Marks: []trace.Mark{}, CauseOf: CauseOf(p.Cluster), Why: p.Why}
	for _, d := range p.Done {
		name, _, _ := strings.Cut(d.Text, " ")
		_, bad := misfortunes[name]
		bad = bad && d.Kind == Directive
		if d.Kind != Prose && (bad || d.Wrote) {
			t.Marks = append(t.Marks, trace.Mark{At: d.At, Text: strings.TrimPrefix(d.Typed, "kubectl "), Misfortune: bad})
		}
	}
	return t
}

// CauseOf returns what trace.Timeline.CauseOf is to be for a cluster that remembers
// its events (sim.Config.Causes).
func CauseOf(c *sim.Cluster) func(uint64) uint64 {
	return func(event uint64) uint64 {
		ev, _ := c.Event(event)
		return ev.Cause
	}
}

// followWhy notes whenever what an object waits for changes, until stop is called.
func followWhy(c *sim.Cluster, to *[]trace.Explanation) (stop func()) {
	type object struct {
		kind apiserver.Kind
		key  apiserver.Key
	}
	last := map[object]string{}
	return c.OnRecord(func(rec *apiserver.Record) {
		if rec.Kind == apiserver.Event {
			return
		}
		now := map[object][]string{}
		for _, w := range c.Waiting() {
			if lines := c.Why(w.Kind, w.Key.Namespace, w.Key.Name).Lines(); len(lines) > 0 {
				now[object{w.Kind, w.Key}] = lines
			}
		}
		at := engine.Time(c.Now().Sub(apiserver.WallTime(0)))
		note := func(o object, lines []string) {
			*to = append(*to, trace.Explanation{At: at, Kind: o.kind, Key: o.key, Lines: lines})
		}
		byName := func(a, b object) int {
			return strings.Compare(fmt.Sprint(a.kind, a.key), fmt.Sprint(b.kind, b.key))
		}
		for _, o := range slices.SortedFunc(maps.Keys(last), byName) {
			if now[o] == nil {
				note(o, nil)
				delete(last, o)
			}
		}
		for _, o := range slices.SortedFunc(maps.Keys(now), byName) {
			if text := strings.Join(now[o], "\n"); last[o] != text {
				last[o] = text
				note(o, now[o])
			}
		}
	})
}
