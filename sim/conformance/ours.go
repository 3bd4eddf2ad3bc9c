package conformance

import (
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Outcome is all that can be seen of one sync.
type Outcome struct {
	Calls  []Call
	Events []Event
	Err    error
	After  time.Duration // the set is looked at again after this span
	Again  error         // what keeps the next sync from starting as long as the view stays as it is
}

// Event is an Event that was recorded.
type Event struct{ About, Type, Reason, Message string }

// ours lets our controller do one sync.
func (c *cluster) ours() Outcome {
	w := newWire(func(req apiserver.Request) apiserver.Result { return c.host.Do(Name, req) }, c.state)
	o := drive(c.ctl(), c.view, key, w)
	o.Calls = w.calls
	if err := begin(c.ctl(), c.view, key).Err; err != nil && strings.HasPrefix(err.Error(), "read version: ") {
		o.Again = err
	}
	return o
}

// begin does the first step of a sync.
func begin[M any](m controller.Machine[apiserver.Key, M], v controller.View, key apiserver.Key) controller.Plan {
	var memo M
	plan, _ := m.Step(v, key, memo, nil)
	return plan
}

// drive executes one sync as controller.Workers does, except that its requests
// are answered at once and conflicts without a pause: it steps the machine,
// sends every chain up to its first failure, and steps it again, to the end.
func drive[M any](m controller.Machine[apiserver.Key, M], v controller.View, key apiserver.Key, w *wire) Outcome {
	const maxSteps = 10_000
	var o Outcome
	var memo M
	var results [][]apiserver.Result
	for range maxSteps {
		var plan controller.Plan
		plan, memo = m.Step(v, key, memo, results)
		for _, n := range plan.Notes {
			o.Events = append(o.Events, Event{string(n.About.GetUID()), n.Type, n.Reason, n.Message})
		}
		results = make([][]apiserver.Result, len(plan.Chains))
		sent := false
		for i, chain := range plan.Chains {
			for _, req := range chain {
				res := w.do(req)
				results[i] = append(results[i], res)
				sent = true
				if res.Err != nil {
					break
				}
			}
		}
		if !sent {
			o.Err, o.After = plan.Err, plan.After
			return o
		}
	}
	panic("conformance: a sync does not end")
}
