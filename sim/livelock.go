package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// progress watches one run for what goes on for ever: two actors that fight over
// a field, an object that comes and goes, an actor that wakes itself.
//
// Most of the time it counts: how many records there are, and of how many
// objects. Where few objects are written again and again, as no rollout does, it
// keeps the next records and looks at them as a whole: is what the later ones
// write what the earlier ones have written already? And if so, does somebody
// write against somebody, or faster than a probe or a back-off would?
type progress struct {
	stamps  [][]uint32 // by kind and place: the interval in which an object was last written
	number  uint32     // of the interval
	records int        // in the interval; Events do not count
	objects int        // that they are of
	length  int        // of the interval, which grows while it looks suspicious
	skip    int        // how many suspicious intervals to let pass
	skips   int        // how many the last time

	brief bool // the run is a short one, bounded by its span

	window []*apiserver.Record // what is kept to be looked at
	size   int                 // of the window, or 0

	kept       int    // records of the history when the run began
	quiet      uint64 // events since the last record
	quietSince engine.Time
	restless   map[controller.ActorID]int // whose the last of those events were
}

const (
	interval       = 1024
	longInterval   = 64 * interval
	suspicious     = 16 // records for each object of an interval
	smallestWindow = 256
	largestWindow  = 4096

	// quietLimit is how many events in a row may write nothing, unless they
	// are seldomer than quietRate in a second of virtual time.
	quietLimit = 1_000_000
	quietRate  = 1000
	// modifiedRate and createdRate are how often in a second of virtual time an
	// object may go back to what it was, or be created as it was. A probe can
	// flap once in a second; no back-off is as short.
	modifiedRate = 5.0
	createdRate  = 2.0
	// briefRun is how long a run may be that looks at such a thing on purpose:
	// its span is bound enough, as long as the clock moves.
	briefRun = 10 * time.Second
)

// begin starts to watch a run.
func (p *progress) begin(c *Cluster) {
	*p = progress{stamps: p.stamps, number: p.number + 1, length: interval, kept: c.history.end(), quietSince: c.host.Engine().Now()}
}

// check looks at what the last event has written, and says why the run must end,
// or "".
func (p *progress) check(c *Cluster, ev *engine.Event) string {
	if len(c.latest) == 0 {
		if p.quiet++; p.quiet > quietLimit-interval {
			return p.idle(c, ev)
		}
		return ""
	}
	p.quiet, p.quietSince, p.restless = 0, c.host.Engine().Now(), nil
	if l := c.cfg.limits(); c.cfg.History == 0 && uint64(c.history.end()-p.kept) > l.Records {
		return fmt.Sprintf("it has added %d records to a history of which all is kept (Config.History says how much is, Limits.Records how many one run may add)", c.history.end()-p.kept)
	}
	if c.cfg.Limits.Endless {
		return ""
	}
	for _, rec := range c.latest {
		if rec.Kind == apiserver.Event {
			continue
		}
		if p.size > 0 {
			if p.window = append(p.window, rec); len(p.window) == p.size {
				why := ""
				if !p.brief || p.window[0].Time == rec.Time {
					why = judge(p.window)
				}
				p.window, p.size = nil, 0
				if why != "" {
					return why
				}
				p.skips = min(2*p.skips+1, 64)
				p.skip = p.skips
			}
			continue
		}
		p.count(rec)
	}
	return ""
}

// count counts a record, and opens a window where that is worth it.
func (p *progress) count(rec *apiserver.Record) {
	for len(p.stamps) <= int(rec.Kind) {
		p.stamps = append(p.stamps, nil)
	}
	stamps := p.stamps[rec.Kind]
	place := rec.Place()
	if place >= len(stamps) {
		stamps = append(stamps, make([]uint32, place+1-len(stamps)+len(stamps)/2)...)
		p.stamps[rec.Kind] = stamps
	}
	if stamps[place] != p.number {
		stamps[place] = p.number
		p.objects++
	}
	if p.records++; p.records < p.length {
		return
	}
	switch {
	case p.records >= suspicious*p.objects && p.skip > 0:
		p.skip--
	case p.records >= suspicious*p.objects:
		p.size = min(max(4*p.objects, smallestWindow), largestWindow)
	case p.records >= suspicious/4*p.objects && p.length < longInterval:
		p.length *= 2 // perhaps many objects are fought over
		return
	}
	p.number++
	p.records, p.objects, p.length = 0, 0, interval
}

