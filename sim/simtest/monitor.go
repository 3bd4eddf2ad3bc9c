package simtest

import (
	"errors"
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Invariant is a property that holds in every state of a cluster.
type Invariant struct {
	Name string
	// Start returns a check with a memory of its own.
	Start func(*sim.Cluster) Check
}

// Check looks for violations of one invariant in one cluster.
type Check struct {
	// Record is called with every watch record, when it is written; nil means
	// that records do not matter.
	Record func(*apiserver.Record) error
	// Step is called after every event; nil means that events do not matter.
	Step func() error
}

// Violation says how an invariant was broken.
type Violation struct {
	Invariant string
	At        string // virtual time
	Row       int    // how many records the history held
	Err       error
}

func (v *Violation) Error() string { return fmt.Sprintf("%s: %s: %v", v.At, v.Invariant, v.Err) }

// Unwrap returns the cause.
func (v *Violation) Unwrap() error { return v.Err }

// Monitor holds a cluster to invariants.
type Monitor struct {
	cluster    *sim.Cluster
	violations []error
	stops      []func()
}

// maxViolations bounds what a Monitor keeps.
const maxViolations = 20

// Watch begins to hold a cluster to invariants, until Stop.
func Watch(c *sim.Cluster, invariants ...Invariant) *Monitor {
	m := &Monitor{cluster: c}
	for _, inv := range invariants {
		check := inv.Start(c)
		if check.Record != nil {
			m.stops = append(m.stops, c.OnRecord(func(rec *apiserver.Record) { m.note(inv.Name, check.Record(rec)) }))
		}
		if check.Step != nil {
			m.stops = append(m.stops, c.OnStep(func() { m.note(inv.Name, check.Step()) }))
		}
	}
	return m
}

func (m *Monitor) note(name string, err error) {
	if err != nil && len(m.violations) < maxViolations {
		m.violations = append(m.violations, &Violation{name, m.cluster.Now().Format("15:04:05.000"), len(m.cluster.History()), err})
	}
}

// Err returns the violations so far, the first twenty of them, or nil.
func (m *Monitor) Err() error { return errors.Join(m.violations...) }

// Stop ends the checks.
func (m *Monitor) Stop() {
	for _, stop := range m.stops {
		stop()
	}
	m.stops = nil
}
