package controller

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// The limits of A10 (client-go tools/record/events_cache.go, tools/events).
const (
	recorderMemory = 4096 // entries that each of a recorder's caches keeps

	similarMax      = 10 // so many different messages make the next ones "similar"
	similarInterval = 600 * time.Second

	spamBurst = 25 // Events about one object from one source, then …
	spamSpan  = 300 * time.Second

	seriesFinish  = 6 * time.Minute  // how long a series waits for another equal Event
	seriesRefresh = 30 * time.Minute // how often a series' count is written
)

// Part is an object seen at one of its fields: an Event about it has the
// fieldPath in its involvedObject, as the kubelet's have
// ("spec.containers{nginx}"). Use it as Note.About.
type Part struct {
	apiserver.Object
	FieldPath string
}

// recorder is a component's event recorder (A10). It is plain data; fork copies
// it. The zero recorder has no name and works otherwise.
type recorder struct {
	component, host string
	instance        string      // names the process that reports in a series
	last            engine.Time // when its latest Event will be written

	skew  time.Duration // of this component's clock in the names of Events
	named int64         // the latest time used in a name, in Unix nanoseconds

	similar recent[similarity]
	seen    recent[sighting]
	spam    recent[engine.Time] // when the budget of an object is full again

	series    map[engine.Key]series // events.k8s.io: what may still be repeated
	repeated  int                   // how many of series were repeated
	finished  engine.Time           // the last tick at which series were finished
	refreshed engine.Time           // the last tick at which they were refreshed
}

// similarity is what the recorder knows of Events that differ in their message
// alone.
type similarity struct {
	at     engine.Time  // of the last one
	first  engine.Key   // message
	others []engine.Key `state:"immutable"` // messages; replaced, never changed
}

// sighting is an Event that was written.
type sighting struct {
	named int64 // the time in its name
	first engine.Time
	count int32
}

// series is an Event of events.k8s.io that may be repeated; count is 1 until it
// was.
type series struct {
	of    *happening
	count int32
	last  engine.Time
}

// happening is what makes an Event of events.k8s.io, as first written. It is a
// fifth of the Event's size, and immutable.
type happening struct {
	_                            state.Immutable
	about                        corev1.ObjectReference
	name                         string
	typ, action, reason, message string
	at                           engine.Time
}

// event returns the Event as first written.
func (r *recorder) event(h *happening) *corev1.Event {
	return &corev1.Event{
		ObjectMeta:          metav1.ObjectMeta{Name: h.name, Namespace: eventNamespace(h.about)},
		InvolvedObject:      h.about,
		Reason:              h.reason,
		Message:             h.message,
		Type:                h.typ,
		EventTime:           microStamp(h.at),
		Action:              h.action,
		ReportingController: r.component,
		ReportingInstance:   r.instance,
	}
}

// newRecorder returns the recorder of a component; host is the node that it
// runs on, or empty.
func newRecorder(component, host string) recorder {
	// Two components that look at their clocks at one virtual instant would
	// name their Events about one object alike, and the second Event would be
	// refused. So the names, and they alone, show a clock that is less than a
	// millisecond ahead, by an amount of the component's own.
	skew := time.Duration(uint64(engine.KeyOf(component, host)) % uint64(time.Millisecond))
	// The control plane's host has no name of its own in the simulator.
	instance := component + "-" + cmp.Or(host, "control-plane")
	return recorder{component: component, host: host, instance: instance, skew: skew}
}

// record turns a note into the request that writes it, or reports false if the
// recorder drops it: because it is spam, because it only raises the count of a
// series, or because its type is neither Normal nor Warning. What upstream leaves
// open it asks pick.
func (r *recorder) record(now engine.Time, n Note, pick chooser) (apiserver.Request, bool) {
	if n.Type != corev1.EventTypeNormal && n.Type != corev1.EventTypeWarning {
		return apiserver.Request{}, false
	}
	if n.Action != "" {
		return r.recordSeries(now, n)
	}
	return r.recordCounted(now, n, pick)
}

