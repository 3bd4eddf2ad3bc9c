// Package why says in plain sentences what an object of a cluster waits for and
// what would end it, following the chain to its root:
//
//	web-2 is not created because web-1 is not Ready
//	web-1 is not Ready because its claim www-web-1 is Pending
//	www-web-1 is Pending because no volume of at least 5Gi with ReadWriteOnce and class "" is Available
//	…
//
// It is for everybody who looks at a cluster; sim.Cluster.Why, the shell's
// `why pod/web-2` and the verdicts of the examples call it. It reads the API, the
// Events, what the components themselves say that they wait for, and which
// machines run. It decides nothing, and changes nothing.
//
// Each [Reason] cites the rules that it follows from, by their numbers in
// sim/RULES.md. A reason without causes of its own is a root, and says in Ends
// what would end it, where somebody can.
//
// What is not known here is answered with the words of the component that waits,
// so that nothing that waits has no reason.
package why
