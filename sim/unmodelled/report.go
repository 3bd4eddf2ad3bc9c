package unmodelled

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Report is what a cluster holds and does not act on. The zero Report says that
// there is nothing of the kind.
type Report struct {
	// Stored is how many objects there are of kinds on which nothing acts: those
	// that would make or change pods first.
	Stored []Count
	// Fields are the first that each entry of the list has found in each kind, in
	// the order of kinds and entries.
	Fields []Found
}

// Count is how many objects there are of a kind.
type Count struct {
	Kind apiserver.Kind
	Role Role
	N    int
}

// Add counts objects of a kind and takes over what is found in one of them.
func (r *Report) Add(found Found, n int) {
	if found.Path == "" {
		r.Stored = append(r.Stored, Count{found.Kind, found.Role, n})
		slices.SortStableFunc(r.Stored, func(a, b Count) int {
			return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Kind, b.Kind))
		})
		return
	}
	i, known := slices.BinarySearchFunc(r.Fields, found, func(a, b Found) int { return cmp.Compare(a.Entry(), b.Entry()) })
	if !known {
		r.Fields = slices.Insert(r.Fields, i, found)
	}
}

// Lines returns the report in sentences: "12 Deployments and 2 Jobs are stored,
// not run".
func (r Report) Lines() []string {
	var lines []string
	for _, of := range []struct {
		role      Role
		one, many string
	}{{Runs, "is stored, not run", "are stored, not run"}, {Decides, "is stored, and decides nothing", "are stored, and decide nothing"}} {
		var parts []string
		total := 0
		for _, c := range r.Stored {
			if c.Role == of.role {
				parts = append(parts, c.String())
				total += c.N
			}
		}
		switch {
		case total == 1:
			lines = append(lines, parts[0]+" "+of.one)
		case total > 1:
			lines = append(lines, enumerate(parts)+" "+of.many)
		}
	}
	for _, f := range r.Fields {
		lines = append(lines, fmt.Sprintf("%s of %s %s is stored, not acted on: in a real cluster %s", f.Path, f.Kind, f.Key, f.Why))
	}
	return lines
}

// String returns the report in one line, or "".
func (r Report) String() string { return strings.Join(r.Lines(), "; ") }

// String returns "1 Deployment" or "2 NetworkPolicies".
func (c Count) String() string {
	name := c.Kind.String()
	switch {
	case c.N == 1:
	case strings.HasSuffix(name, "y"):
		name = strings.TrimSuffix(name, "y") + "ies"
	case strings.HasSuffix(name, "s"):
		name += "es"
	default:
		name += "s"
	}
	return fmt.Sprintf("%d %s", c.N, name)
}

func enumerate(parts []string) string {
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return strings.Join(parts, "")
}
