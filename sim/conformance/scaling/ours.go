package scaling

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/autoscaling"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// beginning is how long the controller runs before the first step. It keeps the rests
// away from what comes at whole seconds.
const beginning = 1300 * time.Millisecond

// before is what every history begins with.
func before() apiserver.Request {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	return apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.KeyOf(ns), Object: ns}
}

// ours plays a script to our controller and returns what is to be seen at each rest.
func ours(s script) string {
	e := engine.New(engine.Strategy{Mode: engine.First})
	h := controller.NewHost(e, apiserver.New(e, serverConfig), controller.Latency{}, nil)
	if res := h.Do("user", before()); res.Err != nil {
		panic(res.Err)
	}
	var l load = 10
	h.Add(autoscaling.New(func(q autoscaling.Query) ([]autoscaling.Sample, error) { return l.answer(q), l.err() }))
	var d diary
	run(h, beginning)
	for i, st := range s.steps {
		var answer error
		switch st.verb {
		case "load":
			l = load(st.number)
		case "fail":
			h.Fail(controller.Fault{By: autoscaling.Name, Verb: st.fails, Kind: st.kind, Err: errFault, Count: int(st.number)})
		default:
			if req, ok := st.request(h.Server(), e.Now()); ok {
				answer = h.Do(apiserver.User, req).Err
			}
		}
		run(h, st.pause)
		d.rest(i, answer, h.Server())
	}
	return d.String()
}

// answer is the load as a function for our controller.
func (l load) answer(q autoscaling.Query) (list []autoscaling.Sample) {
	at, window := l.taken(q.Now)
	add := func(pod, name string) {
		if v, known := l.of(q.Metric+q.Container, name); known {
			list = append(list, autoscaling.Sample{Pod: pod, Value: *resource.NewMilliQuantity(v, resource.DecimalSI), Timestamp: at, Window: window})
		}
	}
	switch q.Type {
	case autoscalingv2.ObjectMetricSourceType:
		add("", q.Object.Name)
	case autoscalingv2.ExternalMetricSourceType:
		add("", "one")
		add("", "two")
	default:
		for _, pod := range q.Pods {
			add(pod.Name, pod.Name)
		}
	}
	return list
}

// run lets all events happen up to a span from now.
func run(h *controller.Host, d time.Duration) {
	until := h.Engine().Now().Add(d)
	for range 200_000 {
		if ev, ok := h.Engine().Peek(); !ok || ev.At > until {
			h.Engine().AdvanceTo(until)
			return
		}
		h.Step()
	}
	panic("scaling: no end of events")
}
