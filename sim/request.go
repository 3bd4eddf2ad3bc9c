package sim

import (
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Do sends a request as a user would and returns the server's answer, with its
// warnings: any verb, any subresource. Objects go in and come out as copies.
func (c *Cluster) Do(req apiserver.Request) apiserver.Result {
	if req.Object != nil && req.Subresource == apiserver.None {
		req.Object = own(req.Object, req.Kind)
	}
	req.Given = false
	res := c.result(req)
	res.Object = copyOf(res.Object)
	for i := range res.Items {
		res.Items[i] = copyOf(res.Items[i])
	}
	return res
}

// Await runs until done returns true, which is asked before the first event and
// after each, or until a span of virtual time has passed: then the clock stands
// at its end and Await returns false. It is bounded by Limits.Steps alone.
func (c *Cluster) Await(d time.Duration, done func() bool) (bool, error) {
	e := c.host.Engine()
	end := e.Now().Add(d)
	for n := uint64(0); !done(); n++ {
		ev, ok := e.Peek()
		if !ok || ev.At > end {
			e.AdvanceTo(end)
			return false, nil
		}
		if n >= c.cfg.limits().Steps {
			return false, c.bounded("Await", n)
		}
		c.Step()
	}
	return true, nil
}
