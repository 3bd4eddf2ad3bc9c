package kubelet

import (
	"slices"
	"time"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// timerKind is what a wake-up is for.
type timerKind uint8

const (
	// The runtime's: they run whether the kubelet does or not.
	exitProcess timerKind = iota + 1 // a process ends by itself
	signalled                        // a process ends on SIGTERM
	killed                           // a process is killed
	// The kubelet's.
	preStopped   // a preStop hook has ended, or its time
	turned       // a sidecar waited for its turn to stop for as long as it may
	syncNow      // the pod's worker starts
	relist       // the kubelet looks at the runtime
	mountTry     // a mount is tried
	sandboxUp    // the sandbox is there
	sandboxDown  // the sandbox is gone
	pulled       // a download has ended
	containerUp  // a container is started
	postStarted  // a postStart hook has ended
	unmounted    // all volumes are unmounted
	statusRetry  // a failed status write is repeated
	statusCheck  // somebody else wrote the status
	deadline     // the pod has been active for as long as it may
	resizeCheck  // a claim whose volume has grown is read again
	grown        // a driver has enlarged a file system
	attachTry    // whether a volume is attached is looked at
	mountGivenUp // a sync has waited for its mounts for as long as it may
	probeTick    // … + probeType: a probe is due
)

// timer is a wake-up that a pod awaits. A stale one is not in its list.
type timer struct {
	ticket    uint32    `state:"hashed"`
	what      timerKind `state:"hashed"`
	container int16     `state:"hashed"` // or the volume: mountTry, attachTry, resizeCheck, grown
}

// callKind is what a request is for.
type callKind uint8

const (
	getNode callKind = iota + 1
	getClaim
	getVolume
	getContent
	getEnv
	getPullSecret
	getDriver
	verifyNode
	getAttachment
	patchStatus
	deletePod
	// Of an expansion; expand.go.
	getGrown
	markGrowth
	endGrowth
)

// call is a request whose answer a pod awaits.
type call struct {
	ticket uint32   `state:"hashed"`
	what   callKind `state:"hashed"`
	volume int16    `state:"hashed"` // or the pull secret, for getPullSecret
}

// HashState takes in which wake-up it is, and for what.
func (t *timer) HashState(h *state.Hasher) {
	h.Handle(uint64(t.ticket) | ticketed)
	h.Number(uint64(t.what)<<16 | uint64(uint16(t.container)))
}

// HashState takes in which request it is, and for what.
func (c *call) HashState(h *state.Hasher) {
	h.Handle(uint64(c.ticket) | ticketed)
	h.Number(uint64(c.what)<<16 | uint64(uint16(c.volume)))
}

// at returns the pod that a token or wake-up belongs to, or nil.
func (k *Kubelet) at(arg uint64) *pod {
	if i := int(arg >> 32); i < len(k.slots) {
		return k.slots[i]
	}
	return nil
}

// after wakes a pod after a span; a timer of that kind for that container that
// is pending already is replaced.
func (k *Kubelet) after(env *controller.Env, p *pod, d time.Duration, class engine.Class, what timerKind, container int16) {
	p.stop(what, container)
	k.ticket++
	p.timers = append(p.timers, timer{k.ticket, what, container})
	env.WakeAfter(d, class, uint64(p.slot)<<32|uint64(k.ticket))
}

// call sends a request for a pod.
func (k *Kubelet) call(env *controller.Env, p *pod, c call, req apiserver.Request) {
	k.ticket++
	c.ticket = k.ticket
	p.calls = append(p.calls, c)
	env.Send(uint64(p.slot)<<32|uint64(k.ticket), req)
}

// stop ends a timer.
func (p *pod) stop(what timerKind, container int16) {
	p.timers = slices.DeleteFunc(p.timers, func(t timer) bool { return t.what == what && t.container == container })
}

// pending reports whether a timer runs.
func (p *pod) pending(what timerKind, container int16) bool {
	return slices.ContainsFunc(p.timers, func(t timer) bool { return t.what == what && t.container == container })
}

func (p *pod) takeTimer(ticket uint32) (timer, bool) {
	for i := range p.timers {
		if t := p.timers[i]; t.ticket == ticket {
			p.timers = slices.Delete(p.timers, i, i+1)
			return t, true
		}
	}
	return timer{}, false
}

func (p *pod) takeCall(ticket uint32) (call, bool) {
	for i := range p.calls {
		if c := p.calls[i]; c.ticket == ticket {
			p.calls = slices.Delete(p.calls, i, i+1)
			return c, true
		}
	}
	return call{}, false
}

// isRuntime reports whether a timer is the runtime's.
func (w timerKind) isRuntime() bool { return w <= killed }

// span draws a latency for a pod.
func span(env *controller.Env, p *pod, c engine.Concern, r controller.Range) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	return env.Span(c, p.hash, r)
}

// jitter lengthens a delay (wait.Jitter).
func (k *Kubelet) jitter(env *controller.Env, p *pod, d time.Duration) time.Duration {
	return span(env, p, "kubelet/jitter", controller.Range{Min: d, Max: d + d*time.Duration(k.cfg.Latency.JitterPercent)/100})
}
