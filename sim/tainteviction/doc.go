// Package tainteviction is the taint eviction controller: it deletes pods from
// nodes that have a NoExecute taint which they do not tolerate, or no longer
// (pkg/controller/tainteviction).
//
//	controller.go  which pods have to go, and when
//	delete.go      how one goes: Event, condition, deletion
//
// Nothing of it ticks: a pod that tolerates a taint for a span has one timer.
//
// Rules held: N4.
//
// Deviation: upstream's queues between its watches and its eight workers take no
// time here.
package tainteviction
