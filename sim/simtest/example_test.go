package simtest_test

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

// A StatefulSet is scaled under all invariants; then somebody deletes a claim's
// volume from under it.
func Example() {
	c := sim.New(sim.Config{Provision: true})
	m := simtest.Watch(c, simtest.All()...)
	defer m.Stop()
	if _, err := c.Apply(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "db:1"}]}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
`); err != nil {
		panic(err)
	}
	_, err := c.Settle()
	fmt.Println(err, m.Err())

	volumes, _ := c.List(apiserver.PersistentVolume, "", "")
	pv := volumes[0]
	pv.SetFinalizers(nil)
	if _, err := c.Update(pv); err != nil {
		panic(err)
	}
	if err := c.Delete(apiserver.PersistentVolume, "", pv.GetName()); err != nil {
		panic(err)
	}
	_, err = c.Settle()
	fmt.Println(err, m.Err() != nil)
	// Output:
	// <nil> <nil>
	// <nil> true
}

// A script says what is done to a StatefulSet; it runs under all invariants and
// ends with the set ready and updated.
func ExampleTrial_Run() {
	script, err := simtest.ParseScript(`
# web-2 is replaced and never gets ready; then the rollout is stuck (S29).
seed 7
wait 10s
image web:bad
wait 30s
crash node-1
image web:2
wait 5s
`)
	fmt.Println(err)
	marks := simtest.Marks{}
	_, err = simtest.Trial{Marks: marks}.Run(script)
	fmt.Println(err, marks["S29: a stuck rollout"])
	// Output:
	// <nil>
	// <nil> 1
}
