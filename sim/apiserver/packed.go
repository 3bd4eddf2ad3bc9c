package apiserver

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// packed is the record of an Event at rest. Most objects of a busy cluster are
// Events, which nobody reads: this takes half the memory, and is put together
// again for whoever does.
type packed struct {
	version uint64
	time    engine.Time
	created bool // and not changed since
	by      string

	name, namespace string
	uid             types.UID
	stored          int64 // creationTimestamp, in Unix seconds

	about                corev1.ObjectReference
	reason, message, typ string
	source               corev1.EventSource
	first, last          int64 // Unix seconds; noTime if not set
	count                int32
	at                   int64 // Unix microseconds; noTime if not set
	series               *corev1.EventSeries
	action               string
	controller, instance string
}

// unpacked is what a packed record was made into.
type unpacked struct {
	packed *packed
	rec    *Record
}

// noTime stands for a time that is not set.
const noTime = -1 << 63

// pack returns a record at rest, or nil if it is not that of an Event, or has
// what Events do not have as a rule.
func pack(rec *Record) *packed {
	ev, ok := rec.Object.(*corev1.Event)
	if !ok {
		return nil
	}
	p := &packed{
		version: rec.Version, time: rec.Time, created: rec.Type == watch.Added, by: rec.By,
		name: rec.Key.Name, namespace: rec.Key.Namespace, uid: ev.UID, stored: seconds(ev.CreationTimestamp),
		about: ev.InvolvedObject, reason: ev.Reason, message: ev.Message, typ: ev.Type, source: ev.Source,
		first: seconds(ev.FirstTimestamp), last: seconds(ev.LastTimestamp), count: ev.Count, at: noTime, series: ev.Series,
		action: ev.Action, controller: ev.ReportingController, instance: ev.ReportingInstance,
	}
	if !ev.EventTime.IsZero() {
		p.at = ev.EventTime.UnixMicro()
	}
	isExact := secondsTime(p.stored) == ev.CreationTimestamp && secondsTime(p.first) == ev.FirstTimestamp &&
		secondsTime(p.last) == ev.LastTimestamp && microTime(p.at) == ev.EventTime
	if m := &ev.ObjectMeta; !isExact || m.GenerateName != "" || m.Labels != nil || m.Annotations != nil || m.OwnerReferences != nil ||
		m.Finalizers != nil || m.ManagedFields != nil || m.DeletionTimestamp != nil || m.Generation != 0 || ev.Related != nil {
		return nil
	}
	return p
}

// record returns the record that was packed, but for the state before.
func (p *packed) record(place int32) *Record {
	ev := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: p.namespace, UID: p.uid, CreationTimestamp: secondsTime(p.stored),
			ResourceVersion: strconv.FormatUint(p.version, 10)},
		InvolvedObject: p.about, Reason: p.reason, Message: p.message, Type: p.typ, Source: p.source,
		FirstTimestamp: secondsTime(p.first), LastTimestamp: secondsTime(p.last), Count: p.count,
		EventTime: microTime(p.at), Series: p.series, Action: p.action,
		ReportingController: p.controller, ReportingInstance: p.instance,
	}
	rec := &Record{Version: p.version, Type: watch.Modified, Kind: Event, Key: Key{p.namespace, p.name}, Object: ev, Time: p.time, By: p.by, place: place}
	if p.created {
		rec.Type = watch.Added
	}
	return rec
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

func microTime(us int64) metav1.MicroTime {
	if us == noTime {
		return metav1.MicroTime{}
	}
	return metav1.NewMicroTime(time.UnixMicro(us).UTC())
}
