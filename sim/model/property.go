package model

import (
	"errors"
	"fmt"
	"slices"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Property is what a cluster is held to. Its functions look at the cluster, and change
// nothing. Make one with Always, Step, Eventually, LeadsTo, Sometimes or Each.
type Property struct {
	Name string
	// Promise is what Kubernetes says, in its documentation at Link. Unpromised, if it
	// is not empty, says when Kubernetes does not keep it, and that it does not promise
	// to then.
	Promise, Link, Unpromised string

	mode     mode
	kinds    []apiserver.Kind
	since    func(c *sim.Cluster) bool
	holds    func(before, c *sim.Cluster) error
	moment   func(m *Moment) error
	event    func(m *Moment) error // of a property of rests: after events, too
	from, to func(*sim.Cluster) bool
}

type mode uint8

const (
	always mode = iota
	step
	eventually
	leadsTo
	sometimes
	moments
	rests
)

// Always holds in every state.
func Always(name string, holds func(c *sim.Cluster) error) Property {
	return Property{Name: name, mode: always, holds: func(_, c *sim.Cluster) error { return holds(c) }}
}

// Step holds of every event: before and after it.
func Step(name string, holds func(before, after *sim.Cluster) error) Property {
	return Property{Name: name, mode: step, holds: holds}
}

// Eventually holds whenever the cluster has come to rest and nothing is wrong with it
// any more: an exhaustive search looks before each command of its script, and at the
// end; a random history at its end, when all faults are healed.
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

// Each holds of every record of the watch log, when it is written.
func Each(name string, holds func(c *sim.Cluster, rec *apiserver.Record) error) Property {
	return Property{Name: name, mode: moments, moment: func(m *Moment) error {
		for _, rec := range m.Records {
			if err := holds(m.Cluster, rec); err != nil {
				return err
			}
		}
		return nil
	}}
}

// On has a property looked at only after events that have written an object of one of
// these kinds: an Always, a Step, an Each.
func (p Property) On(kinds ...apiserver.Kind) Property {
	p.kinds = kinds
	return p
}

// Since has a property hold only from the first state on in which start is true.
func (p Property) Since(start func(c *sim.Cluster) bool) Property {
	p.since = start
	return p
}

// Moment is a cluster after an event, with what the event has written and what the
// named properties remember.
type Moment struct {
	*sim.Cluster
	Records []*apiserver.Record // shared: not to be changed
	ledger  *ledger
}

// Broken says which property is broken, and how.
type Broken struct {
	Property string
	Err      error
}

func (b *Broken) Error() string { return b.Property + ": " + b.Err.Error() }

// Unwrap returns how the property was broken.
func (b *Broken) Unwrap() error { return b.Err }

// MaxProperties is how many one Judge can have.
const MaxProperties = 64

// Judge holds one cluster to properties, event after event.
type Judge struct {
	properties []Property
	owed       uint64 // open LeadsTo, by property
	reached    uint64 // Sometimes
	begun      uint64 // Since
	remembers  bool
	steps      bool
	ledger     *ledger
}

// NewJudge returns a judge of a cluster as it is now.
func NewJudge(c *sim.Cluster, properties []Property) (*Judge, error) {
	if len(properties) > MaxProperties {
		return nil, fmt.Errorf("%d properties, of at most %d", len(properties), MaxProperties)
	}
	j := &Judge{properties: properties, ledger: &ledger{}}
	for i := range properties {
		p := &properties[i]
		if p.holds == nil && p.moment == nil && p.to == nil {
			return nil, fmt.Errorf("property %q is empty: make one with Always, Step, Eventually, LeadsTo, Sometimes or Each", p.Name)
		}
		j.remembers = j.remembers || p.mode == moments || p.mode == rests
		j.steps = j.steps || p.mode == step
		if p.since == nil {
			j.begun |= 1 << i
		}
	}
	return j, nil
}

// Fork returns a judge of a fork of the cluster.
func (j *Judge) Fork() *Judge {
	f := *j
	f.ledger = j.ledger.fork()
	return &f
}

// Steps reports whether a property looks at the state before an event.
func (j *Judge) Steps() bool { return j.steps }

// Hash covers what the judge remembers, as far as what it will say depends on it.
func (j *Judge) Hash(c *sim.Cluster) uint64 {
	h := j.owed*0x9e3779b97f4a7c15 ^ j.begun*0xbf58476d1ce4e5b9
	if j.remembers {
		h ^= j.ledger.hash(now(c))
	}
	return h
}

// Look holds the cluster to the properties after an event, or after what somebody has
// done to it, that wrote these records. Before is needed for a Step alone.
func (j *Judge) Look(before, c *sim.Cluster, records []*apiserver.Record) *Broken {
	if j.remembers {
		j.ledger.read(c, records)
	}
	m := Moment{c, records, j.ledger}
	for i := range j.properties {
		p, bit := &j.properties[i], uint64(1)<<i
		if j.begun&bit == 0 {
			if !p.since(c) {
				continue
			}
			j.begun |= bit
		}
		if p.kinds != nil && !slices.ContainsFunc(records, func(rec *apiserver.Record) bool { return slices.Contains(p.kinds, rec.Kind) }) {
			continue
		}
		if err := j.one(p, bit, before, &m); err != nil {
			return &Broken{p.Name, err}
		}
	}
	if j.remembers {
		j.ledger.forget(c)
	}
	return nil
}

func (j *Judge) one(p *Property, bit uint64, before *sim.Cluster, m *Moment) error {
	switch p.mode {
	case always:
		return p.holds(nil, m.Cluster)
	case step:
		if before != nil {
			return p.holds(before, m.Cluster)
		}
	case moments:
		return p.moment(m)
	case rests:
		if p.event != nil && len(m.Records) > 0 {
			return p.event(m)
		}
	case leadsTo:
		if p.from(m.Cluster) {
			j.owed |= bit
		}
		if p.to(m.Cluster) {
			j.owed &^= bit
		}
	case sometimes:
		if j.reached&bit == 0 && p.to(m.Cluster) {
			j.reached |= bit
		}
	}
	return nil
}

// Rest holds a cluster that has come to rest to the properties, and calls tell with
// each that is broken.
func (j *Judge) Rest(c *sim.Cluster, tell func(*Broken)) {
	for i := range j.properties {
		p, bit := &j.properties[i], uint64(1)<<i
		if j.begun&bit == 0 {
			continue
		}
		var err error
		switch {
		case p.mode == eventually:
			err = p.holds(nil, c)
		case p.mode == rests:
			err = p.moment(&Moment{c, nil, j.ledger})
		case p.mode == leadsTo && j.owed&bit != 0:
			err = errors.New("it came to rest before that")
		}
		if err != nil {
			tell(&Broken{p.Name, err})
		}
	}
}

// Reached returns which properties that hold Sometimes have been reached, by index.
func (j *Judge) Reached() uint64 { return j.reached }

// Vacuous returns the first property that holds Sometimes and is not among those that
// were reached, or "".
func Vacuous(properties []Property, reached uint64) string {
	for i := range properties {
		if properties[i].mode == sometimes && reached&(1<<i) == 0 {
			return properties[i].Name
		}
	}
	return ""
}

// now is the virtual time of a cluster.
func now(c *sim.Cluster) engine.Time { return engine.Time(c.Now().Sub(apiserver.WallTime(0))) }
