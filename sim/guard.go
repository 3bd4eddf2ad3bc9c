package sim

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
)

// guard notices calls that come at the wrong moment: those that drive the
// cluster from inside a callback, and those of a second goroutine. It is the
// one place of the front door that needs an atomic operation, and no history
// depends on it: all that it can do is panic.
type guard struct {
	busy int32  // 1 while a call is under way
	call string // that call; "" while none is
	// inside is the callback that the call is in, if any, during which the
	// cluster itself stands still: "OnStep", say.
	inside string
}

// drive begins a call that changes the cluster or moves its clock; done ends
// it. A call inside another one panics.
func (c *Cluster) drive(call string) {
	if !atomic.CompareAndSwapInt32(&c.guard.busy, 0, 1) {
		c.refuse(call)
	}
	c.guard.call = call
}

// look begins a call that reads. It is allowed inside callbacks; in any case
// end(began) ends it.
func (c *Cluster) look(call string) (began bool) {
	if atomic.CompareAndSwapInt32(&c.guard.busy, 0, 1) {
		c.guard.call = call
		return true
	}
	if c.guard.inside == "" && !onOwnStack() {
		c.refuse(call)
	}
	return false
}

// end ends what look began.
func (c *Cluster) end(began bool) {
	if began {
		c.done()
	}
}

// done ends a call, however it ends: a callback may panic or, as
// testing.T.FailNow does, leave the goroutine.
func (c *Cluster) done() {
	c.guard.call, c.guard.inside = "", ""
	atomic.StoreInt32(&c.guard.busy, 0)
}

// isMidEvent reports whether an actor is at work on this goroutine: the only
// moment at which the cluster cannot be copied.
func (c *Cluster) isMidEvent() bool { return c.guard.call != "" && c.guard.inside == "" }

// refuse panics, because of a call inside another one.
func (c *Cluster) refuse(call string) {
	outer, inside := c.guard.call, c.guard.inside
	if !onOwnStack() {
		panic(fmt.Sprintf("sim: %s was called by a second goroutine while %s was under way: a Cluster belongs to one goroutine at a time", call, outer))
	}
	switch method, actor := c.host.Running(); {
	case inside != "":
	case actor != "":
		panic(fmt.Sprintf("sim: %s was called inside %s of %s, during %s: an Actor looks at the cluster through its View and acts through its Env, and a Workload acts on its Files", call, method, actor, outer))
	default:
		inside = "a callback"
	}
	panic(fmt.Sprintf("sim: %s was called inside %s, during %s: a callback may look at the cluster, not drive it; remember what is to be done, and do it when %s has returned", call, inside, outer, outer))
}

// onOwnStack reports whether the call under way is one of this goroutine, which
// then is inside a callback: another method of a Cluster stands further down
// its stack than the one that asks.
func onOwnStack() bool {
	pcs := make([]uintptr, 256)
	const method = "github.com/statefulsim/statefulsim/sim.(*Cluster)."
	calls, within := 0, false
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for {
			f, more := frames.Next()
			// One call is a run of frames of this package: what it uses itself.
			is := strings.HasPrefix(f.Function, method) && !strings.HasSuffix(f.Function, ".onOwnStack")
			switch own := strings.HasPrefix(f.Function, "github.com/statefulsim/statefulsim/sim."); {
			case is && !within:
				if calls++; calls > 1 {
					return true
				}
				within = true
			case !own && f.Function != "":
				within = false
			}
			if !more {
				break
			}
		}
	}
}
