package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// DiffOptions says what counts as a difference. The zero DiffOptions compares
// the histories as they are.
type DiffOptions struct {
	// ByObject compares the history of each object alone: how those of
	// different objects interleave does not count, as it is chance.
	ByObject bool
	// Context is how many equal records are shown around a difference; 0 means
	// 3, and a negative number none.
	Context int
}

// Diff returns what is different between two histories, or "" if nothing is.
// UIDs, resourceVersions, times, chosen addresses and generated names do not
// count. Lines that begin with "-" are of a alone, with "+" of b alone; under a
// record that both have stand the fields that differ, and the times are b's.
func Diff(a, b []*apiserver.Record, o DiffOptions) string {
	d := differ{context: max(cmp.Or(o.Context, 3), 0)}
	ea, eb := entries(a), entries(b)
	if !o.ByObject {
		d.compare("history", ea, eb)
		return d.out.String()
	}
	groupsA, names := groups(ea)
	groupsB, namesB := groups(eb)
	for _, name := range namesB {
		if groupsA[name] == nil {
			names = append(names, name)
		}
	}
	for _, name := range names {
		d.compare(name, groupsA[name], groupsB[name])
	}
	return d.out.String()
}

// groups divides a history by object, and returns their names as they appear.
func groups(list []entry) (map[string][]entry, []string) {
	m, names := map[string][]entry{}, []string(nil)
	for _, e := range list {
		if m[e.name] == nil {
			names = append(names, e.name)
		}
		m[e.name] = append(m[e.name], e)
	}
	return m, names
}

type differ struct {
	context int
	out     strings.Builder
}

// compare writes the differences of two lists.
func (d *differ) compare(title string, a, b []entry) {
	edits := align(a, b)
	if !slices.ContainsFunc(edits, func(e edit) bool { return !e.same() }) {
		return
	}
	fmt.Fprintf(&d.out, "--- %s: %d records\n+++ %s: %d records\n", title, len(a), title, len(b))
	shown := 0 // edits before this one are written or skipped
	for i := 0; i < len(edits); i++ {
		if edits[i].same() {
			continue
		}
		first := max(shown, i-d.context)
		if first > shown {
			fmt.Fprintf(&d.out, "@@ %d equal\n", first-shown)
		}
		end := i + 1 // after the difference and what follows close by
		for quiet := 0; end < len(edits) && quiet < d.context; end++ {
			quiet++
			if !edits[end].same() {
				quiet = 0
			}
		}
		for end < len(edits) && !edits[end].same() {
			end++
		}
		for _, e := range edits[first:end] {
			d.write(e, a, b)
		}
		shown, i = end, end-1
	}
	if shown < len(edits) {
		fmt.Fprintf(&d.out, "@@ %d equal\n", len(edits)-shown)
	}
}

func (d *differ) write(e edit, a, b []entry) {
	switch {
	case e.b < 0:
		fmt.Fprintf(&d.out, "- %s\n", row(a[e.a]))
	case e.a < 0:
		fmt.Fprintf(&d.out, "+ %s\n", row(b[e.b]))
	case e.changed:
		fmt.Fprintf(&d.out, "  %s %s\n", seconds(b[e.b].rec.Time), b[e.b].head)
		for _, f := range compare("", a[e.a].tree, b[e.b].tree) {
			if f.old != nil {
				fmt.Fprintf(&d.out, "-     %s: %s\n", f.path, brief(f.old))
			}
			if f.new != nil {
				fmt.Fprintf(&d.out, "+     %s: %s\n", f.path, brief(f.new))
			}
		}
	default:
		fmt.Fprintf(&d.out, "  %s %s\n", seconds(b[e.b].rec.Time), b[e.b].head)
	}
}

func row(e entry) string {
	s := seconds(e.rec.Time) + " " + e.head
	if change := Change(e.rec); change != "" {
		s += ": " + change
	}
	return s
}

// edit is a step of an alignment: an index in each list, -1 where one has
// nothing.
type edit struct {
	a, b    int
	changed bool // both have the record, with different contents
}

func (e edit) same() bool { return e.a >= 0 && e.b >= 0 && !e.changed }

// align finds a shortest way from one list to the other, and pairs what was
// taken out with what was put in if it is the same record in other words.
func align(a, b []entry) []edit {
	var edits []edit
	for i, j := 0, 0; ; {
		k := 0
		for i+k < len(a) && j+k < len(b) && a[i+k].text == b[j+k].text {
			edits = append(edits, edit{a: i + k, b: j + k})
			k++
		}
		i, j = i+k, j+k
		if i == len(a) && j == len(b) {
			return edits
		}
		ni, nj := nextMatch(a, b, i, j)
		edits = append(edits, pair(a, b, i, ni, j, nj)...)
		i, j = ni, nj
	}
}

// maxSkew bounds the search for the next record that two lists have in common.
const maxSkew = 500

// nextMatch returns the nearest place after (i, j) at which both lists go on
// alike: the least number of records are skipped, and of those of the first
// list first. If none is near, it skips one of each.
func nextMatch(a, b []entry, i, j int) (int, int) {
	at := map[string][]int{} // where the records of b near j are
	for y := j; y < min(len(b), j+maxSkew); y++ {
		at[b[y].text] = append(at[b[y].text], y)
	}
	best, bi, bj := maxSkew*2, -1, -1
	for x := i; x < min(len(a), i+maxSkew) && x-i < best; x++ {
		if ys := at[a[x].text]; len(ys) > 0 && x-i+ys[0]-j < best { // later ones are further
			best, bi, bj = x-i+ys[0]-j, x, ys[0]
		}
	}
	switch {
	case bi >= 0:
		return bi, bj
	case len(a)-i <= maxSkew && len(b)-j <= maxSkew:
		return len(a), len(b)
	}
	return min(len(a), i+1), min(len(b), j+1)
}

// pair turns a[i:ni] and b[j:nj], which have nothing in common, into edits: in
// order, each record of a goes with the next of b that has its head.
func pair(a, b []entry, i, ni, j, nj int) []edit {
	var edits []edit
	for ; i < ni; i++ {
		y := j
		for y < nj && b[y].head != a[i].head {
			y++
		}
		if y == nj {
			edits = append(edits, edit{a: i, b: -1})
			continue
		}
		for ; j < y; j++ {
			edits = append(edits, edit{a: -1, b: j})
		}
		edits = append(edits, edit{a: i, b: j, changed: true})
		j++
	}
	for ; j < nj; j++ {
		edits = append(edits, edit{a: -1, b: j})
	}
	return edits
}
