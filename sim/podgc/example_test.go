package podgc_test

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A Node object is deleted. Its pod is missed at a tick of 20 s, and deleted when
// the node has been missed for 40 s.
func Example() {
	c := sim.New(sim.Config{NoLatency: true, Nodes: []sim.Node{{Name: "node-1"}}})
	pod := &corev1.Pod{}
	pod.Name = "p"
	pod.Spec.Containers = []corev1.Container{{Name: "c", Image: "c:1"}}
	if _, err := c.Create(pod); err != nil {
		fmt.Println(err)
	}
	if _, err := c.Settle(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(c.Delete(apiserver.Node, "", "node-1"))
	_ = c.Run(40 * time.Second)
	there, _ := sim.Get[*corev1.Pod](c, "", "p")
	fmt.Println(there.Status.Phase)
	_ = c.Run(41 * time.Second)
	_, err := c.Get(apiserver.Pod, "", "p")
	fmt.Println(err)
	// Output:
	// <nil>
	// Running
	// pods "p" not found
}
