package trace

import (
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// panel is a burst: a stretch of time in which something happens. Between two
// panels the axis is cut.
type panel struct {
	from, to engine.Time
	x0, x1   float64 // where it is drawn
}

// maxPanels bounds how often an axis is cut.
const maxPanels = 24

// leastGap is the shortest time in which nothing happens that an axis leaves out.
const leastGap = 5 * time.Second

// panelsOf divides the time from one moment to another into bursts, by the times
// at which something happens, which are sorted.
func panelsOf(times []engine.Time, from, to engine.Time) []panel {
	times = slices.DeleteFunc(slices.Clone(times), func(t engine.Time) bool { return t < from || t > to })
	if len(times) == 0 {
		return []panel{{from: from, to: to}}
	}
	for gap := leastGap; ; gap *= 2 {
		panels := []panel{{from: times[0], to: times[0]}}
		for _, t := range times[1:] {
			if last := &panels[len(panels)-1]; t.Sub(last.to) < gap {
				last.to = t
			} else {
				panels = append(panels, panel{from: t, to: t})
			}
		}
		if len(panels) <= maxPanels {
			return padded(panels, from, to)
		}
	}
}

// padded gives each burst a little time before and after it, so that what it began
// with and came to is to be seen.
func padded(panels []panel, from, to engine.Time) []panel {
	for i := range panels {
		p := &panels[i]
		length := p.to.Sub(p.from)
		p.from = max(from, p.from.Add(-min(max(length/20, 100*time.Millisecond), time.Second)))
		p.to = min(to, p.to.Add(min(max(length/8, 600*time.Millisecond), 2*time.Second)))
		p.to = max(p.to, p.from+1)
	}
	return panels
}

// The sizes of an axis.
const (
	gapWidth   = 34.0 // between two panels, where the gap is written
	panelWidth = 58.0 // of the narrowest panel
)

// place gives each panel its place between two columns: as wide as its time is
// long, but never too narrow to see, with a gap between them.
func place(panels []panel, left, right, gap, narrowest float64) {
	room := max(right-left-gap*float64(len(panels)-1), 1)
	least := min(narrowest, room/float64(len(panels)))
	low, high := 0.0, room/1e6 // pixels a nanosecond
	width := func(p panel, scale float64) float64 { return max(least, float64(p.to-p.from)*scale) }
	for range 60 {
		middle, total := (low+high)/2, 0.0
		for _, p := range panels {
			total += width(p, middle)
		}
		if total > room {
			high = middle
		} else {
			low = middle
		}
	}
	x := left
	for i := range panels {
		p := &panels[i]
		p.x0, p.x1 = x, x+width(*p, low)
		x = p.x1 + gap
	}
}

// at returns where a moment is drawn. One that lies in a gap is drawn at its
// middle, one beyond the axis at its end.
func at(panels []panel, t engine.Time) float64 {
	for i, p := range panels {
		switch {
		case t < p.from && i == 0:
			return p.x0
		case t < p.from:
			return (panels[i-1].x1 + p.x0) / 2
		case t <= p.to:
			return p.x0 + (p.x1-p.x0)*float64(t-p.from)/float64(p.to-p.from)
		}
	}
	return panels[len(panels)-1].x1
}
