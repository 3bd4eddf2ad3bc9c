package trace

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// The sizes of a picture, in pixels.
const (
	laneHeight  = 26.0
	barHeight   = 16.0
	otherHeight = 8.0 // of the other history's bars
	stripe      = 3.0 // under a bar: the pod's revision
	margin      = 16.0
	charWidth   = 6.1 // of a character of the small font, on average
	maxMarks    = 6   // rows of labels
	markHeight  = 14.0
)

// fills are the colours of the phases, light enough for dark text. They are tints
// of Okabe and Ito's palette, which colour-blind readers tell apart; what failed
// and what goes is hatched, too.
var fills = [phases]string{
	pending: "#dcdfe3", creating: "#f3e08a", running: "#a5d4f2", ready: "#6cc3a0",
	failing: "#f0a277", completed: "#a99cd6", terminating: "#dfa9c9",
}

// hatches are the patterns over the colours.
var hatches = [phases]string{failing: "url(#hatch)", terminating: "url(#dots)"}

// stripes are the colours of revisions, in the order in which they appear.
var stripes = [...]string{"#6b7785", "#0072b2", "#b3541e", "#8a3ffc", "#00735c"}

// picture is a chart being drawn.
type picture struct {
	*chart
	buf    bytes.Buffer
	left   float64 // where the first panel begins
	right  float64
	top    float64 // of the first lane
	bottom float64
	rows   map[object]float64 // the middle of each object's lane
}

// object names a lane.
type object struct {
	kind apiserver.Kind
	key  apiserver.Key
}

// WriteSVG draws a history: a lane for each pod, coloured by STATUS, with its node
// in the bar, a stripe for its revision below it and its restarts in it; below
// these the sets, claims, volumes and nodes, and what controllers decided. What was
// done and what went wrong stands above. Time runs from left to right and is cut
// where nothing happens: between two panels stands how much is left out. Arrows
// lead from what released something to what it released, if Timeline.CauseOf is
// given. The picture is self-contained.
func WriteSVG(w io.Writer, recs []*apiserver.Record, t Timeline) error {
	p := picture{chart: newChart(recs, t), rows: map[object]float64{}}
	p.draw()
	_, err := w.Write(p.buf.Bytes())
	return err
}

func (p *picture) draw() {
	p.layout()
	rows, count := p.placeMarks()
	marksTop := margin + 24
	if p.Title != "" {
		marksTop += 24
	}
	if len(p.revisions) > 1 || p.parting != nil {
		marksTop += 20
	}
	p.top = marksTop + float64(count)*markHeight + 34
	p.bottom = p.top
	lanes := p.captured(p.drawGroups)
	crews := p.captured(p.drawCrews)
	height := p.bottom + margin
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%.0f" viewBox="0 0 %d %.0f" font-family="Helvetica, Arial, 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif" font-size="12" fill="#1f2933">`,
		p.Width, height, p.Width, height)
	p.printf(`<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2" height="6" fill="#7a2d00" opacity="0.45"/></pattern>` +
		`<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse"><circle cx="1.5" cy="1.5" r="0.9" fill="#5c1546" opacity="0.6"/></pattern>` +
		`<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#334e68"/></marker></defs>`)
	p.printf(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	y := margin
	if p.Title != "" {
		p.printf(`<text x="%.1f" y="%.1f" font-size="16" font-weight="bold">%s</text>`, margin, y+12, escape(p.Title))
		y += 24
	}
	p.drawLegend(y)
	p.drawAxis()
	p.drawMarks(marksTop, rows)
	p.buf.Write(lanes)
	p.buf.Write(crews)
	p.drawArrows()
	p.printf(`</svg>`)
}

// captured returns what a function draws.
func (p *picture) captured(draw func()) []byte {
	before := p.buf
	p.buf = bytes.Buffer{}
	draw()
	drawn := p.buf.Bytes()
	p.buf = before
	return drawn
}

// layout finds the columns.
func (p *picture) layout() {
	longest := 0
	for _, g := range p.groups {
		for i := range g.lanes {
			longest = max(longest, len([]rune(p.label(&g, i))))
		}
	}
	for _, c := range p.crews {
		longest = max(longest, len([]rune(c.name)))
	}
	p.left = margin + min(float64(longest)*7.2, 240) + 10
	if p.Width == 0 {
		p.Width = 1000
		seconds := 0.0
		for _, panel := range p.panels {
			seconds += max(float64(panel.to-panel.from)/1e9, 2.5)
		}
		p.Width = max(p.Width, min(int(p.left+seconds*32+gapWidth*float64(len(p.panels)-1)+margin), 3200))
	}
	p.right = max(float64(p.Width)-margin-8, p.left+100)
	place(p.panels, p.left, p.right, gapWidth, panelWidth)
}