// chooser picks one of n legal outcomes about the object named by key.
type chooser func(key string, n int) int

// retry returns what the recorder sends after an answer: a count cannot be
// raised if the Event is gone, so it is created again with that count
// (recordEvent in client-go). Every other failure drops the Event.
func (r *recorder) retry(req apiserver.Request, res apiserver.Result) (apiserver.Request, bool) {
	again, ok := req.Patch.(eventPatch)
	if !ok || !apierrors.IsNotFound(res.Err) {
		return apiserver.Request{}, false
	}
	ev := again.change(again.Event)
	ev.UID, ev.ResourceVersion, ev.CreationTimestamp = "", "", metav1.Time{}
	return createEvent(ev), true
}

// recordCounted is the core/v1 form: aggregate, count, then filter
// (EventCorrelator.EventCorrelate). An Event that the filter drops was counted
// all the same.
func (r *recorder) recordCounted(now engine.Time, n Note, pick chooser) (apiserver.Request, bool) {
	about := referenceTo(n.About)
	object := engine.KeyOf(about.Kind, about.Namespace, about.Name, string(about.UID), about.APIVersion, n.Type)
	like := object.With(n.Reason)
	message := engine.KeyOf(n.Message)
	same := like.With(about.FieldPath) ^ message // hashes of different things: any mixture will do
	named := r.stamp(now)
	combined := r.isCombined(now, like, message, &about, pick)
	if combined {
		same = like
	}
	s := r.observe(now, same, named)
	if r.isSpam(now, object) {
		return apiserver.Request{}, false
	}
	ev := &corev1.Event{
		ObjectMeta:          metav1.ObjectMeta{Name: eventName(about.Name, s.named), Namespace: eventNamespace(about)},
		InvolvedObject:      about,
		Reason:              n.Reason,
		Message:             n.Message,
		Source:              corev1.EventSource{Component: r.component, Host: r.host},
		FirstTimestamp:      apiserver.Stamp(s.first),
		LastTimestamp:       apiserver.Stamp(now),
		Count:               s.count,
		Type:                n.Type,
		ReportingController: r.component,
		ReportingInstance:   r.host,
	}
	if combined {
		ev.Message = "(combined from similar events): " + ev.Message
		ev.ReportingController, ev.ReportingInstance = "", "" // upstream forgets them, observed
	}
	if s.count > 1 {
		return patchEvent(eventPatch{Event: ev, Count: ev.Count, LastTimestamp: ev.LastTimestamp, Message: ev.Message}), true
	}
	req := createEvent(ev)
	req.Given = true
	return req, true
}

// isCombined counts the different messages of like Events and reports whether
// there are so many that the next one is combined with others: from the tenth
// within the interval on (EventAggregator.EventAggregate).
//
// The object's field and version tell no Events apart, as upstream. Of ten
// messages any one is forgotten (PopAny): if it comes again it is combined, too,
// and if one of the nine does it is counted on its own.
func (r *recorder) isCombined(now engine.Time, like, message engine.Key, about *corev1.ObjectReference, pick chooser) bool {
	s, found := r.similar.entry(like)
	switch {
	case !found || now.Sub(s.at) > similarInterval:
		*s = similarity{first: message}
	case message != s.first && !slices.Contains(s.others, message):
		s.others = append(slices.Clip(s.others), message)
	}
	s.at = now
	if 1+len(s.others) < similarMax {
		return false
	}
	if i := pick(about.Kind+" "+about.Namespace+"/"+about.Name, similarMax); i > 0 {
		s.others = slices.Delete(s.others, i-1, i) // the tenth was just added: this list is no fork's
	} else {
		s.first, s.others = s.others[0], s.others[1:]
	}
	return true
}

