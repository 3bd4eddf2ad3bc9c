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
	// replicas 3 ready 3 pods 3, the stray's owners: 1
	// replicas 3 ready 3 pods 4, the stray's owners: 0
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
	stray, err := sim.Get[*corev1.Pod](c, "", "stray")
	if err != nil {
		panic(err)
	}
	fmt.Printf("replicas %d ready %d pods %d, the stray's owners: %d\n", rs.Status.Replicas, rs.Status.ReadyReplicas, len(pods), len(stray.OwnerReferences))
}
