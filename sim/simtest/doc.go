// Package simtest holds a simulated cluster to named invariants.
//
// An [Invariant] is a property of every state that a cluster passes through. A
// [Monitor] checks invariants after every event and collects what violates
// them:
//
//	c := sim.New(sim.Config{Seed: seed})
//	m := simtest.Watch(c, simtest.All()...)
//	...
//	require.NoError(t, m.Err())
//
// The invariants are held against the API's objects and, where it matters,
// against the processes on the nodes.
package simtest
