package trace

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Timeline says what a picture shows. The zero Timeline shows everything.
type Timeline struct {
	// Title stands at the top; empty means none.
	Title string
	// Width of the picture in pixels; 0 means 1000.
	Width int
	// From and To bound the time that is shown; a zero To means a little after
	// the last record.
	From, To engine.Time
	// MaxLanes is how many pods are shown, in the order of namespace, set and
	// ordinal; 0 means 100. The picture says how many are left out.
	MaxLanes int
}

// The sizes of a picture, in pixels.
const (
	laneHeight = 26.0
	barHeight  = 16.0
	stripe     = 3.0 // under a bar: the pod's revision
	margin     = 16.0
	charWidth  = 6.1 // of a character of the small font, on average
	maxMarks   = 4   // rows of labels
)

// fills are the colours of the phases, light enough for dark text.
var fills = [phases]string{
	pending: "#d3d8de", creating: "#f7d070", running: "#9cc4f0", ready: "#8ed1a1",
	failing: "#f08c7d", completed: "#b8b5cc", terminating: "#d9a8de",
}

// stripes are the colours of revisions, in the order in which they appear.
var stripes = [...]string{"#7a8794", "#0b5fa5", "#b3541e", "#6a3d9a", "#1b7f5c"}

// picture is a Timeline being drawn.
type picture struct {
	Timeline
	buf       bytes.Buffer
	lanes     []lane
	hidden    int // lanes that are not shown
	marks     []mark
	revisions []string
	left      float64 // where time From is
	right     float64
	top       float64 // of the first lane
	bottom    float64
}

// WriteSVG draws the lives of the pods of a history: a lane for each name, time
// from left to right, coloured by status, with the pod's node in the bar and a
// stripe for its revision below it; what was done to StatefulSets stands above.
// The picture is self-contained.
func WriteSVG(w io.Writer, recs []*apiserver.Record, t Timeline) error {
	p := picture{Timeline: t}
	p.Width = cmp.Or(p.Width, 1000)
	p.MaxLanes = cmp.Or(p.MaxLanes, 100)
	if p.To == 0 {
		p.To = endOf(recs)
		p.To += max(p.To-p.From, 0) / 50 // the last states are to be seen
	}
	p.To = max(p.To, p.From+1)
	p.lanes = lanesOf(recs, p.To)
	if n := len(p.lanes); n > p.MaxLanes {
		p.hidden = n - p.MaxLanes
		p.lanes = p.lanes[:p.MaxLanes]
	}
	for _, m := range marksOf(recs) {
		if p.From <= m.at && m.at <= p.To {
			p.marks = append(p.marks, m)
		}
	}
	p.draw()
	_, err := w.Write(p.buf.Bytes())
	return err
}

func (p *picture) draw() {
	p.layout()
	rows, count := p.placeMarks()
	legendTop := margin
	if p.Title != "" {
		legendTop += 24
	}
	marksTop := legendTop + 24
	if len(p.revisions) > 1 {
		marksTop += 20
	}
	p.top = marksTop + float64(count)*14 + 26
	p.bottom = p.top + float64(len(p.lanes))*laneHeight
	height := p.bottom + margin
	if p.hidden > 0 || len(p.lanes) == 0 {
		height += 18
	}

	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%.0f" viewBox="0 0 %d %.0f" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="12" fill="#1f2933">`,
		p.Width, height, p.Width, height)
	p.printf(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	if p.Title != "" {
		p.printf(`<text x="%.1f" y="%.1f" font-size="16" font-weight="bold">%s</text>`, margin, margin+12, escape(p.Title))
	}
	p.drawLegend(legendTop)
	p.drawAxis()
	p.drawMarks(marksTop, rows)
	for i := range p.lanes {
		p.drawLane(i)
	}
	switch {
	case p.hidden > 0:
		p.printf(`<text x="%.1f" y="%.1f" fill="#52606d">and %d more pods</text>`, margin, p.bottom+18, p.hidden)
	case len(p.lanes) == 0:
		p.printf(`<text x="%.1f" y="%.1f" fill="#52606d">no pods</text>`, margin, p.bottom+18)
	}
	p.printf(`</svg>`)
}

