package disruption_test

import (
	"fmt"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim"
)

const guarded = `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db}
spec: {minAvailable: 2, selector: {matchLabels: {app: db}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
`

// A budget that wants two of three pods lets one go at a time.
func Example() {
	c := sim.New(sim.Config{})
	if _, err := c.Apply(guarded); err != nil {
		panic(err)
	}
	if _, err := c.Settle(); err != nil {
		panic(err)
	}
	budget := func() policyv1.PodDisruptionBudgetStatus {
		b, err := sim.Get[*policyv1.PodDisruptionBudget](c, "", "db")
		if err != nil {
			panic(err)
		}
		return b.Status
	}
	fmt.Println("healthy:", budget().CurrentHealthy, "allowed:", budget().DisruptionsAllowed)

	fmt.Println(c.Evict("", "db-2"))
	if err := c.Run(100 * time.Millisecond); err != nil {
		panic(err)
	}
	err := c.Evict("", "db-1")
	fmt.Println(err)
	cause, _ := apierrors.StatusCause(err, policyv1.DisruptionBudgetCause)
	fmt.Println(cause.Message)

	// The replacement has to be ready first.
	if err := c.RunUntil(func() bool { return budget().DisruptionsAllowed > 0 }); err != nil {
		panic(err)
	}
	fmt.Println(c.Evict("", "db-1"))
	// Output:
	// healthy: 3 allowed: 1
	// <nil>
	// Cannot evict pod as it would violate the pod's disruption budget.
	// The disruption budget db needs 2 healthy pods and has 2 currently
	// <nil>
}
