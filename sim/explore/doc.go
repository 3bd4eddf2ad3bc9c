// Package explore looks for the history that breaks a property of a world: through
// every order of its events, within bounds, or through random histories. Worlds, commands
// and properties are those of package model: the user's own, and the named promises of
// Kubernetes.
//
// Random histories of commands and faults, each failure told once and made small:
//
//	check := explore.Check{World: model.World{Files: []string{"db.yaml"}}, Properties: model.Promises()}
//	hunted, err := check.Histories(explore.Hunt{Histories: 10_000})
//	for _, f := range hunted.Failures { fmt.Println(f) }
//
// prints text such as
//
//	# convergence: web-2 is not ready
//	seed 0
//	image statefulset/web web:bad
//	settle
//	image statefulset/web web:1
//
// which ParseHistory reads and Check.Try runs again. A history that breaks nothing proves
// nothing: each draws a few of the commands and of the objects, so that what seldom comes
// together does in some. Hunt.Shard splits a search into disjoint parts, and Merge makes
// one of their reports.
//
// Every order of events:
//
//	report, err := explore.Check{
//		World:      model.World{Manifests: []string{manifest}, Early: true},
//		Script:     []string{"scale statefulset/web 1"},
//		Properties: []model.Property{model.OneProcess(), model.OrderedCreation()},
//		Slack:      10 * time.Millisecond,
//		Faults:     []string{"restart-controller statefulset-controller"},
//		MaxFaults:  1,
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