// idle counts an event of many that write nothing.
func (p *progress) idle(c *Cluster, ev *engine.Event) string {
	if p.restless == nil {
		p.restless = map[controller.ActorID]int{}
	}
	p.restless[controller.ActorID(ev.Actor)]++
	if p.quiet < quietLimit {
		return ""
	}
	span := c.host.Engine().Now().Sub(p.quietSince)
	quiet, most := p.quiet, controller.ActorID(0)
	for _, id := range slices.Sorted(maps.Keys(p.restless)) {
		if p.restless[id] > p.restless[most] {
			most = id
		}
	}
	n := p.restless[most]
	p.quiet, p.quietSince, p.restless = 0, c.host.Engine().Now(), nil
	if span.Seconds()*quietRate > float64(quiet) || c.cfg.Limits.Endless {
		return ""
	}
	return fmt.Sprintf("the last %d events, within %v, have written nothing: of %d of them %d were of %s", quiet, span, interval, n, c.host.ActorName(most))
}

// judge says what goes on for ever in a run of records, or "".
func judge(recs []*apiserver.Record) string {
	seen := map[effect]bool{}
	old := 0
	for i, rec := range recs {
		s := effect{rec.Kind, rec.Type, rec.Key, essence(rec.Object)}
		if i >= len(recs)/2 && seen[s] {
			old++
		}
		if i < len(recs)/2 {
			seen[s] = true
		}
	}
	if 2*old < len(recs)/2 {
		return "" // net progress
	}
	span := recs[len(recs)-1].Time.Sub(recs[0].Time)
	if f := fights(recs); len(f) > 0 {
		return fmt.Sprintf("nothing new comes of %d writes within %v: %s", len(recs), span, strings.Join(f, "; "))
	}
	return repeats(recs, span)
}

// effect is what a record brings about.
type effect struct {
	kind    apiserver.Kind
	typ     watch.EventType
	key     apiserver.Key
	content uint64
}

// essence is a hash of what an object says, without what is drawn anew for each
// pod of a name: its node, its addresses, the name of its token's volume.
func essence(obj Object) uint64 {
	switch o := obj.(type) {
	case *corev1.Pod:
		pod := o.DeepCopy()
		pod.Spec.NodeName, pod.Status.HostIP, pod.Status.PodIP = "", "", ""
		pod.Status.HostIPs, pod.Status.PodIPs = nil, nil
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Projected != nil })
		for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
			for i := range list {
				list[i].VolumeMounts = nil
			}
		}
		for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
			for i := range list {
				list[i].VolumeMounts = nil
			}
		}
		obj = pod
	case *discoveryv1.EndpointSlice:
		slice := o.DeepCopy()
		for i := range slice.Endpoints {
			slice.Endpoints[i].Addresses, slice.Endpoints[i].NodeName = nil, nil
		}
		obj = slice
	}
	return apiserver.Content(obj)
}

// contested is a field of an object.
type contested struct {
	kind apiserver.Kind
	key  apiserver.Key
	path string
}

// side is what one component writes into a contested field.
type side struct {
	times int
	value string // the last
}

// fights lists the fields that two components write against each other, the most
// often written first.
func fights(recs []*apiserver.Record) []string {
	fields := map[contested]map[string]side{}
	for _, rec := range recs {
		if rec.Type != watch.Modified || rec.Old == nil {
			continue
		}
		for path, value := range changes(rec) { // into a map
			f := contested{rec.Kind, rec.Key, path}
			if fields[f] == nil {
				fields[f] = map[string]side{}
			}
			s := fields[f][rec.By]
			fields[f][rec.By] = side{s.times + 1, value}
		}
	}
	type fight struct {
		times int
		text  string
	}
	var list []fight
	for f, sides := range fields { // sorted below
		var texts []string
		total, contenders := 0, 0
		for _, by := range slices.Sorted(maps.Keys(sides)) {
			s := sides[by]
			texts = append(texts, fmt.Sprintf("%d times by %s (%s)", s.times, by, s.value))
			if total += s.times; s.times > 1 {
				contenders++
			}
		}
		if contenders > 1 {
			list = append(list, fight{total, fmt.Sprintf("%s of %s %s is written %s", f.path, f.kind, f.key, strings.Join(texts, " and "))})
		}
	}
	slices.SortFunc(list, func(a, b fight) int {
		if a.times != b.times {
			return b.times - a.times
		}
		return strings.Compare(a.text, b.text)
	})
	const most = 3
	var texts []string
	for i, f := range list {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d other fields", len(list)-most))
			break
		}
		texts = append(texts, f.text)
	}
	return texts
}

