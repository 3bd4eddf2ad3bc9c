package trace

import (
	_ "embed" // the page
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/table"
)

//go:embed page.html
var page string

//go:embed timeline.js
var script string

// Script is the JavaScript with which a page draws a history from what WriteData
// writes: class Timeline and the function tables. The page of WriteHTML has it inside.
func Script() string { return script }

// The page's data. Times are in milliseconds.
type (
	pageData struct {
		Title     string              `json:"title"`
		Panels    [][2]float64        `json:"panels"`
		Phases    []string            `json:"phases"`
		Fills     []string            `json:"fills"`
		Groups    []pageGroup         `json:"groups"`
		Crews     []pageCrew          `json:"crews"`
		Marks     []pageMark          `json:"marks"`
		Arrows    []pageArrow         `json:"arrows"`
		Revisions []string            `json:"revisions"`
		Names     [2]string           `json:"names"`
		Parting   *pageMark           `json:"parting,omitempty"`
		Columns   map[string][]string `json:"columns"`
		Rows      []pageRow           `json:"rows"`
		Events    [][]any             `json:"events"`
		Why       []pageWhy           `json:"why"`
		Moments   []float64           `json:"moments"`
	}
	pageGroup struct {
		Name  string     `json:"name"`
		Lanes []pageLane `json:"lanes"`
	}
	pageLane struct {
		ID    string     `json:"id"`
		Label string     `json:"label"`
		Spans []pageSpan `json:"spans"`
		Other []pageSpan `json:"other,omitempty"`
	}
	pageSpan struct {
		From     float64 `json:"a"`
		To       float64 `json:"b"`
		Phase    int     `json:"p"`
		Word     string  `json:"w"`
		Title    string  `json:"t"`
		Revision int     `json:"r"`
	}
	pageCrew struct {
		Name      string  `json:"name"`
		Decisions [][]any `json:"d"`
	}
	pageMark struct {
		At   float64 `json:"t"`
		Text string  `json:"w"`
		Bad  bool    `json:"bad,omitempty"`
	}
	pageArrow struct {
		From  string  `json:"f"`
		To    string  `json:"g"`
		Begin float64 `json:"a"`
		End   float64 `json:"b"`
		Text  string  `json:"t"`
	}
	// pageRow is an object in the tables: its cells from each moment on; nil when
	// it is gone.
	pageRow struct {
		ID      string  `json:"id"`
		Kind    string  `json:"k"`
		Age     int     `json:"age"` // which cell is its age
		Born    float64 `json:"born"`
		History [][]any `json:"h"`
	}
	pageWhy struct {
		At    float64  `json:"t"`
		ID    string   `json:"id"`
		Lines []string `json:"l"`
	}
)

// WriteHTML writes a history as a page of its own that needs nothing else: what
// WriteSVG draws, with every object and moment to be read where the pointer is, a
// slider that shows the tables of kubectl as they were at a moment and why what
// waited did, a search, filters and a zoom, all of it by keyboard, too.
func WriteHTML(w io.Writer, recs []*apiserver.Record, t Timeline) error {
	data, err := json.Marshal(newChart(recs, t).pageData()) // < and > come as escapes
	if err != nil {
		return err
	}
	head, tail, ok := strings.Cut(page, "/*DATA*/")
	if !ok {
		panic("trace: page.html has no place for its data")
	}
	title := t.Title
	if title == "" {
		title = "timeline"
	}
	head = strings.Replace(head, "<!--TITLE-->", escape(title), 1)
	head = strings.Replace(head, "/*TIMELINE*/", script, 1)
	for _, part := range []string{head, string(data), tail} {
		if _, err := io.WriteString(w, part); err != nil {
			return err
		}
	}
	return nil
}

// WriteData writes as JSON what Script draws: lanes, marks, arrows, the tables of
// every moment.
func WriteData(w io.Writer, recs []*apiserver.Record, t Timeline) error {
	return json.NewEncoder(w).Encode(newChart(recs, t).pageData())
}

// millis is a time in milliseconds.
func millis(t engine.Time) float64 { return float64(t/1000) / 1000 }

// objectID names an object on the page, "pod/default/web-0".
func objectID(kind apiserver.Kind, key apiserver.Key) string {
	return strings.ToLower(kind.String()) + "/" + key.String()
}