// observe counts an Event with those that are equal to it or combined with it
// (eventLogger.eventObserve). named is in its name if it is the first.
func (r *recorder) observe(now engine.Time, same engine.Key, named int64) sighting {
	s, found := r.seen.entry(same)
	if !found {
		*s = sighting{named: named, first: now}
	}
	s.count++
	return *s
}

// isSpam takes one Event from the budget of its object: a burst, then one per
// span (EventSourceObjectSpamFilter.Filter). The budget is kept as the time at
// which it is full again, in whole nanoseconds.
func (r *recorder) isSpam(now engine.Time, object engine.Key) bool {
	full, _ := r.spam.entry(object)
	next := max(*full, now).Add(spamSpan)
	if next > now.Add(spamBurst*spamSpan) {
		return true
	}
	*full = next
	return false
}

// recordSeries is the events.k8s.io form (tools/events recordToSink): the first
// Event is created; the second like it, whatever its message, makes it a series
// of two; more are counted in memory and written by tick.
func (r *recorder) recordSeries(now engine.Time, n Note) (apiserver.Request, bool) {
	r.expire(now)
	about := referenceTo(n.About)
	key := engine.KeyOf(n.Type, n.Action, n.Reason, about.Kind, about.Namespace, about.Name, string(about.UID),
		about.APIVersion, about.ResourceVersion, about.FieldPath)
	if s, found := r.series[key]; found {
		s.count++
		s.last = now
		r.series[key] = s
		if s.count > 2 {
			return apiserver.Request{}, false
		}
		r.repeated++
		return patchEvent(r.raise(s)), true
	}
	h := &happening{about: about, name: r.name(now, about.Name), typ: n.Type, action: n.Action, reason: n.Reason, message: n.Message, at: now}
	if r.series == nil {
		r.series = map[engine.Key]series{}
	}
	r.series[key] = series{of: h, count: 1, last: now}
	req := createEvent(r.event(h))
	req.Given = true
	return req, true
}

// expire forgets the Events that were not repeated by the last tick before now.
// Upstream looks every six minutes (finishSeries), so an Event is known for up
// to twelve, and the memory is as large as twelve minutes make it, as upstream.
func (r *recorder) expire(now engine.Time) {
	tick := lastTick(now-1, seriesFinish)
	if tick <= r.finished {
		return
	}
	r.finished = tick
	maps.DeleteFunc(r.series, func(_ engine.Key, s series) bool { // each alone: order cannot matter
		ended := s.last < tick.Add(-seriesFinish)
		if ended && s.count > 1 {
			r.repeated--
		}
		return ended
	})
}

// due returns when tick is to be called next: engine.Never, unless there is a
// series whose count in the API may be out of date.
func (r *recorder) due(now engine.Time) engine.Time {
	if r.repeated == 0 {
		return engine.Never
	}
	return lastTick(now, seriesFinish).Add(seriesFinish)
}

// tick returns the patches that write the counts of series: of those that have
// ended, and every thirty minutes of all (finishSeries and
// refreshExistingEventSeries). It is to be called at the times that due gives.
func (r *recorder) tick(now engine.Time) []apiserver.Request {
	r.expire(now)
	r.finished = lastTick(now, seriesFinish)
	refresh := lastTick(now, seriesRefresh)
	all := refresh > r.refreshed
	r.refreshed = refresh
	var reqs []apiserver.Request
	for key, s := range r.series { // the requests are sorted below
		ended := s.last < r.finished.Add(-seriesFinish)
		if s.count > 1 && (ended || all) {
			reqs = append(reqs, patchEvent(r.raise(s)))
		}
		if ended {
			delete(r.series, key)
			if s.count > 1 {
				r.repeated--
			}
		}
	}
	slices.SortFunc(reqs, func(a, b apiserver.Request) int { return a.Key.Compare(b.Key) })
	return reqs
}

// lastTick returns the last multiple of a period that is not after t.
func lastTick(t engine.Time, period time.Duration) engine.Time {
	return max(t, 0) - max(t, 0)%engine.Time(period)
}

