// Package controller is the contract between the processes of a cluster and the
// cluster itself: observe, decide, act.
//
//   - An [Actor] observes the API through its [View], a set of cursors into the
//     versioned store, each as late as its watch is.
//   - A [Machine] decides: Step is a pure, resumable function from a view, a memo
//     of plain data and the answers so far to the next requests. [Workers] is the
//     work queue around it, with upstream's deduplication and backoff (S1).
//   - The [Host] acts: it sends every request as an event of its own with a
//     latency of its own, so that anything can happen between two of them, and
//     delivers answers and watch records.
//
// A late view ([Host.Hold]), a failed request ([Host.Fail]) and a crash between
// two requests are all the ways in which a controller can go wrong; none needs a
// hook in a controller.
//
// Rules held here: S1 (queue, backoff, workers), A10 (event recorders).
//
// Deviation: the answer to a request reaches its sender at the moment when the
// server carries it out; the whole latency lies before that. The time in an
// Event's name is ahead of the clock by up to a millisecond, by a fixed amount
// for each component, so that the names of two components never clash.
package controller
