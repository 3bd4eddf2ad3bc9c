package nodelifecycle_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A node falls silent. The controller says so after its grace period, and taints
// it: at once against new pods, and then, as fast as its zone's limit allows,
// against those that are there.
func Example() {
	c := sim.New(sim.Config{NoLatency: true})
	defer c.OnRecord(func(rec *apiserver.Record) {
		if node, ok := rec.Object.(*corev1.Node); ok {
			ready := node.Status.Conditions[len(node.Status.Conditions)-1]
			fmt.Print(rec.Key, " Ready=", ready.Status)
			for _, t := range node.Spec.Taints {
				fmt.Print(" ", t.Key, ":", t.Effect)
			}
			fmt.Println()
		}
	})()
	fmt.Println(c.CrashNode("node-2"))
	if _, err := c.Settle(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// node-2 Ready=Unknown
	// node-2 Ready=Unknown node.kubernetes.io/unreachable:NoSchedule
	// node-2 Ready=Unknown node.kubernetes.io/unreachable:NoSchedule node.kubernetes.io/unreachable:NoExecute
}
