package deployment_test

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
`

// A rolling update without a pod to spare creates a pod before it takes one away.
func Example() {
	c := sim.New(sim.Config{})
	if _, err := c.Apply(web); err != nil {
		panic(err)
	}
	settle(c)
	image := `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"web:2"}]}}}}`
	if _, _, err := c.Patch(apiserver.Deployment, "", "web", types.StrategicMergePatchType, image); err != nil {
		panic(err)
	}
	settle(c)
	for _, rec := range c.History() {
		if e, ok := rec.Object.(*corev1.Event); ok && e.Reason == "ScalingReplicaSet" {
			fmt.Println(e.Message)
		}
	}
	// Output:
	// revision 1 updated 3 available 3 NewReplicaSetAvailable
	// revision 2 updated 3 available 3 NewReplicaSetAvailable
	// Scaled up replica set web-57d9664db9 from 0 to 3
	// Scaled up replica set web-654cdc8b8d from 0 to 1
	// Scaled down replica set web-57d9664db9 from 3 to 2
	// Scaled up replica set web-654cdc8b8d from 1 to 2
	// Scaled down replica set web-57d9664db9 from 2 to 1
	// Scaled up replica set web-654cdc8b8d from 2 to 3
	// Scaled down replica set web-57d9664db9 from 1 to 0
}

func settle(c *sim.Cluster) {
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	d, err := sim.Get[*appsv1.Deployment](c, "", "web")
	if err != nil {
		panic(err)
	}
	s := d.Status
	fmt.Println("revision", d.Annotations["deployment.kubernetes.io/revision"], "updated", s.UpdatedReplicas, "available", s.AvailableReplicas, s.Conditions[len(s.Conditions)-1].Reason)
}
