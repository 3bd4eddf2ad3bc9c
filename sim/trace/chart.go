package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Timeline says what a picture shows. The zero Timeline shows everything.
type Timeline struct {
	// Title stands at the top; empty means none.
	Title string
	// Width of the picture in pixels; 0 means as wide as the history needs, 1000 at
	// least. WriteLanes counts it in characters, and 0 means 110.
	Width int
	// From and To bound the time that is shown. A zero From means when the first
	// request from outside came, a zero To a little after the last change.
	From, To engine.Time
	// MaxLanes is how many pods are shown, and how many objects of each other kind,
	// in the order of namespace, set and ordinal; 0 means 100. The picture says how
	// many pods are left out.
	MaxLanes int
	// Marks are what was done to the cluster and what went wrong; nil means the
	// requests from outside that the history has.
	Marks []Mark
	// CauseOf returns the number of the event that caused an event, or 0
	// (sim.Cluster.Event has it, with Config.Causes). With it there are arrows from
	// what released something to what it released.
	CauseOf func(event uint64) uint64
	// Why is what objects waited for, and when, in the order of time: an entry
	// without lines says that the object waits no longer. WriteHTML shows it.
	Why []Explanation
	// Other is another history, drawn below each lane of the first, and Names are
	// what the two are called: "seed 1" and "seed 2", say. Where they part is marked.
	Other []*apiserver.Record
	Names [2]string
}

// Mark is a labelled moment.
type Mark struct {
	At   engine.Time
	Text string
	// Misfortune tells what went wrong from what was done.
	Misfortune bool
}

// Explanation is why an object waits, from a moment on.
type Explanation struct {
	At    engine.Time
	Kind  apiserver.Kind
	Key   apiserver.Key
	Lines []string
}

// group is the lanes of one kind.
type group struct {
	name  string
	lanes []lane
	other []lane // of the other history, for each lane; no spans where it has none
}

// decision is a write of a component.
type decision struct {
	at   engine.Time
	text string
}

// crew is a component with what it wrote.
type crew struct {
	name      string
	decisions []decision
}

// chart is a history as a picture shows it.
type chart struct {
	Timeline
	recs      []*apiserver.Record
	groups    []group
	hidden    int // pods that are not shown
	crews     []crew
	marks     []Mark
	arrows    []arrow
	panels    []panel
	revisions []string
	parting   *Parting
}

// shown are the kinds that have lanes, in the order from top to bottom.
var shown = []struct {
	name string
	kind apiserver.Kind
}{
	{"pods", apiserver.Pod}, {"sets", apiserver.StatefulSet}, {"claims", apiserver.PersistentVolumeClaim},
	{"volumes", apiserver.PersistentVolume}, {"nodes", apiserver.Node},
}

// newChart lays a history out, but for its place on a page.
func newChart(recs []*apiserver.Record, t Timeline) *chart {
	c := &chart{Timeline: t, recs: recs}
	c.MaxLanes = cmp.Or(c.MaxLanes, 100)
	if c.Other != nil {
		if p, parts := Part(recs, c.Other); parts {
			c.parting = &p
		}
	}
	if c.From == 0 {
		c.From = beginning(recs, c.Marks)
	}
	end := max(endOf(recs), endOf(c.Other))
	if c.To == 0 {
		c.To = max(end, c.From).Add(2 * time.Second) // the last states are to be seen
	}
	c.To = max(c.To, c.From+1)
	for _, s := range shown {
		c.addGroup(s.name, s.kind)
	}
	c.crews = crewsOf(recs, c.From, c.To)
	marks := c.Marks
	if marks == nil {
		marks = operations(recs)
	}
	for _, m := range marks {
		if c.From <= m.At && m.At <= c.To {
			c.marks = append(c.marks, m)
		}
	}
	c.findRevisions()
	c.panels = panelsOf(c.times(), c.From, c.To)
	c.arrows = c.findArrows()
	return c
}

// beginning is when something is first done from outside: what a cluster has
// before is not of interest.
func beginning(recs []*apiserver.Record, marks []Mark) engine.Time {
	first := engine.Never
	for _, rec := range recs {
		if rec.By == apiserver.User {
			first = rec.Time
			break
		}
	}
	for _, m := range marks {
		first = min(first, m.At)
	}
	if first == engine.Never {
		return 0
	}
	return max(first.Add(-100*time.Millisecond), 0)
}

func (c *chart) addGroup(name string, kind apiserver.Kind) {
	g := group{name: name, lanes: lanesOfKind(c.recs, kind, c.To)}
	others := lanesOfKind(c.Other, kind, c.To)
	for _, l := range others {
		if !slices.ContainsFunc(g.lanes, func(o lane) bool { return o.key == l.key }) {
			g.lanes = append(g.lanes, lane{kind: kind, key: l.key})
		}
	}
	if len(others) > 0 {
		slices.SortFunc(g.lanes, func(a, b lane) int { return comparePods(a.key, b.key) })
	}
	if len(g.lanes) > c.MaxLanes {
		if kind == apiserver.Pod {
			c.hidden = len(g.lanes) - c.MaxLanes
		}
		g.lanes = g.lanes[:c.MaxLanes]
	}
	for _, l := range g.lanes {
		i := slices.IndexFunc(others, func(o lane) bool { return o.key == l.key })
		if i < 0 {
			g.other = append(g.other, lane{kind: kind, key: l.key})
			continue
		}
		g.other = append(g.other, others[i])
	}
	if len(g.lanes) > 0 || kind == apiserver.Pod {
		c.groups = append(c.groups, g)
	}
}

