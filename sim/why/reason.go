package why

import (
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Reason is why an object is as it is. The zero Reason says that it waits for
// nothing.
type Reason struct {
	Kind apiserver.Kind
	Key  apiserver.Key
	// Text is a clause about the object: "web-1 is not Ready".
	Text string
	// Rules are those that it follows from, by their numbers in sim/RULES.md.
	Rules []string
	// Ends is what would end it: "remove spec.claimRef of linuxea-3". It is empty
	// where only time or a cause would.
	Ends string
	// Because are its causes, the first first.
	Because []Reason

	as string // what it is to what it causes: "its claim www-web-1 is Pending"
}

// cause returns the clause by which another reason names this one.
func (r *Reason) cause() string {
	if r.as != "" {
		return r.as
	}
	return r.Text
}

// IsZero reports whether the object waits for nothing.
func (r Reason) IsZero() bool { return r.Text == "" }

// Roots returns the reasons that have no further causes, in order.
func (r Reason) Roots() []Reason {
	switch {
	case r.IsZero():
		return nil
	case len(r.Because) == 0:
		return []Reason{r}
	}
	var roots []Reason
	for _, b := range r.Because {
		roots = append(roots, b.Roots()...)
	}
	return roots
}

// Lines returns the chain as sentences, one for each link, each with its rules
// in brackets, and then what would end it.
func (r Reason) Lines() []string {
	if r.IsZero() {
		return nil
	}
	lines := r.chain(nil)
	for _, root := range r.Roots() {
		if root.Ends != "" && !slices.Contains(lines, "to end it: "+root.Ends) {
			lines = append(lines, "to end it: "+root.Ends)
		}
	}
	return lines
}

func (r Reason) chain(lines []string) []string {
	var b strings.Builder
	b.WriteString(r.Text)
	rules := slices.Clone(r.Rules)
	for i, cause := range r.Because {
		b.WriteString([]string{" because ", ", and because "}[min(i, 1)])
		b.WriteString(cause.cause())
		if len(cause.Because) == 0 {
			rules = append(rules, cause.Rules...)
		}
	}
	if rules = distinct(rules); len(rules) > 0 {
		b.WriteString(" (" + strings.Join(rules, ", ") + ")")
	}
	if line := b.String(); !slices.Contains(lines, line) {
		lines = append(lines, line)
	}
	for _, cause := range r.Because {
		if len(cause.Because) > 0 {
			lines = cause.chain(lines)
		}
	}
	return lines
}

// String returns the lines, divided by semicolons.
func (r Reason) String() string { return strings.Join(r.Lines(), "; ") }

// distinct returns the words without repetitions.
func distinct(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}
