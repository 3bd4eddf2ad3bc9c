// Package seeded draws the states of the conformance tests: pgregory.net/rapid
// with a fixed seed, so that a test compares the same states each time, on any
// machine. It models nothing.
//
//	-seed N          other states (default 1); 0 for others every time
//	-rapid.seed=N    one state that failed, again: a failure prints this command
//
// The states are drawn anew from the seed each time; no fail files are written.
// A test ends after the number of states that it was asked for, and not, as
// rapid has it otherwise, when its time is nearly over: the states would depend
// on the machine.
package seeded
