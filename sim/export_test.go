package sim

import (
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Server returns the API server, for the tests that look behind the door.
func (c *Cluster) Server() *apiserver.Server { return c.host.Server() }

// Host returns the executor.
func (c *Cluster) Host() *controller.Host { return c.host }

// Spell spells out what the Hash of a cluster covers.
func (c *Cluster) Spell() []string { return c.spell() }

// Undeclared lists the fields of which nobody has said whether they count.
func (c *Cluster) Undeclared() []string { return state.Undeclared(c.host.Remembered()) }
