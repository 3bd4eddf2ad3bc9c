package explore

import (
	"errors"
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// LostAnswer is the fault that a component's next request with a verb for a kind is
// carried out, and its answer is lost.
func LostAnswer(component string, verb apiserver.Verb, kind apiserver.Kind) Fault {
	return Fault{fmt.Sprintf("lose the answer of %s to %s %s", component, verb, kind), func(c *sim.Cluster) error {
		return c.LoseAnswers(component, verb, kind, 1)
	}}
}

// FailedRequest is the fault that a component's next request with a verb for a kind
// does not reach the server.
func FailedRequest(component string, verb apiserver.Verb, kind apiserver.Kind) Fault {
	return Fault{fmt.Sprintf("fail %s to %s %s", component, verb, kind), func(c *sim.Cluster) error {
		return c.FailRequests(component, verb, kind, 1, errRefused)
	}}
}

var errRefused = errors.New("connect: connection refused")

// Crash is the fault that a node goes down.
func Crash(node string) Fault {
	return Fault{"crash " + node, func(c *sim.Cluster) error {
		if c.IsDown(node) {
			return errors.New("it is down")
		}
		return c.CrashNode(node)
	}}
}

// Restart is the return of a node that is down.
func Restart(node string) Fault {
	return Fault{"restart " + node, func(c *sim.Cluster) error {
		if !c.IsDown(node) {
			return errors.New("it is up")
		}
		return c.RestartNode(node)
	}}
}