// label names a lane; the namespace stands there if there are several.
func (p *picture) label(g *group, i int) string {
	if g.lanes[0].key.Namespace != g.lanes[len(g.lanes)-1].key.Namespace { // they are sorted by it
		return g.lanes[i].key.String()
	}
	return g.lanes[i].key.Name
}

func (p *picture) x(t engine.Time) float64 { return at(p.panels, t) }

func (p *picture) drawLegend(y float64) {
	x := margin
	for ph, name := range phaseNames {
		p.bar(x, y, 14, 12, phase(ph), "")
		p.printf(`<text x="%.1f" y="%.1f" font-size="11">%s</text>`, x+19, y+10, name)
		x += 19 + float64(len(name))*6.6 + 16
	}
	if p.arrows != nil {
		p.printf(`<path d="M%.1f %.1f h18" stroke="#334e68" fill="none" marker-end="url(#tip)"/>`, x, y+6)
		p.printf(`<text x="%.1f" y="%.1f" font-size="11">released</text>`, x+23, y+10)
	}
	x, y = margin, y+20
	if len(p.revisions) > 1 {
		p.printf(`<text x="%.1f" y="%.1f" font-size="11" fill="#52606d">revision:</text>`, x, y+10)
		x += 60
		for i, name := range p.revisions {
			p.printf(`<rect x="%.1f" y="%.1f" width="16" height="%.1f" fill="%s"/>`, x, y+5, stripe, stripes[i%len(stripes)])
			p.printf(`<text x="%.1f" y="%.1f" font-size="11">%s</text>`, x+21, y+10, escape(name))
			x += 21 + float64(len(name))*6.6 + 16
		}
	}
	if p.parting != nil {
		p.printf(`<text x="%.1f" y="%.1f" font-size="11" fill="#a3154c">%s above, %s below; they part at %s over %s</text>`,
			x, y+10, escape(p.name(0)), escape(p.name(1)), seconds(p.parting.Time()), escape(p.parting.Object))
	}
}

// name is what one of two histories is called.
func (c *chart) name(i int) string {
	if c.Names[i] == "" {
		return [2]string{"the first", "the second"}[i]
	}
	return c.Names[i]
}

// drawAxis draws the panels with their ticks, and what lies between them.
func (p *picture) drawAxis() {
	written := 0.0 // where the last label ends
	for i, panel := range p.panels {
		p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#f7f9fb"/>`, panel.x0, p.top-4, panel.x1-panel.x0, p.bottom-p.top+4)
		p.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#9aa5b1"/>`, panel.x0, p.top-4, panel.x1, p.top-4)
		first := engine.Time(-1)
		step := tick(panel.to.Sub(panel.from), int((panel.x1-panel.x0)/70))
		for t := (panel.from + engine.Time(step) - 1) / engine.Time(step) * engine.Time(step); t <= panel.to; t = t.Add(step) {
			x := p.x(t)
			p.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#dfe4ea"/>`, x, p.top-4, x, p.bottom)
			label := stamp(t)
			if first >= 0 {
				label = "+" + clock(t-first)
			}
			half := float64(len(label)) * 2.9
			if x-half < written+4 {
				continue
			}
			written = x + half
			if first < 0 {
				first = t
			}
			p.printf(`<text x="%.1f" y="%.1f" font-size="10.5" fill="#52606d" text-anchor="middle">%s</text>`, x, p.top-9, label)
		}
		if i == 0 {
			continue
		}
		before := p.panels[i-1]
		x := (before.x1 + panel.x0) / 2
		p.printf(`<path d="M%.1f %.1f l4 -4 l-8 -4 l4 -4 M%.1f %.1f V%.1f" stroke="#9aa5b1" stroke-width="1" fill="none" stroke-dasharray="none"/>`, x, p.top+4, x, p.top+4, p.bottom)
		p.printf(`<text x="%.1f" y="%.1f" font-size="10" fill="#7b8794" text-anchor="middle"><title>nothing happens for %s</title>%s</text>`, x, p.top-22, panel.from.Sub(before.to).Round(time.Millisecond), rough(panel.from.Sub(before.to)))
	}
}

