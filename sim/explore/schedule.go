package explore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/model"
)

// Schedule is a run, as far as it differs from the default: text that can be read,
// edited and run again (Check.Replay). It does not name the events that come in
// their order, so that it outlives changes that do not concern it.
//
//	after 12: statefulset-controller: create Pod default/web-1
//	after 14: fault: lose an answer of statefulset-controller
type Schedule []Deviation

// Deviation is an event that comes before its turn, or a fault.
type Deviation struct {
	After int    // how many events had come before, Events of the API left out
	What  string // sim.Event.String, or "fault: " and its name
}

// String returns one line for each deviation.
func (s Schedule) String() string {
	var b strings.Builder
	for _, d := range s {
		fmt.Fprintf(&b, "after %d: %s\n", d.After, d.What)
	}
	if len(s) == 0 {
		b.WriteString("the default order\n")
	}
	return b.String()
}

// ParseSchedule is the inverse of Schedule.String.
func ParseSchedule(text string) (Schedule, error) {
	var s Schedule
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line == "the default order" {
			continue
		}
		rest, ok := strings.CutPrefix(line, "after ")
		number, what, colon := strings.Cut(rest, ": ")
		after, err := strconv.Atoi(number)
		if !ok || !colon || err != nil || after < 0 {
			return nil, fmt.Errorf("line %d: %q: want \"after NUMBER: WHAT\"", i+1, line)
		}
		s = append(s, Deviation{after, what})
	}
	return s, nil
}

// node is a state on the way, with how it was come to.
type node struct {
	cluster    *sim.Cluster
	parent     *node
	what       string // the deviation that led here, or ""
	depth      int    // events so far
	deviations int
	faults     int
	commands   int // that were given
	judge      *model.Judge
}

// child returns a node that follows, without its cluster.
func (n *node) child() *node {
	return &node{parent: n, depth: n.depth, deviations: n.deviations, faults: n.faults, commands: n.commands, judge: n.judge.Fork()}
}

func (n *node) schedule() (s Schedule) {
	for ; n != nil; n = n.parent {
		if n.what != "" {
			s = append(Schedule{{n.parent.depth, n.what}}, s...)
		}
	}
	return s
}

// Violation is a property that was broken, and how to come there.
type Violation struct {
	Property string
	Err      error
	Schedule Schedule
}

func (v *Violation) Error() string {
	return fmt.Sprintf("%s: %v; after\n%s", v.Property, v.Err, v.Schedule)
}

// Unwrap returns how the property was broken.
func (v *Violation) Unwrap() error { return v.Err }
