package replicaset_test

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const web = `
apiVersion: v1
kind: Pod
metadata: {name: stray, labels: {app: web}}
spec: {containers: [{name: web, image: "web:1"}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
`

// A ReplicaSet adopts a pod that it selects, makes two more, and lets one go that is
// relabelled.
func Example() {
	c := sim.New(sim.Config{})
	if _, err := c.Apply(web); err != nil {
		panic(err)
	}
	show(c)
	if _, _, err := c.Patch(apiserver.Pod, "", "stray", types.MergePatchType, `{"metadata":{"labels":{"app":"other"}}}`); err != nil {
		panic(err)
	}
	show(c)
	// Output:
	// replicas 3 ready 3
	//   stray owners: 1
	//   web-pqwlv owners: 1
	//   web-zt4xk owners: 1
	// replicas 3 ready 3
	//   stray owners: 0
	//   web-jhgtk owners: 1
	//   web-pqwlv owners: 1
	//   web-zt4xk owners: 1
}

func show(c *sim.Cluster) {
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	rs, err := sim.Get[*appsv1.ReplicaSet](c, "", "web")
	if err != nil {
		panic(err)
	}
	pods, err := sim.List[*corev1.Pod](c, "", "")
	if err != nil {
		panic(err)
	}
	fmt.Println("replicas", rs.Status.Replicas, "ready", rs.Status.ReadyReplicas)
	for _, pod := range pods {
		fmt.Println(" ", pod.Name, "owners:", len(pod.OwnerReferences))
	}
}
