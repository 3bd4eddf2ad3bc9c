package trace

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// signs are what stands for the phases in a terminal.
var signs = [phases]rune{pending: '·', creating: '▒', running: '▓', ready: '█', failing: '!', completed: '◌', terminating: '×'}

// maxTold bounds how many causes WriteLanes lists.
const maxTold = 60

// WriteLanes draws a history for a terminal: what WriteSVG draws in characters, a
// lane a line, with what was done, and what released what, listed below.
func WriteLanes(w io.Writer, recs []*apiserver.Record, t Timeline) error {
	c := newChart(recs, t)
	d := lanesText{chart: c, out: bufio.NewWriter(w)}
	d.draw()
	return d.out.Flush() // reports the first error of all
}

// lanesText is a chart being written.
type lanesText struct {
	*chart
	out  *bufio.Writer
	left int
}

func (d *lanesText) draw() {
	for _, g := range d.groups {
		for i := range g.lanes {
			d.left = max(d.left, utf8.RuneCountInString(shorten(g.lanes[i].key.Name, 32)))
		}
	}
	d.left = max(d.left+2, utf8.RuneCountInString(d.name(1))+4)
	place(d.panels, 0, float64(cmp.Or(d.Width, 110)-d.left), 3, 7)
	if d.Title != "" {
		fmt.Fprintln(d.out, d.Title)
	}
	var legend []string
	for ph, name := range phaseNames {
		legend = append(legend, fmt.Sprintf("%c %s", signs[ph], name))
	}
	fmt.Fprintln(d.out, strings.Join(legend, "  "))
	d.axis()
	for _, g := range d.groups {
		if len(g.lanes) == 0 {
			fmt.Fprintf(d.out, "no %s\n", g.name)
		}
		for i := range g.lanes {
			d.line(shorten(g.lanes[i].key.Name, 32), d.bars(&g.lanes[i]))
			if d.Other != nil {
				d.line("  "+d.name(1), d.bars(&g.other[i]))
			}
		}
		if g.lanes != nil && g.lanes[0].kind == apiserver.Pod && d.hidden > 0 {
			fmt.Fprintf(d.out, "and %d more pods\n", d.hidden)
		}
	}
	d.lists()
}

// line writes a lane.
func (d *lanesText) line(label string, cells []rune) {
	fmt.Fprintln(d.out, strings.TrimRight(label+strings.Repeat(" ", max(d.left-utf8.RuneCountInString(label), 0))+string(cells), " "))
}

// blank is a line without anything but the gaps.
func (d *lanesText) blank() []rune {
	width := int(d.panels[len(d.panels)-1].x1 + 1)
	cells := []rune(strings.Repeat(" ", width))
	for _, p := range d.panels[1:] {
		cells[max(int(p.x0)-2, 0)] = '┊'
	}
	return cells
}

// axis writes when each panel begins, and the letters of what was done.
func (d *lanesText) axis() {
	times, marks := d.blank(), d.blank()
	end := 0
	for _, p := range d.panels {
		if text := []rune(stamp(p.from / 1e8 * 1e8)); int(p.x0) >= end {
			copy(times[min(int(p.x0), len(times)):], text)
			end = int(p.x0) + len(text) + 1
		}
	}
	for i, m := range d.marks {
		if x := d.column(m.At); x < len(marks) {
			for x < len(marks)-1 && marks[x] != ' ' && marks[x] != '┊' {
				x++
			}
			marks[x] = letter(i)
		}
	}
	if d.parting != nil {
		marks[min(d.column(d.parting.Time()), len(marks)-1)] = '|'
	}
	d.line("", times)
	d.line("", marks)
}

// letter names a mark.
func letter(i int) rune {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if i < len(letters) {
		return rune(letters[i])
	}
	return '*'
}

func (d *lanesText) column(t engine.Time) int { return int(at(d.panels, t)) }

// bars are the states of a lane. Of several in one column the last is shown.
func (d *lanesText) bars(l *lane) []rune {
	cells := d.blank()
	for _, p := range d.panels {
		for k := range l.spans {
			s := &l.spans[k]
			from, to := max(s.from, p.from), min(s.to, p.to)
			if from >= to {
				continue
			}
			for x := d.column(from); x <= min(d.column(to), int(p.x1)-1); x++ {
				cells[x] = signs[s.state.phase]
			}
		}
	}
	return cells
}

// lists writes what was done, and what released what.
func (d *lanesText) lists() {
	if len(d.marks) > 0 {
		fmt.Fprintln(d.out, "\nwhat was done:")
	}
	for i, m := range d.marks {
		bad := ""
		if m.Misfortune {
			bad = "⚡ "
		}
		fmt.Fprintf(d.out, "  %c %s  %s%s\n", letter(i), seconds(m.At), bad, shorten(m.Text, 100))
	}
	if d.parting != nil {
		fmt.Fprintf(d.out, "\n%s and %s part at | %s, over %s: %s\n", d.name(0), d.name(1), seconds(d.parting.Time()), d.parting.Object, fit(d.parting.Fields, 160))
	}
	if len(d.arrows) == 0 {
		return
	}
	fmt.Fprintln(d.out, "\nwhat released what:")
	for i, a := range d.arrows {
		if i == maxTold {
			fmt.Fprintf(d.out, "  and %d more\n", len(d.arrows)-i)
			return
		}
		fmt.Fprintf(d.out, "  %s\n", a.text)
	}
}
