package model_test

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/model"
)

const set = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
`

// A command of the user's own is parsed and done like the built-in ones.
func Example() {
	w := model.World{Manifests: []string{set}}
	v, err := model.Builtin(w)
	fmt.Println(err)
	v = append(v, model.Command{
		Name: "promote", Args: []model.Argument{{Name: "POD", Some: []string{"db-0", "db-1"}}}, Least: 1,
		Do: func(c *sim.Cluster, a []string) error {
			_, _, err := c.Patch(apiserver.Pod, "", a[0], "application/merge-patch+json", `{"metadata":{"labels":{"role":"leader"}}}`)
			return err
		},
	})
	c, err := w.New(1, false)
	fmt.Println(err)
	for _, line := range []string{"promote db-1", "delete pod[role=leader]", "scale statefulset/db 3", "settle"} {
		o, err := v.Parse(line)
		fmt.Println(o, err, v.Do(c, o))
	}
	fmt.Println(len(c.Processes()))
	// Output:
	// <nil>
	// <nil>
	// promote db-1 <nil> <nil>
	// delete pod[role=leader] <nil> <nil>
	// scale statefulset/db 3 <nil> <nil>
	// settle <nil> <nil>
	// 3
}