// layout finds the columns and the revisions.
func (p *picture) layout() {
	longest := 0
	for i := range p.lanes {
		longest = max(longest, len([]rune(p.label(i))))
		for _, s := range p.lanes[i].spans {
			if s.revision != "" && !slices.Contains(p.revisions, s.revision) {
				p.revisions = append(p.revisions, s.revision)
			}
		}
	}
	p.left = margin + min(float64(longest)*7.2, 300) + 10
	p.right = max(float64(p.Width)-margin-8, p.left+100)
	if len(p.revisions) < 2 {
		return
	}
	born := map[string]engine.Time{} // the first time of each
	for i := range p.lanes {
		for _, s := range p.lanes[i].spans {
			if at, ok := born[s.revision]; !ok || s.from < at {
				born[s.revision] = s.from
			}
		}
	}
	slices.SortStableFunc(p.revisions, func(a, b string) int { return cmp.Compare(born[a], born[b]) })
}

// label names a lane; the namespace stands there if there are several.
func (p *picture) label(i int) string {
	if p.lanes[0].key.Namespace != p.lanes[len(p.lanes)-1].key.Namespace { // they are sorted by it
		return p.lanes[i].key.String()
	}
	return p.lanes[i].key.Name
}

func (p *picture) x(t engine.Time) float64 {
	return p.left + (p.right-p.left)*float64(t-p.From)/float64(p.To-p.From)
}

func (p *picture) drawLegend(y float64) {
	x := margin
	for ph, name := range phaseNames {
		p.printf(`<rect x="%.1f" y="%.1f" width="12" height="12" rx="2" fill="%s"/>`, x, y, fills[ph])
		p.printf(`<text x="%.1f" y="%.1f" font-size="11">%s</text>`, x+17, y+10, name)
		x += 17 + float64(len(name))*6.6 + 16
	}
	if len(p.revisions) < 2 {
		return
	}
	x, y = margin, y+20
	p.printf(`<text x="%.1f" y="%.1f" font-size="11" fill="#52606d">revision:</text>`, x, y+10)
	x += 60
	for i, name := range p.revisions {
		p.printf(`<rect x="%.1f" y="%.1f" width="16" height="%.1f" fill="%s"/>`, x, y+5, stripe, stripes[i%len(stripes)])
		p.printf(`<text x="%.1f" y="%.1f" font-size="11">%s</text>`, x+21, y+10, escape(name))
		x += 21 + float64(len(name))*6.6 + 16
	}
}

func (p *picture) drawAxis() {
	step := tick(p.To.Sub(p.From), int((p.right-p.left)/90))
	for i := range p.lanes {
		y := p.top + float64(i)*laneHeight
		if i%2 == 1 {
			p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#f7f9fb"/>`, margin, y, p.right-margin, laneHeight)
		}
	}
	first := (p.From + engine.Time(step) - 1) / engine.Time(step) * engine.Time(step)
	for t := first; t <= p.To; t = t.Add(step) {
		x := p.x(t)
		p.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#dfe4ea"/>`, x, p.top-4, x, p.bottom)
		p.printf(`<text x="%.1f" y="%.1f" font-size="11" fill="#52606d" text-anchor="middle">%s</text>`, x, p.top-9, clock(t))
	}
	p.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#9aa5b1"/>`, p.left, p.top-4, p.right, p.top-4)
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
func (p *picture) markExtent(m mark) (from, to float64) {
	x, width := p.x(m.at), float64(len([]rune(m.text)))*charWidth+4
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
		return top + float64(rows[i])*14
	}
	for i, m := range p.marks {
		p.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#0b4f8a" stroke-dasharray="3 3" opacity="0.55"><title>%s %s</title></line>`,
			p.x(m.at), y(i), p.x(m.at), p.bottom, seconds(m.at), escape(m.text))
	}
	for i, m := range p.marks {
		if rows[i] < 0 {
			continue
		}
		from, _ := p.markExtent(m)
		p.printf(`<text x="%.1f" y="%.1f" font-size="11" fill="#0b4f8a" stroke="#ffffff" stroke-width="3" paint-order="stroke">%s</text>`,
			from+4, y(i)+10, escape(m.text))
	}
}

