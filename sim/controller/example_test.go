package controller_test

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// A controller that labels every Service with its name (see namer in
// host_test.go) is hosted, observes a new Service, decides and acts.
func Example() {
	host := newHost(controller.Realistic())
	host.Add(&namer{})
	key := createService(panicking{}, host, "web")
	for host.Step() {
	}
	fmt.Println(host.Server().Get(apiserver.Service, key).GetLabels())
	// Output:
	// map[name:web]
}
