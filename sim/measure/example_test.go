package measure_test

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/measure"
)

// How long do pods take to start, with and without their images on the node?
func Example() {
	c := sim.New(sim.Config{Seed: 1, Provision: true})
	if _, err := c.ApplyFiles("../testdata/web.yaml"); err != nil {
		panic(err)
	}
	var m measure.Meter
	defer c.OnRecord(m.Observe)()
	for _, replicas := range []int32{30, 0, 30} {
		if err := c.Scale("default", "web", replicas); err != nil {
			panic(err)
		}
		if _, err := c.Settle(); err != nil {
			panic(err)
		}
		took := m.Take()
		fmt.Println(replicas, "replicas,", m.Ready(), "ready")
		fmt.Println("  start", took.PodStart)
		fmt.Println("  stop ", took.PodStop)
		fmt.Println("  bound", took.Binding)
	}
	// Output:
	// 30 replicas, 30 ready
	//   start 30: half within 5.183s, 99 % within 10.008s, the longest 10.251s
	//   stop  none
	//   bound 30: half within 23ms, 99 % within 29ms, the longest 29ms
	// 0 replicas, 0 ready
	//   start none
	//   stop  30: half within 451ms, 99 % within 600ms, the longest 602ms
	//   bound none
	// 30 replicas, 30 ready
	//   start 30: half within 5.184s, 99 % within 9.97s, the longest 10.143s
	//   stop  none
	//   bound none
}
