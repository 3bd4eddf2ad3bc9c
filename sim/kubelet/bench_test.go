package kubelet_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// BenchmarkLife is what one pod costs from creation to deletion, 30 to a node.
func BenchmarkLife(b *testing.B) {
	const nodes, each = 10, 30
	e := engine.New(engine.Strategy{})
	h := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Realistic(), kubelet.NewWorld(kubelet.WorldConfig{}))
	do := func(req apiserver.Request) {
		if res := h.Do("user", req); res.Err != nil {
			b.Fatal(res.Err)
		}
	}
	for n := range nodes {
		name := fmt.Sprintf("n%d", n)
		do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Node, Key: apiserver.Key{Name: name}, Object: &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}})
		h.Add(kubelet.New(kubelet.Config{Node: name, Latency: kubelet.Realistic()}))
	}
	h.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Namespace, Key: apiserver.Key{Name: "default"}, Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}})
	run := func() {
		for h.Step() {
			h.Drain()
		}
	}
	steps, rounds := e.Steps(), 0
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += nodes * each {
		rounds++
		for n := range nodes * each {
			do(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Key: key(fmt.Sprintf("p-%d", n)), Object: &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("p-%d", n)},
				Spec: corev1.PodSpec{NodeName: fmt.Sprintf("n%d", n%nodes), Containers: []corev1.Container{{
					Name: "c", Image: "nginx:1", ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"x"}}}},
				}}},
			}})
		}
		e.AdvanceTo(e.Now())
		for e.Pending(engine.Progress) > 0 {
			h.Step()
			h.Drain()
		}
		for n := range nodes * each {
			do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: key(fmt.Sprintf("p-%d", n))})
		}
		run()
	}
	b.StopTimer()
	pods := float64(rounds * nodes * each)
	b.ReportMetric(float64(e.Steps()-steps)/pods, "events/pod")
	b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/pods, "µs/pod")
}
