package registry

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// length is how many calls a sequence draws.
const length = 16

// fresh empties both servers.
func (b *both) fresh() {
	b.upstream.reset()
	b.ours = &ours{apiserver.New(engine.New(engine.Strategy{}), apiserver.Config{})}
}

// step lets time pass and both serve a call. "" means no difference.
func (b *both) step(c *call, seen marks) string {
	time.Sleep(time.Duration(c.After) * time.Second)
	key := c.key()
	was := b.ours.server.Get(c.kind(), key)
	a, diff := b.do(c)
	seen.see(c, a, was, b.ours.server.Get(c.kind(), key))
	return diff
}

// sequence draws calls about a kind and compares the servers after each. It
// returns the calls and the difference after the last, if any.
func (b *both) sequence(seed uint64, kind apiserver.Kind, seen marks) (calls []*call, diff string) {
	b.fresh()
	w := newWorld(seed, kind, b.ours.server)
	for _, c := range w.setUp() {
		calls = append(calls, c)
		if diff := b.step(c, seen); diff != "" {
			return calls, diff
		}
	}
	for range length {
		c := w.next()
		calls = append(calls, c)
		if diff := b.step(c, seen); diff != "" {
			return calls, diff
		}
	}
	return calls, ""
}

// replay does the same with given calls.
func (b *both) replay(calls []*call) string {
	b.fresh()
	for _, c := range calls {
		if diff := b.step(c, marks{}); diff != "" {
			return diff
		}
	}
	return ""
}

// shrink leaves out calls that a difference does not need, each tried once from
// the end.
func (b *both) shrink(calls []*call) []*call {
	for i := len(calls) - 2; i >= 0; i-- {
		fewer := slices.Delete(slices.Clone(calls), i, i+1)
		if b.replay(fewer) != "" {
			calls = fewer
		}
	}
	return calls
}

// lines are calls as text, one a line.
func lines(calls []*call) string {
	var b strings.Builder
	for _, c := range calls {
		fmt.Fprintln(&b, c)
	}
	return b.String()
}
