package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// Difference is what another legal history of a scenario does otherwise.
type Difference struct {
	// A and B are the two plays.
	A, B *Played
	// Parting is where their histories part; nil if they do not.
	Parting *trace.Parting
	// Choice says which choice made them part there: alone, with all others as in
	// the first history, it does.
	Choice string
}

// Diff plays a scenario on two seeds and finds out where the histories part, and
// by which choice. A nil seed is the file's. It plays once more for each choice
// that the two answer differently, until it knows.
func (s *Scenario) Diff(seed *uint64, other uint64) (*Difference, error) {
	d := differ{file: s, other: other}
	var err error
	if d.a, err = d.play(seed); err != nil {
		return nil, err
	}
	if d.b, err = d.play(&other); err != nil {
		return nil, err
	}
	out := &Difference{A: d.a, B: d.b}
	if p, parts := trace.Part(d.a.Cluster.History(), d.b.Cluster.History()); parts {
		out.Parting = &p
		out.Choice, err = d.choice(&p)
	}
	return out, err
}

// differ compares two histories.
type differ struct {
	file  *Scenario
	other uint64
	a, b  *Played
}

// play plays on a seed, with some questions answered as by the other.
func (d *differ) play(seed *uint64, swap ...engine.Question) (*Played, error) {
	return d.file.Play(Options{Seed: seed, Strategy: func(uint64) engine.Strategy {
		return engine.Strategy{Keep: true, Swap: swap, Other: d.other}
	}})
}

// decides reports whether some questions, answered as by the other seed, alone
// bring about what makes the histories part.
func (d *differ) decides(p *trace.Parting, swap ...engine.Question) (bool, error) {
	played, err := d.play(&d.a.Seed, swap...)
	if err != nil {
		return false, err
	}
	return p.IsIn(played.Cluster.History()), nil
}

// maxTried bounds how many choices are tried one by one.
const maxTried = 200

// choice finds out which choice made two histories part: it tries those that the
// seeds answer differently, in the order in which they were asked, then how long
// things took, then all choices together.
func (d *differ) choice(p *trace.Parting) (string, error) {
	made, spans := d.a.Cluster.Choices()
	differing := d.differing(made)
	for _, c := range differing[:min(len(differing), maxTried)] {
		decides, err := d.decides(p, engine.Question{Concern: c.mine.Concern, Key: c.mine.Key})
		if err != nil {
			return "", err
		}
		if decides {
			return fmt.Sprintf("%s of %s: answer %d of %d where the other has %d", c.mine.Concern, c.mine.Key, c.mine.Answer+1, c.mine.N, c.other.Answer+1), nil
		}
	}
	var all, times []engine.Question
	for _, concern := range spans {
		times = append(times, engine.Question{Concern: concern})
		decides, err := d.decides(p, times[len(times)-1])
		if err != nil {
			return "", err
		}
		if decides {
			return fmt.Sprintf("no choice, but how long things took: %s", concern), nil
		}
	}
	for _, c := range differing {
		all = append(all, engine.Question{Concern: c.mine.Concern, Key: c.mine.Key})
	}
	for _, set := range []struct {
		questions []engine.Question
		name      string
	}{{times, "no choice, but how long several things took together"}, {all, "several choices together"}} {
		decides, err := d.decides(p, set.questions...)
		if err != nil {
			return "", err
		}
		if decides {
			return set.name, nil
		}
	}
	return "choices and how long things took, together", nil
}

// answered is a choice that both histories made, not alike.
type answered struct{ mine, other engine.Choice }

// differing returns the questions whose first different answers differ, each once,
// in the order in which they were asked.
func (d *differ) differing(made []engine.Choice) []answered {
	others, _ := d.b.Cluster.Choices()
	by := map[engine.Question][]engine.Choice{}
	for _, c := range others {
		q := engine.Question{Concern: c.Concern, Key: c.Key}
		by[q] = append(by[q], c)
	}
	asked := map[engine.Question]int{}
	seen := map[engine.Question]bool{}
	var list []answered
	for _, c := range made {
		q := engine.Question{Concern: c.Concern, Key: c.Key}
		n := asked[q]
		asked[q]++
		if n < len(by[q]) && by[q][n] != c && !seen[q] {
			seen[q] = true
			list = append(list, answered{c, by[q][n]})
		}
	}
	return list
}

// String tells the difference: where the histories part and why, then what the
// steps print otherwise.
func (d *Difference) String() string {
	var b strings.Builder
	if d.Parting == nil {
		fmt.Fprintf(&b, "Seeds %d and %d tell the same history.\n", d.A.Seed, d.B.Seed)
		return b.String()
	}
	p := d.Parting
	fmt.Fprintf(&b, "Seeds %d and %d part at %s, over %s:\n", d.A.Seed, d.B.Seed, sinceStart(p.Time()), p.Object)
	seed := max(len(fmt.Sprint(d.A.Seed)), len(fmt.Sprint(d.B.Seed)))
	fmt.Fprintf(&b, "  %*d  %s\n  %*d  %s\n", seed, d.A.Seed, told(p.A), seed, d.B.Seed, told(p.B))
	for _, f := range p.Fields[:min(len(p.Fields), 8)] {
		fmt.Fprintf(&b, "  %*s  %s\n", seed, "", f)
	}
	fmt.Fprintf(&b, "The choice that made the difference: %s.\n", d.Choice)
	d.steps(&b)
	return b.String()
}

// steps writes what the steps print otherwise.
func (d *Difference) steps(b *strings.Builder) {
	n := 0
	for i := range d.A.Done {
		x, y := d.A.Done[i], d.B.Done[i]
		before, after := lines(x.Got), lines(y.Got)
		if x.Err != nil {
			before = append(before, x.Err.Error())
		}
		if y.Err != nil {
			after = append(after, y.Err.Error())
		}
		if slices.Equal(before, after) && x.Typed == y.Typed {
			continue
		}
		if n++; n == 1 {
			fmt.Fprintf(b, "What is printed otherwise (- seed %d, + seed %d):\n", d.A.Seed, d.B.Seed)
		}
		fmt.Fprintf(b, "\nline %d: %s\n", x.Line, x.Text)
		for _, line := range edits(before, after) {
			fmt.Fprintln(b, line)
		}
	}
	if n == 0 {
		fmt.Fprintln(b, "Nothing is printed otherwise.")
	}
}

// edits is a shortest way from one list of lines to another: "-" before lines of
// the first alone, "+" before those of the second, " " before common ones.
func edits(a, b []string) []string {
	// longest[i][j] is how many lines a[i:] and b[j:] have in common.
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}

// told is a record in a few words.
func told(rec *apiserver.Record) string {
	if rec == nil {
		return "nothing more happens to it"
	}
	text := fmt.Sprintf("%s %s by %s", sinceStart(rec.Time), rec.Type, rec.By)
	if change := trace.Change(rec); change != "" {
		text += ": " + change
	}
	return text
}

// sinceStart is a moment as a span since the cluster's beginning.
func sinceStart(t engine.Time) string { return fmt.Sprintf("%.3fs", float64(t)/1e9) }
