package trace

import (
	"slices"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Parting is where two histories, which began alike, go different ways: the first
// record of an object of which they tell something different. How the records of
// different objects interleave does not count, and neither do Events, which tell
// of spans of time.
type Parting struct {
	// Object is its name, "pod/web-0".
	Object string
	// A and B are the records; nil if that history has no more of the object.
	A, B *apiserver.Record
	// Fields are what is different in the two: "spec.nodeName: node-1 → node-2".
	Fields []string

	index int // among the object's records
	text  string
}

// Time is when the first of the two records was written.
func (p *Parting) Time() engine.Time {
	switch {
	case p.A == nil:
		return p.B.Time
	case p.B == nil:
		return p.A.Time
	}
	return min(p.A.Time, p.B.Time)
}

// Part returns where two histories part; false if they do not. What Diff does not
// count, it does not count either.
func Part(a, b []*apiserver.Record) (Parting, bool) {
	as, names := groups(entries(withoutEvents(a)))
	bs, more := groups(entries(withoutEvents(b)))
	for _, name := range more {
		if as[name] == nil {
			names = append(names, name)
		}
	}
	var first *Parting
	for _, name := range names {
		if p := partOf(name, as[name], bs[name]); p != nil && (first == nil || p.Time() < first.Time()) {
			first = p
		}
	}
	if first == nil {
		return Parting{}, false
	}
	return *first, true
}

// partOf is Part for one object.
func partOf(name string, a, b []entry) *Parting {
	i := 0
	for i < len(a) && i < len(b) && a[i].text == b[i].text {
		i++
	}
	p := &Parting{Object: name, index: i}
	if i < len(a) {
		p.A = a[i].rec
	}
	if i < len(b) {
		p.B, p.text = b[i].rec, b[i].text
	}
	switch {
	case p.A == nil && p.B == nil:
		return nil
	case p.A == nil || p.B == nil:
	case p.A.Type != p.B.Type:
		p.Fields = []string{string(p.A.Type) + " → " + string(p.B.Type)}
	case p.A.Type != watch.Deleted:
		for _, d := range compare("", a[i].tree, b[i].tree) {
			p.Fields = append(p.Fields, d.String())
		}
	}
	return p
}

// IsIn reports whether a history tells of the object what the second of the two
// does, at that place: in it, what made them part is as in the second.
func (p *Parting) IsIn(recs []*apiserver.Record) bool {
	by, _ := groups(entries(withoutEvents(recs)))
	list := by[p.Object]
	if p.B == nil {
		return len(list) == p.index
	}
	return p.index < len(list) && list[p.index].text == p.text
}

func withoutEvents(recs []*apiserver.Record) []*apiserver.Record {
	return slices.DeleteFunc(slices.Clone(recs), func(rec *apiserver.Record) bool { return rec.Kind == apiserver.Event })
}