func (p *picture) drawLane(i int) {
	l := &p.lanes[i]
	y := p.top + float64(i)*laneHeight + (laneHeight-barHeight-stripe)/2
	p.printf(`<text x="%.1f" y="%.1f">%s</text>`, margin, y+12.5, escape(shorten(p.label(i), 42)))
	for _, s := range l.spans {
		from, to := max(s.from, p.From), min(s.to, p.To)
		if from >= to {
			continue
		}
		x, width := p.x(from), max(p.x(to)-p.x(from), 0.8)
		title := fmt.Sprintf("%s %s, %s – %s (%s)", l.key, s.state.text, seconds(s.from), seconds(s.to), s.to.Sub(s.from).Round(time.Millisecond))
		if s.node != "" {
			title += ", on " + s.node
		}
		p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s</title></rect>`,
			x, y, width, barHeight, fills[s.state.phase], escape(title))
		if r := slices.Index(p.revisions, s.revision); r >= 0 && len(p.revisions) > 1 {
			p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y+barHeight, width, stripe, stripes[r%len(stripes)])
		}
	}
	p.drawNodes(l, y)
}

// drawNodes writes the name of its node into the widest bar of each pod, if it
// fits there; a failing bar says why it fails.
func (p *picture) drawNodes(l *lane, y float64) {
	write := func(s span, text string) bool {
		from, to := p.x(max(s.from, p.From)), p.x(min(s.to, p.To))
		if text == "" || to-from < float64(len([]rune(text)))*charWidth+8 {
			return false
		}
		p.printf(`<text x="%.1f" y="%.1f" font-size="11" text-anchor="middle">%s</text>`, (from+to)/2, y+12, escape(text))
		return true
	}
	for i := 0; i < len(l.spans); {
		best, end, told := -1, i, false
		for ; end < len(l.spans) && l.spans[end].uid == l.spans[i].uid; end++ {
			s := l.spans[end]
			if s.state.phase == failing && write(s, s.state.text+" · "+s.node) {
				told = true
				continue
			}
			if s.node != "" && (best < 0 || s.to-s.from > l.spans[best].to-l.spans[best].from) {
				best = end
			}
		}
		if best >= 0 && !told {
			write(l.spans[best], l.spans[best].node)
		}
		i = end
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

// ticks are the distances that read well on an axis.
var ticks = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// tick returns the least distance that divides a span into no more than n
// parts.
func tick(span time.Duration, n int) time.Duration {
	for _, d := range ticks {
		if int(span/d) <= max(n, 1) {
			return d
		}
	}
	last := ticks[len(ticks)-1]
	return last * (span/last/time.Duration(max(n, 1)) + 1)
}

// clock shows a time on the axis: "1h30m", "2m", "1m30s", "4s", "1.5s", "20ms".
func clock(t engine.Time) string {
	d := time.Duration(t)
	if d == 0 {
		return "0"
	}
	s := d.String()
	if d >= time.Minute {
		s = strings.TrimSuffix(s, "m0s")
		if len(s) < len(d.String()) {
			s += "m"
		}
	}
	if d >= time.Hour {
		s = strings.TrimSuffix(s, "h0m")
		if !strings.HasSuffix(s, "m") && !strings.HasSuffix(s, "s") {
			s += "h"
		}
	}
	return s
}
