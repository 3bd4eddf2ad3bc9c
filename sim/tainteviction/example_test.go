package tainteviction_test

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A pod that tolerates a taint for a minute is deleted after that minute.
func Example() {
	c := sim.New(sim.Config{NoLatency: true, Nodes: []sim.Node{{Name: "node-1"}}})
	span := int64(60)
	pod := &corev1.Pod{}
	pod.Name = "p"
	pod.Spec.Containers = []corev1.Container{{Name: "c", Image: "c:1"}}
	pod.Spec.Tolerations = []corev1.Toleration{{Key: "maintenance", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &span}}
	if _, err := c.Create(pod); err != nil {
		fmt.Println(err)
	}
	if _, err := c.Settle(); err != nil {
		fmt.Println(err)
	}
	node, _ := sim.Get[*corev1.Node](c, "", "node-1")
	node.Spec.Taints = []corev1.Taint{{Key: "maintenance", Effect: corev1.TaintEffectNoExecute}}
	if _, err := c.Update(node); err != nil {
		fmt.Println(err)
	}
	_ = c.Run(59 * time.Second)
	before, _ := sim.Get[*corev1.Pod](c, "", "p")
	fmt.Println(before.DeletionTimestamp != nil)
	_ = c.Run(40 * time.Second) // its grace period included
	_, err := c.Get(apiserver.Pod, "", "p")
	fmt.Println(err)
	// Output:
	// false
	// pods "p" not found
}
