package scenario

import (
	"fmt"
	"strings"
)

// anything is the line that stands for any number of lines in an output.
const anything = "..."

// Matches reports whether what a step printed is what it was expected to:
// spaces at the ends of lines, and empty lines at the end of all, do not count.
func (s *Step) Matches(got string) bool {
	return match(lines(s.Want), lines(got))
}

// lines divides an output.
func lines(text string) []string {
	list := strings.Split(text, "\n")
	for i := range list {
		list[i] = strings.TrimRight(list[i], " \t\r")
	}
	for len(list) > 0 && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return list
}

// match holds lines against a pattern in which "..." is any lines. It goes back
// to the last "..." alone, so that it takes no longer than one times the other.
func match(want, got []string) bool {
	w, g := 0, 0
	star, from := -1, 0
	for g < len(got) {
		switch {
		case w < len(want) && want[w] == anything:
			star, from = w, g
			w++
		case w < len(want) && literal(want[w]) == got[g]:
			w, g = w+1, g+1
		case star >= 0:
			from++
			w, g = star+1, from
		default:
			return false
		}
	}
	for w < len(want) && want[w] == anything {
		w++
	}
	return w == len(want)
}

// quoted is the line that is "..." to the letter.
const quoted = "\\" + anything

func literal(line string) string {
	if line == quoted {
		return anything
	}
	return line
}

// Format returns the scenario's file with other outputs: what each step printed.
// Where the file's own output matches, it stays as it is.
func (s *Scenario) Format(got []string) []byte {
	var b strings.Builder
	b.WriteString(strings.Repeat("\n", s.lead))
	for i := range s.Steps {
		step := &s.Steps[i]
		if i < len(got) && !step.Matches(got[i]) {
			step.format(&b, &got[i])
		} else {
			step.format(&b, nil)
		}
	}
	return append([]byte(b.String()), s.rest...)
}

// Format returns what was played as a scenario of its own: the steps that are over,
// those of one's own among them, with what they printed.
func (p *Session) Format() []byte {
	var b strings.Builder
	seed := p.played.Own
	for _, d := range p.played.Done {
		isSeed := d.set != nil && strings.HasPrefix(d.Text, "seed ")
		switch {
		case isSeed && !p.played.Own:
			continue
		case d.Kind != Prose && !seed:
			seed = true
			fmt.Fprintf(&b, "> seed %d\n", p.played.Seed)
		}
		if d.Matches(d.Got) {
			d.format(&b, nil)
		} else {
			d.format(&b, &d.Got)
		}
	}
	text := strings.TrimRight(b.String(), "\n") + "\n"
	if len(p.player.file.rest) > 0 {
		text += "\n"
	}
	return append([]byte(text), p.player.file.rest...)
}

// format writes a step with what it printed; nil means what the file has.
func (s *Step) format(b *strings.Builder, got *string) {
	for _, line := range s.head {
		b.WriteString(line + "\n")
	}
	out := lines(s.Want)
	if got != nil {
		out = lines(*got)
		for j := range out {
			out[j] = escape(out[j])
		}
	} else {
		for j := range out {
			if out[j] != anything && out[j] != quoted {
				out[j] = escape(out[j])
			}
		}
	}
	for _, line := range out {
		b.WriteString(line + "\n")
	}
	b.WriteString(strings.Repeat("\n", s.blank))
}
