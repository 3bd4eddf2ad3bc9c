package why_test

import (
	"fmt"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A claim that asks for a volume that nobody has holds back its pod, and that
// pod all later ones.
func ExampleWhy() {
	c := sim.New(sim.Config{})
	if _, err := c.Apply(web(fmt.Sprintf(claims, ""), ""), volume("small", "1Gi", "")); err != nil {
		panic(err)
	}
	if err := c.Run(time.Minute); err != nil {
		panic(err)
	}
	for _, line := range c.Why(apiserver.Pod, "", "web-2").Lines() {
		fmt.Println(line)
	}
	// Output:
	// web-2 is not created because web-0 has no node (S18)
	// web-0 has no node because its claim www-web-0 is Pending (C10)
	// www-web-0 is Pending because no volume of at least 5Gi with ReadWriteOnce and class "" is Available: small: requested PV is too small (V2, V3)
	// to end it: create such a volume (Config.Provision makes one for each claim with a class)
}
