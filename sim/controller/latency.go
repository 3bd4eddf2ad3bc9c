package controller

import (
	"fmt"
	"time"
)

// Latency says how long the steps of the control plane take. The zero Latency
// is none at all: everything happens at one instant, in the order of causes.
type Latency struct {
	// Request is the time from sending an API request to its answer.
	Request Range
	// Watch is the time from a write to its delivery to a watcher.
	Watch Range
	// Queue is the time until an idle worker takes a key that is ready.
	Queue Range
	// Event is the time until a recorded Event is written.
	Event Range
}

// Validate returns the first thing that is wrong with a Latency, by field.
func (l Latency) Validate() error {
	for _, r := range []struct {
		field string
		r     Range
	}{{"Request", l.Request}, {"Watch", l.Watch}, {"Queue", l.Queue}, {"Event", l.Event}} {
		if err := r.r.Validate(); err != nil {
			return fmt.Errorf("%s: %w", r.field, err)
		}
	}
	return nil
}

// Realistic returns the latencies of a small healthy cluster.
func Realistic() Latency {
	const ms = time.Millisecond
	return Latency{
		Request: Range{2 * ms, 6 * ms}, // a write waits for the disks of etcd
		Watch:   Range{ms / 4, 2 * ms},
		Queue:   Range{ms / 20, ms / 2},
		Event:   Range{2 * ms, 8 * ms},
	}
}
