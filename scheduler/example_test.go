package scheduler_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// A node that is cordoned takes no pod, and the scheduler says so.
func Example() {
	e := engine.New(engine.Strategy{})
	host := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "TaintNodesByCondition"}}), controller.Latency{}, nil)
	host.Add(scheduler.New(scheduler.Config{}))
	for _, o := range []apiserver.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Spec: corev1.NodeSpec{Unschedulable: true}},
		&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-0"},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}},
		},
	} {
		host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(o), Key: apiserver.KeyOf(o), Object: o})
	}
	for e.Pending(engine.Progress) > 0 {
		host.Step()
	}
	for _, w := range host.Waiting() {
		fmt.Println(w.Kind, w.Key, w.Reason)
	}
	// Output:
	// Pod default/web-0 0/1 nodes are available: 1 node(s) were unschedulable. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.
}
