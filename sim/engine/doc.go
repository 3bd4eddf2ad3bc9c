// Package engine is a deterministic discrete-event engine: a virtual clock, a
// queue of events and the one place where choices are made. It knows no
// Kubernetes.
//
// Time is a whole number of virtual nanoseconds since the start. Events are
// ordered by (time, sequence): of two events at one instant, the one scheduled
// first runs first. An [Event] is a small value without pointers, so that a
// queue can be copied, listed and hashed.
//
// Whatever a model leaves open is asked of the engine, by [Engine.Choose] or
// [Engine.Between], and answered by its [Strategy]. The seeded answer is a hash
// of the seed, the concern, the key of the object and how often that was asked
// before; it is never the next number of a stream. So an unrelated object, or a
// new question elsewhere, shifts nothing. How often what was asked is kept in
// bounded memory: see [Tally].
//
// An Engine is not safe for concurrent use, starts no goroutine and never reads
// the wall clock.
package engine
