package kubelet

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// killing is a container being stopped (killContainer).
type killing struct {
	on        bool
	step      bool        // a step of the sync waits for it
	ordered   bool        // sidecars wait for their turn
	waiting   bool        // for its turn
	signalled bool        // SIGTERM is sent
	until     engine.Time // when the grace period ends
}

// kill begins to stop a container (K16): the preStop hook uses up the grace
// period; a sidecar then waits for its turn; the process gets SIGTERM with the
// rest of the time, but at least 2 s, and SIGKILL when that is over.
func (k *Kubelet) kill(env *controller.Env, p *pod, i int16, grace int64, message string, ordered bool) {
	c := &p.containers[i]
	if message == "" {
		message = "Stopping container " + c.name
	}
	k.noteOn(env, p, c, corev1.EventTypeNormal, "Killing", message)
	c.kill.on, c.kill.ordered = true, ordered
	c.kill.until = env.Now().Add(time.Duration(grace) * time.Second)
	spec := c.spec(p.api)
	if spec.Lifecycle != nil && spec.Lifecycle.PreStop != nil && grace > 0 {
		load := k.load(env, p, i)
		d := load.PreStop
		if s := spec.Lifecycle.PreStop.Sleep; s != nil {
			d = time.Duration(s.Seconds) * time.Second
		}
		k.after(env, p, min(d, time.Duration(grace)*time.Second), engine.Progress, preStopped, i)
		return
	}
	k.killOn(env, p, i, preStopped)
}

// killOn goes on after the preStop hook or after the wait for a turn.
func (k *Kubelet) killOn(env *controller.Env, p *pod, i int16, after timerKind) {
	c := &p.containers[i]
	if !c.kill.on || c.kill.signalled {
		return
	}
	if left := c.kill.until.Sub(env.Now()); after == preStopped && c.kill.ordered && left > 0 && !p.isTurn(i) {
		c.kill.waiting = true
		k.after(env, p, left, engine.Progress, turned, i)
		return
	}
	k.signal(env, p, i)
}

// signal sends SIGTERM.
func (k *Kubelet) signal(env *controller.Env, p *pod, i int16) {
	c := &p.containers[i]
	p.stop(turned, i)
	c.kill.waiting, c.kill.signalled = false, true
	// Grace periods are whole seconds: what a hook took of one is not lost.
	left := max((c.kill.until.Sub(env.Now())+time.Second-1)/time.Second*time.Second, minimumGrace)
	c.kill.until = env.Now().Add(left)
	load := k.load(env, p, i)
	if d := load.StopAfter + span(env, p, "kubelet/stop", k.cfg.Latency.Stop); !load.IgnoreSIGTERM && d < left {
		k.after(env, p, d, engine.Progress, signalled, i)
		return
	}
	k.after(env, p, left, engine.Progress, killed, i)
}

// isTurn reports whether a container may get SIGTERM: a sidecar after every
// container that was started after it (terminationOrdering).
func (p *pod) isTurn(i int16) bool {
	if !p.containers[i].sidecar {
		return true
	}
	for j := int(i) + 1; j < len(p.containers); j++ {
		if c := &p.containers[j]; c.run.running && (!c.init || c.sidecar) {
			return false
		}
	}
	return true
}

// turns has the sidecars go on whose turn it is now.
func (k *Kubelet) turns(env *controller.Env, p *pod) {
	for i := range p.containers[:p.inits] {
		if c := &p.containers[i]; c.kill.waiting && p.isTurn(int16(i)) {
			k.signal(env, p, int16(i))
		}
	}
}

// stopForRestart stops a container of a pod that goes on living, as a step of
// the sync.
func (k *Kubelet) stopForRestart(env *controller.Env, p *pod, a action) bool {
	c := &p.containers[a.container]
	if !c.run.running {
		return false
	}
	seconds := grace(p.api)
	var probe *corev1.Probe
	switch a.why {
	case failedLiveness:
		probe = c.spec(p.api).LivenessProbe
	case failedStartup:
		probe = c.spec(p.api).StartupProbe
	}
	if probe != nil && probe.TerminationGracePeriodSeconds != nil {
		seconds = *probe.TerminationGracePeriodSeconds
	}
	c.kill.step = true
	k.kill(env, p, a.container, seconds, a.message(c), false)
	return c.run.running
}

// stopAll stops all containers of a pod of which nothing is to run any more, as a
// step of the sync, and then its sandbox (killPodWithSyncResult).
func (k *Kubelet) stopAll(env *controller.Env, p *pod) bool {
	for i := range p.containers {
		if c := &p.containers[i]; c.run.running && !c.kill.on {
			c.kill.step = true
			k.kill(env, p, int16(i), grace(p.api), "", true)
		}
	}
	k.turns(env, p)
	if p.isStopping() {
		return true
	}
	if p.sandbox.up {
		p.acted = true
		if r := k.machine(env.World().(*World)).room(p); r != nil {
			env.World().(*World).releaseIP(r)
		}
		p.sandbox.up = false
	}
	return false
}

// isStopping reports whether a step of the sync waits for the end of a container.
func (p *pod) isStopping() bool {
	return slices.ContainsFunc(p.containers, func(c container) bool { return c.kill.on && c.kill.step })
}

// shuffleStops has containers that are to stop in one sync stop in any order, one
// after the other: upstream ranges over a map.
func (k *Kubelet) shuffleStops(env *controller.Env, p *pod) {
	n := 0
	for n < len(p.todo) && p.todo[n].what == stopContainer {
		n++
	}
	for ; n > 1; n-- {
		j := env.Choose("kubelet/stop-order", p.key.String(), n)
		p.todo[j], p.todo[n-1] = p.todo[n-1], p.todo[j]
	}
}

func graceSpan(seconds int64) time.Duration {
	return max(time.Duration(seconds)*time.Second, minimumGrace)
}
