package explore

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
)

// Property is what a cluster is held to. Its functions look at the cluster, and
// change nothing.
type Property struct {
	Name string
	mode mode
	// holds is nil, or says how the property is broken. Before is the cluster before
	// the event, for Step.
	holds func(before, c *sim.Cluster) error
	// from and to are of LeadsTo, and to of Sometimes.
	from, to func(*sim.Cluster) bool
}

type mode uint8

const (
	always mode = iota
	step
	eventually
	leadsTo
	sometimes
)

// Always holds in every state.
func Always(name string, holds func(c *sim.Cluster) error) Property {
	return Property{Name: name, mode: always, holds: func(_, c *sim.Cluster) error { return holds(c) }}
}

// Step holds of every event: before and after it.
func Step(name string, holds func(before, after *sim.Cluster) error) Property {
	return Property{Name: name, mode: step, holds: holds}
}

// Eventually holds whenever the cluster has come to rest: before the next command,
// and at the end.
func Eventually(name string, holds func(c *sim.Cluster) error) Property {
	return Property{Name: name, mode: eventually, holds: func(_, c *sim.Cluster) error { return holds(c) }}
}

// LeadsTo holds if a state in which from is true is followed, before the cluster has
// come to rest, by one in which to is.
func LeadsTo(name string, from, to func(c *sim.Cluster) bool) Property {
	return Property{Name: name, mode: leadsTo, from: from, to: to}
}

// Sometimes holds if some state is reached in which is is true. A check that never
// reaches it fails: what it is to show cannot happen in it.
func Sometimes(name string, is func(c *sim.Cluster) bool) Property {
	return Property{Name: name, mode: sometimes, to: is}
}

// Violation is a property that was broken, and how to come there.
type Violation struct {
	Property string
	Err      error
	Schedule Schedule
}

func (v *Violation) Error() string {
	return fmt.Sprintf("%s: %v; after\n%s", v.Property, v.Err, v.Schedule)
}

// Unwrap returns how the property was broken.
func (v *Violation) Unwrap() error { return v.Err }

// look holds a state to the properties, and returns the obligations of LeadsTo that
// are open in it.
func (r *run) look(before *sim.Cluster, n *node) error {
	for i := range r.check.Properties {
		p := &r.check.Properties[i]
		switch p.mode {
		case always, step:
			if p.mode == step && before == nil {
				continue
			}
			if err := p.holds(before, n.cluster); err != nil {
				return r.broken(p, n, err)
			}
		case leadsTo:
			if p.from(n.cluster) {
				n.owed |= 1 << i
			}
			if p.to(n.cluster) {
				n.owed &^= 1 << i
			}
		case sometimes:
			if !r.reached[i] {
				r.reached[i] = p.to(n.cluster)
			}
		}
	}
	return nil
}

// atRest holds a cluster that has come to rest to the properties.
func (r *run) atRest(n *node) error {
	for i := range r.check.Properties {
		p := &r.check.Properties[i]
		switch {
		case p.mode == eventually:
			if err := p.holds(nil, n.cluster); err != nil {
				return r.broken(p, n, err)
			}
		case p.mode == leadsTo && n.owed&(1<<i) != 0:
			return r.broken(p, n, fmt.Errorf("it came to rest before that"))
		}
	}
	return nil
}

func (r *run) broken(p *Property, n *node, err error) error {
	return &Violation{Property: p.Name, Err: err, Schedule: n.schedule()}
}