// rough writes a span with two digits or so.
func rough(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= 3*time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// placeMarks gives each label the first row in which it does not touch another;
// -1 means none. It returns how many rows are used.
func (p *picture) placeMarks() (rows []int, count int) {
	var ends [maxMarks]float64
	for _, m := range p.marks {
		from, to := p.markExtent(m)
		row := slices.IndexFunc(ends[:], func(end float64) bool { return end == 0 || end+8 < from })
		if row >= 0 {
			ends[row] = to
			count = max(count, row+1)
		}
		rows = append(rows, row)
	}
	return rows, count
}

// markExtent returns where a label begins and ends: to the right of its time,
// or to the left if there is no room.
func (p *picture) markExtent(m Mark) (from, to float64) {
	x, width := p.x(m.At), float64(len([]rune(shorten(m.Text, 60))))*charWidth+4
	if x+width > float64(p.Width)-margin {
		return x - width, x
	}
	return x, x + width
}

// drawMarks draws the lines first: a label is read on top of them.
func (p *picture) drawMarks(top float64, rows []int) {
	y := func(i int) float64 {
		if rows[i] < 0 {
			return p.top - 4
		}
		return top + float64(rows[i])*markHeight
	}
	colour := func(m Mark) string {
		if m.Misfortune {
			return "#a33c00"
		}
		return "#0b4f8a"
	}
	for i, m := range p.marks {
		p.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-dasharray="3 3" opacity="0.55"><title>%s %s</title></line>`,
			p.x(m.At), y(i), p.x(m.At), p.bottom, colour(m), seconds(m.At), escape(m.Text))
	}
	for i, m := range p.marks {
		if rows[i] < 0 {
			continue
		}
		from, _ := p.markExtent(m)
		text := shorten(m.Text, 60)
		if m.Misfortune {
			text = "⚡" + text
		}
		p.printf(`<text x="%.1f" y="%.1f" font-size="11" fill="%s" stroke="#ffffff" stroke-width="3" paint-order="stroke">%s</text>`,
			from+4, y(i)+10, colour(m), escape(text))
	}
	if p.parting != nil {
		p.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#a3154c" stroke-width="2"><title>%s</title></line>`,
			p.x(p.parting.Time()), p.top-16, p.x(p.parting.Time()), p.bottom, escape("here the histories part: "+strings.Join(p.parting.Fields, ", ")))
	}
}

// drawGroups draws the lanes of all kinds, and moves the bottom.
func (p *picture) drawGroups() {
	for gi := range p.groups {
		g := &p.groups[gi]
		if gi > 0 {
			p.heading(g.name)
		}
		for i := range g.lanes {
			p.drawLane(g, i)
		}
		switch {
		case gi > 0:
		case p.hidden > 0:
			p.printf(`<text x="%.1f" y="%.1f" fill="#52606d">and %d more pods</text>`, margin, p.bottom+16, p.hidden)
			p.bottom += 22
		case len(g.lanes) == 0:
			p.printf(`<text x="%.1f" y="%.1f" fill="#52606d">no pods</text>`, margin, p.bottom+16)
			p.bottom += 22
		}
	}
}

func (p *picture) heading(name string) {
	p.printf(`<text x="%.1f" y="%.1f" font-size="10.5" fill="#7b8794" letter-spacing="1">%s</text>`, margin, p.bottom+17, strings.ToUpper(name))
	p.bottom += 22
}

func (p *picture) drawLane(g *group, i int) {
	l := &g.lanes[i]
	height := laneHeight
	if p.Other != nil {
		height += otherHeight + 1
	}
	y := p.bottom + (laneHeight-barHeight-stripe)/2
	p.rows[object{l.kind, l.key}] = y + barHeight/2
	p.bottom += height
	p.printf(`<text x="%.1f" y="%.1f">%s</text>`, margin, y+12.5, escape(shorten(p.label(g, i), 32)))
	for k := range l.spans {
		s := &l.spans[k]
		for _, piece := range p.pieces(s) {
			p.bar(piece[0], y, piece[1]-piece[0], barHeight, s.state.phase, s.title(l.key))
			if r := slices.Index(p.revisions, s.revision); r >= 0 && len(p.revisions) > 1 {
				p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, piece[0], y+barHeight, piece[1]-piece[0], stripe, stripes[r%len(stripes)])
			}
		}
	}
	for k := range g.other[i].spans {
		s := &g.other[i].spans[k]
		for _, piece := range p.pieces(s) {
			p.bar(piece[0], y+barHeight+stripe+1, piece[1]-piece[0], otherHeight, s.state.phase, p.name(1)+": "+s.title(l.key))
		}
	}
	p.drawWords(l, y)
}

