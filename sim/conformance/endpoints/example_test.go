package endpoints

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Example plays a script to our controller, and shows what it asked for: a
// Service without endpoints has a placeholder, which becomes the slice of its
// first pod. Upstream has to ask for the same.
func Example() {
	service := &corev1.Service{ObjectMeta: meta("s0"), Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone,
		Selector: map[string]string{"app": "a"}, Ports: []corev1.ServicePort{{Port: 80}}}}
	pod := &corev1.Pod{ObjectMeta: meta("p-0"), Spec: corev1.PodSpec{NodeName: "n0", Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}}}
	pod.Labels = map[string]string{"app": "a"}
	setIPs(pod, 0, "4")
	s := script{limit: 100, before: []step{
		{do: "create", kind: apiserver.Namespace, name: namespace, object: &corev1.Namespace{}},
		{do: "create", kind: apiserver.Node, name: "n0", object: &corev1.Node{}},
		{do: "create", kind: apiserver.Service, name: "s0", object: service},
	}}
	s.before[0].object.SetName(namespace)
	s.before[1].object.SetName("n0")
	o := begin(s)
	show := func() {
		r := restOf(o.host.Server(), nil, o.calls)
		fmt.Println(r.calls, len(r.slices), "slice:", len(r.slices[0].Endpoints), "endpoints")
		o.calls = nil
	}
	show()
	o.user(step{do: "create", kind: apiserver.Pod, name: "p-0", object: pod}, between)
	o.run(quiet)
	show()
	// Output:
	// [asked: create (triggered 2026-01-01T00:00:00Z)] 1 slice: 0 endpoints
	// [asked: update] 1 slice: 1 endpoints
}
