package explore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/model"
)

// Check is a world, what can happen to it, and what it is held to.
type Check struct {
	World model.World
	// Commands are what can be done in it, and befall it; nil means those of
	// model.Builtin.
	Commands model.Vocabulary
	// Properties are at most 64.
	Properties []model.Property

	// Length is the most commands of a random history, beside the pauses; 0 means 16.
	Length int

	// Script is what is done in a search of orders: operations, one after the other, each
	// when the cluster has come to rest. The first is done at once.
	Script []string
	// Slack is the span of time within which events may be exchanged. Zero is that
	// of one moment.
	Slack time.Duration
	// Deviations is how many events of a run may come out of their turn; a negative
	// number means any.
	Deviations int
	// Faults are operations that can befall the cluster before any event, MaxFaults of
	// them in a run.
	Faults    []string
	MaxFaults int
	// MaxStates ends a search that has seen as many; 0 means a million.
	MaxStates int
	// MaxDepth ends a run after as many events; 0 means 10,000.
	MaxDepth int
	// Stop, if not nil, is asked after every thousand states whether the search is to end,
	// and told how far it is: for progress, and for bounds on time and memory.
	Stop func(*Report) bool
}

// Report says what a search has seen.
type Report struct {
	States      int // different ones, with what was left of the bounds
	Transitions int
	Pruned      int // transitions to a state that had been seen
	Final       map[uint64]int
	Depth       int // of the longest run
	Cut         int // runs that were ended by MaxDepth
	// Covered says that everything within the bounds was seen; else Left is how many
	// transitions are known that were not tried.
	Covered bool
	Left    int
	Reached []string // operations of the script and faults that did something

	stopped bool
}

// String returns the report in a few lines, the last of which is "covered" or what is
// left.
func (r *Report) String() string {
	last := "covered"
	if !r.Covered {
		last = fmt.Sprintf("not covered: at least %d transitions are left, and %d runs were cut short", r.Left, r.Cut)
	}
	return fmt.Sprintf("%d states, %d transitions\n%d pruned: their state had been seen\n%d final states, longest run %d events\nreached: %s\n%s\n",
		r.States, r.Transitions, r.Pruned, len(r.Final), r.Depth, strings.Join(r.Reached, "; "), last)
}

// run is a search under way.
type run struct {
	check    *Check
	commands model.Vocabulary
	script   []model.Operation
	faults   []model.Operation
	report   Report
	seen     map[uint64][]budget // nil: states are not recognised
	reached  uint64              // Sometimes, by property
	full     bool
}

// newRun reads what the check is about.
func (k *Check) newRun() (*run, error) {
	r := &run{check: k, report: Report{Final: map[uint64]int{}}}
	var err error
	if r.commands, err = k.commands(); err != nil {
		return nil, err
	}
	for _, list := range []struct {
		lines []string
		ops   *[]model.Operation
	}{{k.Script, &r.script}, {k.Faults, &r.faults}} {
		for _, line := range list.lines {
			o, err := r.commands.Parse(line)
			if err != nil {
				return nil, fmt.Errorf("explore: %w", err)
			}
			*list.ops = append(*list.ops, o)
		}
	}
	return r, nil
}

// begin builds the world and gives the first command.
func (r *run) begin() (*node, error) {
	c, err := r.check.World.New(0, false)
	if err != nil {
		return nil, err
	}
	c.Answers(nil)
	n := &node{cluster: c}
	if n.judge, err = model.NewJudge(c, r.check.Properties); err != nil {
		return nil, err
	}
	if err := r.command(n); err != nil {
		return nil, err
	}
	return n, r.look(nil, n)
}

// look holds a state to the properties.
func (r *run) look(before *sim.Cluster, n *node) error {
	b := n.judge.Look(before, n.cluster, n.cluster.Latest())
	r.reached |= n.judge.Reached()
	if b != nil {
		return &Violation{b.Property, b.Err, n.schedule()}
	}
	return nil
}

// atRest holds a cluster that has come to rest to the properties.
func (r *run) atRest(n *node) (err error) {
	n.judge.Rest(n.cluster, func(b *model.Broken) {
		if err == nil {
			err = &Violation{b.Property, b.Err, n.schedule()}
		}
	})
	return err
}