// pieces returns where a span is drawn: in each panel that it touches.
func (p *picture) pieces(s *span) [][2]float64 {
	var list [][2]float64
	for _, panel := range p.panels {
		from, to := max(s.from, panel.from), min(s.to, panel.to)
		if from >= to {
			continue
		}
		x := p.x(from)
		list = append(list, [2]float64{x, x + max(p.x(to)-x, 0.8)})
	}
	return list
}

// bar draws a bar in the colour of a phase.
func (p *picture) bar(x, y, width, height float64, ph phase, title string) {
	inner := ""
	if title != "" {
		inner = "<title>" + escape(title) + "</title>"
	}
	p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s">%s</rect>`, x, y, width, height, fills[ph], inner)
	if hatches[ph] != "" {
		p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" pointer-events="none"/>`, x, y, width, height, hatches[ph])
	}
}

// drawWords writes into the bars, where they fit: the node of each pod once a
// panel, why one fails, how often it restarted, and what a bar of another kind
// stands for.
func (p *picture) drawWords(l *lane, y float64) {
	var lastEnd float64
	var lastText string
	for k := range l.spans {
		s := &l.spans[k]
		for _, piece := range p.pieces(s) {
			text := s.words(l.kind)
			if text == lastText && piece[0] < lastEnd+60 {
				continue
			}
			if piece[1]-piece[0] < float64(len([]rune(text)))*charWidth+8 {
				text = strings.TrimSuffix(s.short(l.kind), " ")
			}
			if text == "" || piece[1]-piece[0] < float64(len([]rune(text)))*charWidth+6 {
				continue
			}
			p.printf(`<text x="%.1f" y="%.1f" font-size="11" text-anchor="middle" pointer-events="none">%s</text>`, (piece[0]+piece[1])/2, y+12, escape(text))
			lastEnd, lastText = piece[1], text
		}
	}
}

// words are what stands in a bar.
func (s *span) words(kind apiserver.Kind) string {
	if kind != apiserver.Pod {
		return s.state.text
	}
	text := s.node
	if s.state.phase == failing || s.state.phase == terminating {
		text = strings.Trim(s.state.text+" · "+s.node, " ·")
	}
	if s.restarts > 0 {
		text += fmt.Sprintf(" ↻%d", s.restarts)
	}
	return text
}

// short is what stands there if words do not fit.
func (s *span) short(kind apiserver.Kind) string {
	switch {
	case kind != apiserver.Pod:
		return ""
	case s.state.phase == failing:
		return s.state.text
	case s.restarts > 0:
		return fmt.Sprintf("↻%d", s.restarts)
	}
	return ""
}

// drawCrews draws what controllers decided, a stroke each.
func (p *picture) drawCrews() {
	if len(p.crews) == 0 {
		return
	}
	p.heading("decisions")
	for _, c := range p.crews {
		y := p.bottom
		p.bottom += 18
		p.printf(`<text x="%.1f" y="%.1f" font-size="11">%s</text>`, margin, y+12, escape(shorten(c.name, 34)))
		for _, d := range c.decisions {
			if !p.isShown(d.at) {
				continue
			}
			x := p.x(d.at)
			p.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#334e68" stroke-width="1.6"><title>%s %s</title></line>`, x, y+3, x, y+14, seconds(d.at), escape(d.text))
		}
	}
}

// isShown reports whether a moment lies in a panel.
func (p *picture) isShown(t engine.Time) bool {
	return slices.ContainsFunc(p.panels, func(panel panel) bool { return panel.from <= t && t <= panel.to })
}

// drawArrows draws the causes.
func (p *picture) drawArrows() {
	for _, a := range p.arrows {
		from, ok := p.rows[object{a.fromKind, a.from}]
		to, found := p.rows[object{a.toKind, a.to}]
		if !ok || !found || !p.isShown(a.begin) || !p.isShown(a.end) {
			continue
		}
		half := barHeight/2 + 1
		if to < from {
			half = -half
		}
		x0, x1 := p.x(a.begin), p.x(a.end)
		bend := min(max((x1-x0)/2, 6), 40)
		p.printf(`<path d="M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f" stroke="#334e68" stroke-width="1" opacity="0.7" fill="none" marker-end="url(#tip)"><title>%s</title></path>`,
			x0, from+half, x0, from+half+half*0.8, x1-bend, to-half*1.6, x1, to-half, escape(a.text))
	}
}

func (p *picture) printf(format string, args ...any) {
	fmt.Fprintf(&p.buf, format+"\n", args...)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
