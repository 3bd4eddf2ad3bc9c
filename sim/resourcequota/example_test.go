package resourcequota_test

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/table"
)

const crowded = `
apiVersion: v1
kind: ResourceQuota
metadata: {name: small}
spec: {hard: {pods: "2", requests.cpu: 500m}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1", resources: {requests: {cpu: 100m}}}]}
`

// A set that a quota has no room for waits, and goes on when there is room.
func Example() {
	c := sim.New(sim.Config{})
	show := func() {
		if _, err := c.Settle(); err != nil {
			fmt.Println(err)
		}
		q, err := sim.Get[*corev1.ResourceQuota](c, "", "small")
		if err != nil {
			panic(err)
		}
		fmt.Println(table.New(apiserver.ResourceQuota, []apiserver.Object{q}, c.Now()).Rows[0].Cells[1])
	}
	if _, err := c.Apply(crowded); err != nil {
		panic(err)
	}
	show()
	for _, line := range c.Why(apiserver.StatefulSet, "", "db").Lines() {
		fmt.Println(line)
	}
	if _, _, err := c.Patch(apiserver.ResourceQuota, "", "small", types.MergePatchType, `{"spec": {"hard": {"pods": "5"}}}`); err != nil {
		panic(err)
	}
	show()
	// Output:
	// pods: 2/2, requests.cpu: 200m/500m
	// db has 2 of 3 pods ready because db-2 is not created
	// db-2 is not created because the quota small has no room for pods=1: used are 2 of 2 pods (S16, Q4)
	// to end it: raise pods in spec.hard of ResourceQuota small, or delete what takes it
	// pods: 3/5, requests.cpu: 300m/500m
}