// budget is what a run had used up when it came to a state.
type budget struct{ deviations, faults int }

// Exhaustive searches every order within the bounds: first those with no fault and no
// deviation, so that what it finds is minimal in these. It returns a *Violation,
// with what was seen until then, or an error of the world.
func (k Check) Exhaustive() (r *Report, err error) {
	for faults := 0; faults <= k.MaxFaults; faults++ {
		for _, deviations := range k.steps() {
			b := k
			b.MaxFaults, b.Deviations = faults, deviations
			if r, err = b.search(true); err != nil || r.stopped {
				return r, err
			}
		}
	}
	return r, err
}

// Cover searches everything within the bounds in one pass: what it finds is not minimal,
// and what it covers it has seen once.
func (k Check) Cover() (*Report, error) { return k.search(true) }

// steps returns how many deviations are allowed, one time after the other.
func (k *Check) steps() []int {
	if k.Deviations < 0 {
		return []int{0, 1, -1}
	}
	list := make([]int, k.Deviations+1)
	for i := range list {
		list[i] = i
	}
	return list
}

// search runs through everything within the bounds once.
func (k *Check) search(recognise bool) (*Report, error) {
	r, err := k.newRun()
	if err != nil {
		return nil, err
	}
	if recognise {
		r.seen = map[uint64][]budget{}
	}
	root, err := r.begin()
	if err == nil {
		err = r.visit(root)
	}
	r.report.Covered = err == nil && !r.full && r.report.Cut == 0
	if err == nil {
		if name := model.Vacuous(k.Properties, r.reached); name != "" {
			return &r.report, fmt.Errorf("explore: %s is never reached", name)
		}
	}
	return &r.report, err
}

// command gives the next command, if there is one.
func (r *run) command(n *node) error {
	if n.commands == len(r.script) {
		return nil
	}
	o := r.script[n.commands]
	n.commands++
	err := r.commands.Do(n.cluster, o)
	if err != nil && !model.IsAnswer(err) {
		return fmt.Errorf("explore: %s: %w", o, err)
	}
	if err == nil {
		r.reach(o)
	}
	return nil
}

// reach notes that an operation did something.
func (r *run) reach(o model.Operation) {
	if name := o.String(); !slices.Contains(r.report.Reached, name) {
		r.report.Reached = append(r.report.Reached, name)
	}
}

// isSeen reports whether a state was visited with no less left, and takes it down.
func (r *run) isSeen(n *node) bool {
	if r.seen == nil {
		return false
	}
	key := n.cluster.ExactHash() ^ n.judge.Hash(n.cluster) ^ uint64(n.commands)<<56
	known := r.seen[key]
	b := budget{n.deviations, n.faults}
	if r.check.Deviations < 0 {
		b.deviations = 0
	}
	for _, k := range known {
		if k.deviations <= b.deviations && k.faults <= b.faults {
			return true
		}
	}
	r.seen[key] = append(known, b)
	return false
}

// visit goes on from a state in all ways that there are. The node is its own.
func (r *run) visit(n *node) error {
	r.report.Depth = max(r.report.Depth, n.depth)
	if r.isSeen(n) {
		r.report.Pruned++
		return nil
	}
	r.report.States++
	if limit := r.check.MaxStates; r.report.States >= max(limit, 1) && limit > 0 || r.report.States >= 1_000_000 && limit == 0 {
		r.full = true
	}
	if stop := r.check.Stop; stop != nil && r.report.States%1000 == 0 && !r.full && stop(&r.report) {
		r.full, r.report.stopped = true, true
	}
	choices, err := r.enabled(n)
	if err != nil {
		return err
	}
	if len(choices) == 0 {
		return nil
	}
	if limit := r.check.MaxDepth; n.depth >= limit && limit > 0 || n.depth >= 10_000 {
		r.report.Cut++
		return nil
	}
	for i, c := range choices {
		if r.full {
			r.report.Left += len(choices) - i
			return nil
		}
		next := n.child()
		if i+1 < len(choices) {
			next.cluster = n.cluster.Fork()
		} else if n.judge.Steps() {
			next.cluster = n.cluster.Fork()
		} else {
			next.cluster, n.cluster = n.cluster, nil // nobody needs the state any more
		}
		if ok := r.take(next, c, i); !ok {
			continue
		}
		r.report.Transitions++
		if err := r.look(n.cluster, next); err != nil {
			return err
		}
		if err := r.visit(next); err != nil {
			return err
		}
	}
	return nil
}

