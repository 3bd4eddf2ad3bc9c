package sim

import (
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Server returns the API server, for the tests that look behind the door.
func (c *Cluster) Server() *apiserver.Server { return c.host.Server() }

// Host returns the executor.
func (c *Cluster) Host() *controller.Host { return c.host }
