package apiserver

import (
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// packed is the record of an Event at rest, as bytes. Most objects of a busy
// cluster are Events, which nobody reads: this takes an eighth of the memory, has
// no pointer to follow, and is put together again for whoever does read. It
// begins with the key. The empty packed is none.
type packed string

// pack returns a record at rest, or "" if it is not that of an Event, or has
// what Events do not have as a rule.
func pack(rec *Record, texts *texts) packed {
	ev, ok := rec.Object.(*corev1.Event)
	if !ok || !isPlain(ev) {
		return ""
	}
	w := packer{texts.room[:0], texts}
	about := &ev.InvolvedObject
	w.text(rec.Key.Namespace)
	stem, stamp := cutStamp(rec.Key.Name)
	w.string(stem)
	w.number(stamp)
	w.number(int64(rec.Version))
	w.number(int64(rec.Time))
	w.number(int64(rec.Cause))
	w.flag(rec.Type == watch.Added)
	w.text(rec.By)
	w.uid(ev.UID)
	stored := seconds(ev.CreationTimestamp)
	w.number(stored)

	w.text(about.Kind)
	w.text(about.Namespace)
	w.flag(about.Name == stem)
	if about.Name != stem {
		w.string(about.Name)
	}
	w.uid(about.UID)
	w.text(about.APIVersion)
	w.decimal(about.ResourceVersion)
	w.text(about.FieldPath)
	w.text(ev.Reason)
	w.string(ev.Message)
	w.text(ev.Type)
	w.text(ev.Source.Component)
	w.text(ev.Source.Host)
	w.after(stored, seconds(ev.FirstTimestamp))
	w.after(stored, seconds(ev.LastTimestamp))
	w.number(int64(ev.Count))
	w.after(0, micros(ev.EventTime))
	w.flag(ev.Series != nil)
	if ev.Series != nil {
		w.number(int64(ev.Series.Count))
		w.after(0, micros(ev.Series.LastObservedTime))
	}
	w.text(ev.Action)
	w.text(ev.ReportingController)
	w.text(ev.ReportingInstance)
	texts.room = w.buf
	return packed(w.buf)
}

// isPlain reports whether an Event has nothing but what components write.
func isPlain(ev *corev1.Event) bool {
	isExact := func(t metav1.Time) bool { return secondsTime(seconds(t)) == t }
	isExactMicro := func(t metav1.MicroTime) bool { return microTime(micros(t)) == t }
	m := &ev.ObjectMeta
	return isExact(m.CreationTimestamp) && isExact(ev.FirstTimestamp) && isExact(ev.LastTimestamp) && isExactMicro(ev.EventTime) &&
		(ev.Series == nil || isExactMicro(ev.Series.LastObservedTime)) &&
		m.GenerateName == "" && m.Labels == nil && m.Annotations == nil && m.OwnerReferences == nil && m.Finalizers == nil &&
		m.ManagedFields == nil && m.DeletionTimestamp == nil && m.Generation == 0 && ev.Related == nil
}

// record returns the record that was packed, but for the state before.
func (p packed) record(place int32, texts *texts) *Record {
	r := unpacker{string(p), texts}
	ev := &corev1.Event{}
	rec := &Record{Type: watch.Modified, Kind: Event, Object: ev, place: place}
	rec.Key.Namespace = r.text()
	stem := r.string()
	rec.Key.Name = withStamp(stem, r.number())
	rec.Version = uint64(r.number())
	rec.Time = engine.Time(r.number())
	rec.Cause = uint64(r.number())
	if r.flag() {
		rec.Type = watch.Added
	}
	rec.By = r.text()
	ev.Namespace, ev.Name, ev.ResourceVersion = rec.Key.Namespace, rec.Key.Name, strconv.FormatUint(rec.Version, 10)
	ev.UID = r.uid()
	stored := r.number()
	ev.CreationTimestamp = secondsTime(stored)

	about := &ev.InvolvedObject
	about.Kind = r.text()
	about.Namespace = r.text()
	if about.Name = stem; !r.flag() {
		about.Name = r.string()
	}
	about.UID = r.uid()
	about.APIVersion = r.text()
	about.ResourceVersion = r.decimal()
	about.FieldPath = r.text()
	ev.Reason = r.text()
	ev.Message = r.string()
	ev.Type = r.text()
	ev.Source = corev1.EventSource{Component: r.text(), Host: r.text()}
	ev.FirstTimestamp = secondsTime(r.after(stored))
	ev.LastTimestamp = secondsTime(r.after(stored))
	ev.Count = int32(r.number())
	ev.EventTime = microTime(r.after(0))
	if r.flag() {
		ev.Series = &corev1.EventSeries{Count: int32(r.number()), LastObservedTime: microTime(r.after(0))}
	}
	ev.Action = r.text()
	ev.ReportingController = r.text()
	ev.ReportingInstance = r.text()
	return rec
}

// isOf reports whether the record is that of an Event with a key.
func (p packed) isOf(key Key, texts *texts) bool {
	r := unpacker{string(p), texts}
	if r.text() != key.Namespace {
		return false
	}
	rest, ok := strings.CutPrefix(key.Name, r.string())
	if !ok {
		return false
	}
	stamp := r.number()
	if stamp == 0 {
		return rest == ""
	}
	return rest != "" && rest[0] == '.' && isStamp(rest[1:], stamp)
}

// written returns when the Event was written last.
func (p packed) written(texts *texts) engine.Time {
	r := unpacker{string(p), texts}
	r.text()
	r.string()
	r.number()
	r.number()
	return engine.Time(r.number())
}

// cutStamp takes from an Event's name the time at its end,
// "web-0.18eac1708f4e978c"; 0 if there is none.
func cutStamp(name string) (stem string, stamp int64) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return name, 0
	}
	stamp, err := strconv.ParseInt(name[dot+1:], 16, 64)
	if err != nil || stamp <= 0 || !isStamp(name[dot+1:], stamp) {
		return name, 0
	}
	return name[:dot], stamp
}

// isStamp reports whether a time is written as withStamp does.
func isStamp(digits string, stamp int64) bool {
	var room [16]byte
	return digits == string(strconv.AppendInt(room[:0], stamp, 16))
}

// withStamp puts a name together again.
func withStamp(stem string, stamp int64) string {
	if stamp == 0 {
		return stem
	}
	var digits [20]byte
	return stem + "." + string(strconv.AppendInt(digits[:0], stamp, 16))
}

func seconds(t metav1.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.Unix()
}

func secondsTime(s int64) metav1.Time {
	if s == noTime {
		return metav1.Time{}
	}
	return metav1.NewTime(time.Unix(s, 0).UTC())
}

func micros(t metav1.MicroTime) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.UnixMicro()
}

func microTime(us int64) metav1.MicroTime {
	if us == noTime {
		return metav1.MicroTime{}
	}
	return metav1.NewMicroTime(time.UnixMicro(us).UTC())
}