// repeats says which object comes back to what it was, faster than anything that
// waits in between, or "".
func repeats(recs []*apiserver.Record, span time.Duration) string {
	type object struct {
		kind apiserver.Kind
		key  apiserver.Key
	}
	type deed struct {
		typ watch.EventType
		by  string
	}
	deeds := map[object]map[deed]int{}
	var busiest object
	count := map[object]int{}
	for _, rec := range recs {
		o := object{rec.Kind, rec.Key}
		if deeds[o] == nil {
			deeds[o] = map[deed]int{}
		}
		deeds[o][deed{rec.Type, rec.By}]++
		if count[o]++; count[o] > count[busiest] {
			busiest = o
		}
	}
	created := 0
	var texts []string
	for _, typ := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		by := map[string]int{}
		for d, n := range deeds[busiest] { // into a map
			if d.typ == typ {
				by[d.by] += n
			}
		}
		for _, name := range slices.Sorted(maps.Keys(by)) {
			texts = append(texts, fmt.Sprintf("%d times %s by %s", by[name], strings.ToLower(string(typ)), name))
			if typ == watch.Added {
				created += by[name]
			}
		}
	}
	seconds := span.Seconds()
	if float64(created) < max(createdRate*seconds, 2) && (created > 0 || float64(count[busiest]) < modifiedRate*seconds) {
		return ""
	}
	return fmt.Sprintf("nothing new comes of %d writes within %v: %s %s is %s", len(recs), span, busiest.kind, busiest.key, strings.Join(texts, ", "))
}

// changes returns the fields that a record has changed, with their new values.
func changes(rec *apiserver.Record) map[string]string {
	changed := map[string]string{}
	compare("", plain(rec.Old), plain(rec.Object), changed)
	return changed
}

func plain(obj Object) (v any) {
	doc, err := json.Marshal(obj)
	if err == nil {
		err = json.Unmarshal(doc, &v)
	}
	if err != nil {
		panic(err) // every stored object came from JSON or is typed
	}
	return v
}

// compare collects the leaves in which two JSON values differ.
func compare(path string, before, after any, changed map[string]string) {
	switch a := after.(type) {
	case map[string]any:
		b, _ := before.(map[string]any)
		for key, value := range a { // each on its own
			compare(join(path, key), b[key], value, changed)
		}
		for key := range b { // each on its own
			if _, still := a[key]; !still {
				changed[join(path, key)] = "unset"
			}
		}
		return
	case []any:
		b, _ := before.([]any)
		for i, value := range a {
			var was any
			if i < len(b) {
				was = b[i]
			}
			compare(path+"["+nameOf(value, i)+"]", was, value, changed)
		}
		if len(b) > len(a) {
			changed[path] = fmt.Sprintf("%d items", len(a))
		}
		return
	}
	if before == after || isBookkeeping(path) {
		return
	}
	text, _ := json.Marshal(after) // of a value that came from JSON
	if len(text) > 60 {
		text = append(text[:60:60], "…"...)
	}
	changed[path] = string(text)
}

// join adds a key to the path of a field.
func join(path, key string) string {
	switch {
	case path == "":
		return key
	case strings.ContainsAny(key, "./") || path == "metadata.labels" || path == "metadata.annotations":
		return path + "[" + key + "]"
	}
	return path + "." + key
}

// nameOf tells an item of a list from the others: by its name or type, if it has
// one.
func nameOf(item any, i int) string {
	if m, ok := item.(map[string]any); ok {
		for _, key := range []string{"name", "type"} {
			if s, ok := m[key].(string); ok {
				return s
			}
		}
	}
	return fmt.Sprint(i)
}

// isBookkeeping reports whether a field changes by itself with every write.
func isBookkeeping(path string) bool {
	switch path {
	case "metadata.resourceVersion", "metadata.generation", "metadata.uid", "status.observedGeneration":
		return true
	}
	return strings.HasSuffix(path, "Time") || strings.HasSuffix(path, "Timestamp")
}