// isOutside reports whether a component is no part of the cluster's own work.
func isOutside(by string) bool { return by == apiserver.User || by == "kube-apiserver" }

// crewsOf returns the components that wrote something of lanes, by name, with what
// they decided: kubelets as one.
func crewsOf(recs []*apiserver.Record, from, to engine.Time) []crew {
	var crews []crew
	for _, rec := range recs {
		name, _, _ := strings.Cut(rec.By, "/")
		if isOutside(name) || rec.Time < from || rec.Time > to {
			continue
		}
		text := decides(rec)
		if text == "" {
			continue
		}
		i := slices.IndexFunc(crews, func(c crew) bool { return c.name == name })
		if i < 0 {
			i = len(crews)
			crews = append(crews, crew{name: name})
		}
		crews[i].decisions = append(crews[i].decisions, decision{rec.Time, text})
	}
	slices.SortFunc(crews, func(a, b crew) int { return cmp.Compare(a.name, b.name) })
	return crews
}

// decides says in a few words what a record decided, or "" if nothing that a
// picture shows: reports of status are no decisions.
func decides(rec *apiserver.Record) string {
	if !slices.ContainsFunc([]apiserver.Kind{apiserver.Pod, apiserver.StatefulSet, apiserver.PersistentVolume,
		apiserver.PersistentVolumeClaim, apiserver.Node, apiserver.ControllerRevision}, func(k apiserver.Kind) bool { return k == rec.Kind }) {
		return ""
	}
	name := objectName(rec)
	switch {
	case rec.Type == watch.Deleted:
		return name + " is gone"
	case rec.Old == nil:
		return "create " + name
	case rec.Object.GetDeletionTimestamp() != nil && rec.Old.GetDeletionTimestamp() == nil:
		return "delete " + name
	}
	switch o := rec.Object.(type) {
	case *corev1.Pod:
		if old := rec.Old.(*corev1.Pod); o.Spec.NodeName != old.Spec.NodeName {
			return "bind " + name + " to " + o.Spec.NodeName
		}
	case *corev1.PersistentVolume:
		if old := rec.Old.(*corev1.PersistentVolume); o.Spec.ClaimRef != nil && old.Spec.ClaimRef == nil {
			return "bind " + name + " to " + o.Spec.ClaimRef.Name
		}
	}
	old, now := spanOf(&apiserver.Record{Kind: rec.Kind, Object: rec.Old, Time: rec.Time}), spanOf(rec)
	if old.state != now.state {
		return name + ": " + old.state.text + " → " + now.state.text
	}
	return ""
}

// operations are the requests from outside, those of one moment as one.
func operations(recs []*apiserver.Record) []Mark {
	marks := marksOf(recs)
	list := make([]Mark, 0, len(marks))
	for _, m := range marks {
		list = append(list, Mark{At: m.at, Text: m.text})
	}
	for _, rec := range recs {
		if rec.By != apiserver.User || rec.Kind == apiserver.StatefulSet || rec.Kind == apiserver.Event {
			continue
		}
		text := decides(rec)
		if text == "" || rec.Kind != apiserver.Pod && rec.Kind != apiserver.Node && rec.Kind != apiserver.PersistentVolume && rec.Kind != apiserver.PersistentVolumeClaim {
			continue
		}
		if n := len(list); n > 0 && rec.Time.Sub(list[n-1].At) >= 0 && rec.Time.Sub(list[n-1].At) < 200*time.Millisecond && n > len(marks) {
			list[n-1].Text += ", " + text
			continue
		}
		list = append(list, Mark{At: rec.Time, Text: text})
	}
	slices.SortStableFunc(list, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	return list
}

// findRevisions lists the revisions of pods in the order in which they appear.
func (c *chart) findRevisions() {
	born := map[string]engine.Time{}
	for _, g := range c.groups {
		for i := range g.lanes {
			for _, s := range slices.Concat(g.lanes[i].spans, g.other[i].spans) {
				if s.revision == "" {
					continue
				}
				if at, ok := born[s.revision]; !ok || s.from < at {
					born[s.revision] = s.from
				}
				if !slices.Contains(c.revisions, s.revision) {
					c.revisions = append(c.revisions, s.revision)
				}
			}
		}
	}
	slices.SortStableFunc(c.revisions, func(a, b string) int { return cmp.Compare(born[a], born[b]) })
}

// times are the moments at which something is to be seen, sorted.
func (c *chart) times() []engine.Time {
	var times []engine.Time
	for _, g := range c.groups {
		for i := range g.lanes {
			for _, s := range slices.Concat(g.lanes[i].spans, g.other[i].spans) {
				times = append(times, s.from)
				if s.to < c.To {
					times = append(times, s.to)
				}
			}
		}
	}
	for _, m := range c.marks {
		times = append(times, m.At)
	}
	slices.Sort(times)
	return slices.Compact(times)
}

// title says what is known of a span.
func (s *span) title(key apiserver.Key) string {
	text := fmt.Sprintf("%s %s, %s – %s (%s)", key, s.state.text, seconds(s.from), seconds(s.to), s.to.Sub(s.from).Round(time.Millisecond))
	if s.node != "" {
		text += ", on " + s.node
	}
	if s.restarts > 0 {
		text += fmt.Sprintf(", %d restarts", s.restarts)
	}
	if s.revision != "" {
		text += ", revision " + s.revision
	}
	return text
}
