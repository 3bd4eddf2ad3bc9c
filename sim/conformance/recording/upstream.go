package recording

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/record/util"
	"k8s.io/client-go/tools/reference"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// clock is the correlator's.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time                  { return c.now }
func (c *clock) Since(t time.Time) time.Duration { return c.now.Sub(t) }

// sink is a server of ours, as an upstream recorder writes to it.
type sink struct {
	server     *apiserver.Server
	now        engine.Time
	clock      clock
	correlator *record.EventCorrelator
	forgotten  forgotten
	marks      map[string]int
}

// upstream plays a script to upstream's correlator. It returns what was written,
// and which messages were forgotten.
func upstream(s script, marks map[string]int) (lines []string, trail []uint64) {
	k := &sink{server: newServer(engine.New(engine.Strategy{Mode: engine.First})), marks: marks}
	k.correlator = record.NewEventCorrelatorWithOptions(record.CorrelatorOptions{Clock: &k.clock})
	k.server.Do(0, "test", before())
	var l ledger
	l.enter(-1, k.server.Drain())
	for i := range s.steps {
		st := &s.steps[i]
		k.now = k.now.Add(st.pause)
		k.clock.now = apiserver.WallTime(k.now)
		if st.erase > 0 {
			if req, ok := l.erasure(st); ok {
				k.server.Do(k.now, apiserver.User, req)
				marks["erased"]++
			}
		} else if ev := k.event(st, s.node); ev != nil {
			k.write(ev)
		}
		l.enter(i, k.server.Drain())
	}
	return l.lines, k.forgotten.trail
}

// event is what a recorder makes of a note (generateEvent, makeEvent).
func (k *sink) event(st *step, node string) *corev1.Event {
	if !util.ValidateEventType(st.typ) {
		k.marks["odd type"]++
		return nil
	}
	ref, err := reference.GetPartialReference(scheme.Scheme, objects[st.about], st.field)
	if err != nil {
		panic(err)
	}
	t := metav1.Time{Time: k.clock.now}
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: util.GenerateEventName(ref.Name, t.UnixNano()), Namespace: ref.Namespace},
		InvolvedObject: *ref, Reason: st.reason, Message: st.message, FirstTimestamp: t, LastTimestamp: t, Count: 1, Type: st.typ,
		Source: corev1.EventSource{Component: component, Host: node}, ReportingController: component, ReportingInstance: node,
	}
}

// write is recordToSink with recordEvent: everything that the server refuses is
// dropped.
func (k *sink) write(ev *corev1.Event) {
	key, message := record.EventAggregatorByReasonFunc(ev)
	given := *ev
	res, err := k.correlator.EventCorrelate(&given)
	if err != nil {
		panic(err)
	}
	k.forgotten.look(k.correlator, key, message)
	if res.Skip {
		k.marks["spam"]++
		return
	}
	if strings.HasPrefix(res.Event.Message, "(combined") {
		k.marks["combined"]++
	}
	patched := res.Event.Count > 1
	var answer apiserver.Result
	if patched {
		k.marks["patched"]++
		answer = k.do(apiserver.Request{Verb: apiserver.Patch, Patch: apiserver.RawPatch{Type: types.StrategicMergePatchType, Data: string(res.Patch)}}, res.Event)
	}
	if !patched || util.IsKeyNotFoundError(answer.Err) {
		if k.marks["created"]++; patched {
			k.marks["created again"]++
		}
		res.Event.ResourceVersion = ""
		answer = k.do(apiserver.Request{Verb: apiserver.Create, Object: res.Event}, res.Event)
	}
	if answer.Err == nil {
		k.correlator.UpdateState(answer.Object.DeepCopyObject().(*corev1.Event))
		return
	}
	if _, ok := answer.Err.(*apierrors.StatusError); !ok {
		panic(answer.Err)
	}
	k.marks["refused"]++
}

func (k *sink) do(req apiserver.Request, ev *corev1.Event) apiserver.Result {
	req.Kind, req.Key = apiserver.Event, apiserver.KeyOf(ev)
	return k.server.Do(k.now, component, req)
}

// forgotten finds out which messages upstream's aggregator forgets.
type forgotten struct {
	orders map[string][]string // the messages that are known, by what is alike; oldest first
	trail  []uint64            // their places in that order
}

// look compares what the aggregator knows now with what it knew.
func (f *forgotten) look(c *record.EventCorrelator, key, message string) {
	known := knownTo(c, key)
	if f.orders == nil {
		f.orders = map[string][]string{}
	}
	order := f.orders[key]
	if !slices.Contains(order, message) {
		order = append(slices.Clip(order), message)
	}
	isForgotten := func(m string) bool { return !known[m] }
	switch gone := len(order) - len(known); {
	case gone == 0:
	case gone == 1 && len(order) == 10:
		i := slices.IndexFunc(order, isForgotten)
		f.trail = append(f.trail, uint64(i))
		order = slices.Delete(slices.Clone(order), i, i+1)
	case len(known) == 1 && known[message]: // the interval is over
		order = []string{message}
	default:
		panic(fmt.Sprintf("recording: %d messages of %v are known", len(known), order))
	}
	f.orders[key] = order
}

// knownTo reads the messages that an aggregator keeps under a key. Neither it nor
// its cache is exported.
func knownTo(c *record.EventCorrelator, key string) map[string]bool {
	cache := reflect.ValueOf(c).Elem().FieldByName("aggregator").Elem().FieldByName("cache")
	cache = reflect.NewAt(cache.Type(), unsafe.Pointer(cache.UnsafeAddr())).Elem()
	get := cache.MethodByName("Get")
	arg := reflect.New(get.Type().In(0)).Elem()
	arg.Set(reflect.ValueOf(key))
	found := get.Call([]reflect.Value{arg})[0].Elem() // an aggregateRecord
	known := map[string]bool{}
	for _, m := range found.FieldByName("localKeys").MapKeys() {
		known[m.String()] = true
	}
	return known
}