// raise returns the patch that writes the count of a series.
func (r *recorder) raise(s series) eventPatch {
	return eventPatch{Event: r.event(s.of), Series: &corev1.EventSeries{Count: s.count, LastObservedTime: microStamp(s.last)}}
}

// name returns a name for an Event about an object, "web-0.18eac1708f4e978c":
// the time in hexadecimal nanoseconds (util.GenerateEventName). No two names of
// a recorder are equal.
func (r *recorder) name(now engine.Time, object string) string {
	return eventName(object, r.stamp(now))
}

// stamp returns the time for an Event's name, in Unix nanoseconds.
func (r *recorder) stamp(now engine.Time) int64 {
	r.named = max(r.named+1, apiserver.WallTime(now.Add(r.skew)).UnixNano())
	return r.named
}

func eventName(object string, named int64) string {
	var digits [16]byte
	name := object + "." + string(strconv.AppendInt(digits[:0], named, 16))
	if isPlain(object) || len(validation.NameIsDNSSubdomain(name, false)) == 0 {
		return name
	}
	// Upstream takes a random UUID here.
	return fmt.Sprintf("%016x-%x", uint64(engine.KeyOf(object)), named)
}

// isPlain reports whether a name is so plain that no pattern needs to be asked:
// nearly all are.
func isPlain(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0) {
			return false
		}
	}
	return name != "" && name[len(name)-1] != '-' && len(name) < 200
}

// eventPatch raises the count of an Event, or writes its series. Zero fields
// change nothing.
type eventPatch struct {
	// Event is the Event as it would be created if it were gone; immutable.
	Event         *corev1.Event
	Count         int32
	LastTimestamp metav1.Time
	Message       string
	Series        *corev1.EventSeries
}

// Apply returns a changed copy of an Event, or the Event itself if its series
// says the same already.
func (p eventPatch) Apply(obj apiserver.Object) (apiserver.Object, error) {
	old, ok := obj.(*corev1.Event)
	if !ok {
		return nil, fmt.Errorf("controller: a patch of an Event applied to %T", obj)
	}
	if p.Series != nil && old.Series != nil && *p.Series == *old.Series {
		return old, nil
	}
	return p.change(old), nil
}

func (p eventPatch) change(old *corev1.Event) *corev1.Event {
	ev := *old
	if p.Series != nil {
		ev.Series = p.Series
		return &ev
	}
	ev.Count, ev.LastTimestamp = p.Count, p.LastTimestamp
	if p.Message != "" {
		ev.Message = p.Message
	}
	return &ev
}

func createEvent(ev *corev1.Event) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Event, Key: apiserver.KeyOf(ev), Object: ev}
}

func patchEvent(p eventPatch) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Event, Key: apiserver.KeyOf(p.Event), Patch: p}
}

// referenceTo returns what an Event says of the object it is about
// (tools/reference GetReference).
func referenceTo(obj apiserver.Object) corev1.ObjectReference {
	path := ""
	switch part := obj.(type) {
	case Part:
		obj, path = part.Object, part.FieldPath
	case *Part:
		obj, path = part.Object, part.FieldPath
	}
	kind := apiserver.KindOf(obj)
	return corev1.ObjectReference{
		Kind:            kind.String(),
		Namespace:       obj.GetNamespace(),
		Name:            obj.GetName(),
		UID:             obj.GetUID(),
		APIVersion:      kind.APIVersion(),
		ResourceVersion: obj.GetResourceVersion(),
		FieldPath:       path,
	}
}

// eventNamespace is where an Event about an object lives.
func eventNamespace(about corev1.ObjectReference) string {
	return cmp.Or(about.Namespace, metav1.NamespaceDefault)
}

// microStamp returns a time as events.k8s.io stores it: in whole microseconds.
func microStamp(t engine.Time) metav1.MicroTime {
	return metav1.MicroTime{Time: apiserver.WallTime(t).Truncate(time.Microsecond)}
}
