package scenario_test

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/scenario"
)

// A scenario, played step by step.
func Example() {
	s, err := scenario.Parse("two.txtar", []byte(`
# Two pods, in order.
$ kubectl apply -f web.yaml
statefulset.apps/web created
> settle
> expect pod/web-1 Ready

-- web.yaml --
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "nginx:1"}]}}
`))
	if err != nil {
		panic(err)
	}
	played, err := s.Play(scenario.Options{Each: func(_ *sim.Cluster, d scenario.Done) error {
		fmt.Print(d.Typed, "\n", d.Got)
		return nil
	}})
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Verify(played))
	// Output:
	// Two pods, in order.
	// kubectl apply -f web.yaml
	// statefulset.apps/web created
	// settle
	// expect pod/web-1 Ready
	// <nil>
}