func (c *chart) pageData() *pageData {
	d := &pageData{Title: c.Title, Phases: phaseNames[:], Fills: fills[:], Revisions: append([]string{}, c.revisions...), Columns: map[string][]string{},
		Groups: []pageGroup{}, Crews: []pageCrew{}, Marks: []pageMark{}, Arrows: []pageArrow{}, Rows: []pageRow{}, Events: [][]any{}, Why: []pageWhy{}}
	for _, p := range c.panels {
		d.Panels = append(d.Panels, [2]float64{millis(p.from), millis(p.to)})
	}
	p := picture{chart: c}
	for gi := range c.groups {
		g := &c.groups[gi]
		group := pageGroup{Name: g.name, Lanes: []pageLane{}}
		for i := range g.lanes {
			l := &g.lanes[i]
			group.Lanes = append(group.Lanes, pageLane{objectID(l.kind, l.key), p.label(g, i), c.pageSpans(l), c.pageSpans(&g.other[i])})
		}
		d.Groups = append(d.Groups, group)
	}
	for _, crew := range c.crews {
		pc := pageCrew{Name: crew.name}
		for _, x := range crew.decisions {
			pc.Decisions = append(pc.Decisions, []any{millis(x.at), x.text})
		}
		d.Crews = append(d.Crews, pc)
	}
	for _, m := range c.marks {
		d.Marks = append(d.Marks, pageMark{millis(m.At), m.Text, m.Misfortune})
	}
	for _, a := range c.arrows {
		d.Arrows = append(d.Arrows, pageArrow{objectID(a.fromKind, a.from), objectID(a.toKind, a.to), millis(a.begin), millis(a.end), a.text})
	}
	if c.parting != nil {
		d.Names = [2]string{c.name(0), c.name(1)}
		d.Parting = &pageMark{At: millis(c.parting.Time()), Text: "here they part, over " + c.parting.Object + ": " + strings.Join(c.parting.Fields, ", ")}
	}
	for _, x := range c.Why {
		d.Why = append(d.Why, pageWhy{millis(x.At), objectID(x.Kind, x.Key), x.Lines})
	}
	c.tables(d)
	return d
}

func (c *chart) pageSpans(l *lane) []pageSpan {
	list := []pageSpan{}
	for k := range l.spans {
		s := &l.spans[k]
		if s.to < c.From || s.from > c.To {
			continue
		}
		list = append(list, pageSpan{millis(s.from), millis(s.to), int(s.state.phase), s.words(l.kind), s.title(l.key), slices.Index(c.revisions, s.revision)})
	}
	return list
}

// tables gives the page the rows of kubectl get, as they were, the Events, and
// the moments at which any of them changed.
func (c *chart) tables(d *pageData) {
	index := map[string]int{}
	for _, rec := range c.recs {
		if rec.Time > c.To {
			continue
		}
		at := millis(rec.Time)
		if ev, ok := rec.Object.(*corev1.Event); ok {
			if rec.Type != watch.Deleted && rec.Time >= c.From {
				d.Events = append(d.Events, []any{at, ev.Type, ev.Reason, strings.ToLower(ev.InvolvedObject.Kind) + "/" + ev.InvolvedObject.Name, ev.Message})
			}
			continue
		}
		if !hasLane(rec.Kind) {
			continue
		}
		kind, id := rec.Kind.Resource(), objectID(rec.Kind, rec.Key)
		columns := table.Columns(rec.Kind)
		if d.Columns[kind] == nil {
			for _, col := range columns {
				if !col.Wide || rec.Kind == apiserver.Pod && col.Name == "Node" {
					d.Columns[kind] = append(d.Columns[kind], strings.ToUpper(col.Name))
				}
			}
		}
		i, ok := index[id]
		if !ok {
			i = len(d.Rows)
			index[id] = i
			d.Rows = append(d.Rows, pageRow{ID: id, Kind: kind, Age: slices.Index(d.Columns[kind], "AGE")})
		}
		row := &d.Rows[i]
		row.Born = float64(rec.Object.GetCreationTimestamp().Sub(apiserver.WallTime(0)).Milliseconds())
		var cells []string
		if rec.Type != watch.Deleted {
			cells = shortCells(rec, columns)
		}
		if n := len(row.History); n > 0 && fmt.Sprint(row.History[n-1][1]) == fmt.Sprint(cells) {
			continue
		}
		row.History = append(row.History, []any{at, cells, row.Born})
		if rec.Time >= c.From {
			d.Moments = append(d.Moments, at)
		}
	}
	for _, m := range d.Marks {
		d.Moments = append(d.Moments, m.At)
	}
	slices.Sort(d.Moments)
	d.Moments = slices.Compact(d.Moments)
	if len(d.Moments) == 0 {
		d.Moments = []float64{millis(c.From)}
	}
}

// shortCells are the cells that the page shows; the age is left to it.
func shortCells(rec *apiserver.Record, columns []table.Column) []string {
	t := table.New(rec.Kind, []apiserver.Object{rec.Object}, apiserver.WallTime(rec.Time))
	var cells []string
	for i, cell := range t.Rows[0].Cells {
		switch col := columns[i]; {
		case col.Name == "Age":
			cells = append(cells, "")
		case !col.Wide || rec.Kind == apiserver.Pod && col.Name == "Node":
			cells = append(cells, cell)
		}
	}
	return cells
}