// choice is what can happen next: an event or a fault.
type choice struct {
	event sim.Event
	fault *model.Operation
}

// take does what was chosen, the ith of what was offered.
func (r *run) take(n *node, c choice, i int) bool {
	if c.fault != nil {
		n.faults++
		n.what = "fault: " + c.fault.String()
		if r.commands.Do(n.cluster, *c.fault) != nil {
			return false
		}
		r.reach(*c.fault)
		return true
	}
	if i > 0 {
		n.deviations++
		n.what = c.event.String()
	}
	n.depth++
	return n.cluster.StepOf(c.event.Seq)
}

// enabled returns what can happen next, the default first. Whoever has nothing to do
// gets the next command, until there is none: then the cluster is at rest.
func (r *run) enabled(n *node) ([]choice, error) {
	for {
		events := r.due(n)
		if len(events) == 0 {
			if err := r.atRest(n); err != nil {
				return nil, err
			}
			if n.commands < len(r.script) {
				if err := r.command(n); err != nil {
					return nil, err
				}
				continue
			}
			r.report.Final[n.cluster.Hash()]++
			return nil, nil
		}
		choices := make([]choice, 0, len(events)+len(r.faults))
		for _, ev := range events {
			choices = append(choices, choice{event: ev})
		}
		if n.deviations == r.check.Deviations {
			choices = choices[:1]
		}
		if n.faults < r.check.MaxFaults {
			for i := range r.faults {
				choices = append(choices, choice{fault: &r.faults[i]})
			}
		}
		return choices, nil
	}
}

// due returns the events that may come next, in their order; none if the cluster is at
// rest. What is about Events alone is run when its turn comes.
func (r *run) due(n *node) []sim.Event {
	for {
		events := n.cluster.Pending()
		busy := false
		for i := range events {
			busy = busy || !events[i].Incidental && !events[i].Background
		}
		if !busy {
			return nil
		}
		if events[0].Incidental {
			n.cluster.Step()
			continue
		}
		end := later(events[0].At, n.cluster.Now()).Add(r.check.Slack)
		list := events[:0]
		for _, ev := range events {
			if ev.At.After(end) {
				break
			}
			if !ev.Incidental {
				list = append(list, ev)
			}
		}
		return list
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Replay runs one schedule, and returns the *Violation that it leads to, or nil. A
// deviation that cannot be taken is an error that names it.
func (k Check) Replay(s Schedule) error {
	return k.one(func(n *node, choices []choice) (int, error) {
		if len(s) == 0 || s[0].After != n.depth {
			return 0, nil
		}
		for i, c := range choices {
			if c.fault != nil && "fault: "+c.fault.String() == s[0].What || c.fault == nil && i > 0 && c.event.String() == s[0].What {
				s = s[1:]
				return i, nil
			}
		}
		return 0, fmt.Errorf("explore: after %d: %s: that cannot happen then", s[0].After, s[0].What)
	})
}

// one makes a single run, and has pick say what happens next.
func (k *Check) one(pick func(n *node, choices []choice) (int, error)) error {
	b := *k
	b.Deviations = -1
	b.MaxFaults = max(k.MaxFaults, len(k.Faults))
	r, err := b.newRun()
	if err != nil {
		return err
	}
	n, err := r.begin()
	if err != nil {
		return err
	}
	limit := k.MaxDepth
	if limit == 0 {
		limit = 10_000
	}
	for n.depth < limit {
		choices, err := r.enabled(n)
		if err != nil || len(choices) == 0 {
			return err
		}
		i, err := pick(n, choices)
		if err != nil {
			return err
		}
		before := n.cluster
		if n.judge.Steps() {
			before = n.cluster.Fork()
		}
		next := n.child()
		next.cluster = n.cluster
		if !r.take(next, choices[i], i) {
			return errors.New("explore: what was chosen cannot happen")
		}
		if err := r.look(before, next); err != nil {
			return err
		}
		n = next
	}
	return fmt.Errorf("explore: no rest after %d events", limit)
}
