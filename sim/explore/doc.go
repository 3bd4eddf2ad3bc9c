// Package explore runs a cluster through every order of its events, within bounds,
// and holds all of that to properties. It is for users: a world is whatever a
// function builds, a property a function over the cluster.
//
//	report, err := explore.Check{
//		World:      func() (*sim.Cluster, error) { … },
//		Commands:   []explore.Command{{Name: "scale web 1", Do: func(c *sim.Cluster) error { return c.Scale("", "web", 1) }}},
//		Properties: []explore.Property{explore.Always("one process", oneProcess)},
//		Slack:      10 * time.Millisecond,
//		Faults:     []explore.Fault{explore.LostAnswer("statefulset-controller")},
//	}.Exhaustive()
//
// What is exchanged are events: a watch that delivers, a request that arrives, an
// actor that wakes. Of those that are due within the slack of the earliest one any
// may come first; the clock never runs back, and what was passed over happens late.
// The choices that Kubernetes leaves open and the latencies are answered alike in
// all runs, by the first outcome and the shortest span: their variety is what the
// slack stands for.
//
// Exhaustive visits each state once, by the complete and exact Hash of the cluster.
// Which orders lead to one state need not be known beforehand: events that commute
// lead to it. What Exhaustive guarantees when its report says covered: no order of
// events within the slack, with as many deviations from the default order and as many
// faults as the bounds allow, breaks a property, up to collisions of a hash of 64
// bits. Random and PCT runs guarantee nothing but are fast; PCT finds a fault that
// needs d events to come in a certain order among n events of k components with a
// probability of at least 1/(k·n^(d-1)) in each run.
//
// Events of the API, and what writes them, are never exchanged: no component reads
// them.
//
// Deviation from a full search: events that commute are recognised by the states that
// they lead to, not before they run; there are no sleep sets.
package explore
