package daemonset_test

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A DaemonSet for the nodes with disks: a node that gets the label gets a pod.
func Example() {
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "a", Labels: map[string]string{"disk": "ssd"}}, {Name: "b"}}})
	_, err := c.Apply(`
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      nodeSelector: {disk: ssd}
      containers: [{name: agent, image: agent:1}]
`)
	show := func() {
		if err == nil {
			_, err = c.Settle()
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		pods, _ := sim.List[*corev1.Pod](c, "default", "app=agent")
		slices.SortFunc(pods, func(a, b *corev1.Pod) int { return cmp.Compare(a.Spec.NodeName, b.Spec.NodeName) })
		for _, pod := range pods {
			fmt.Println(pod.Spec.NodeName, pod.Status.Phase)
		}
		fmt.Println("--")
	}
	show()
	_, _, err = c.Patch(apiserver.Node, "", "b", types.MergePatchType, `{"metadata":{"labels":{"disk":"ssd"}}}`)
	show()
	// Output:
	// a Running
	// --
	// a Running
	// b Running
	// --
}
