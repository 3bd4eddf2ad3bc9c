package kubelet

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// terminate has a pod end with a grace period in seconds. Asked again it can
// only make that shorter (A9, calculateEffectiveGracePeriod).
func (k *Kubelet) terminate(env *controller.Env, p *pod, seconds int64) {
	seconds = max(seconds, 1)
	switch {
	case p.stage == finished:
		k.pushStatus(env, p) // it may be deleted now
	case p.stage >= terminating:
		if seconds < p.grace {
			p.grace = seconds
			k.shorten(env, p)
		}
	default:
		k.enter(p, terminating)
		p.grace = seconds
		if p.mounting { // the wait for mounts is given up, other steps are not
			k.stopMounting(p)
			p.busy = false
		}
		k.requestSync(env, p)
	}
}

// shorten applies a shorter grace period to what is being stopped already.
func (k *Kubelet) shorten(env *controller.Env, p *pod) {
	for i := range p.containers {
		c := &p.containers[i]
		if !c.kill.on {
			continue
		}
		if until := env.Now().Add(graceSpan(p.grace)); until < c.kill.until {
			c.kill.until = until
			switch {
			case !c.kill.signalled && p.pending(preStopped, int16(i)):
				k.after(env, p, until.Sub(env.Now()), engine.Progress, preStopped, int16(i))
			case c.kill.waiting:
				k.after(env, p, until.Sub(env.Now()), engine.Progress, turned, int16(i))
			case c.kill.signalled && p.pending(killed, int16(i)):
				k.after(env, p, until.Sub(env.Now()), engine.Progress, killed, int16(i))
			case c.kill.signalled:
				load := k.load(env, p, int16(i))
				if left := until.Sub(env.Now()); load.StopAfter > left {
					p.stop(signalled, int16(i))
					k.after(env, p, left, engine.Progress, killed, int16(i))
				}
			}
		}
	}
}

// syncTerminating stops what runs (SyncTerminatingPod). The status that it
// writes first shows no more than the new generation: the row that says 1/1
// Terminating a second time.
func (k *Kubelet) syncTerminating(env *controller.Env, p *pod) {
	if p.stage != terminating || p.stopping {
		p.busy = p.stopping
		return
	}
	p.stopping = true
	for i := range p.containers {
		p.containers[i].seen = p.containers[i].run
	}
	p.seen = p.sandbox
	k.setStatus(env, p, k.generate(env, p, false))
	k.stopProbes(p, liveness, startup)
	for i := range p.containers {
		if c := &p.containers[i]; c.run.running && !c.kill.on {
			k.kill(env, p, int16(i), p.grace, "", true)
		}
	}
	k.turns(env, p)
	k.stopped(env, p)
}

// stopped goes on when no container runs any more: the sandbox is stopped.
func (k *Kubelet) stopped(env *controller.Env, p *pod) {
	if !p.stopping || p.pending(sandboxDown, 0) {
		return
	}
	for i := range p.containers {
		if p.containers[i].run.running {
			return
		}
	}
	if p.sandbox.up {
		k.after(env, p, span(env, p, "kubelet/stop-sandbox", k.cfg.Latency.StopSandbox), engine.Progress, sandboxDown, 0)
		return
	}
	k.sandboxDown(env, p)
}

// sandboxDown ends the stop of the containers: the pod's phase is final now
// (K22), and its volumes are unmounted (SyncTerminatedPod).
func (k *Kubelet) sandboxDown(env *controller.Env, p *pod) {
	w := env.World().(*World)
	if r := k.machine(w).room(p); r != nil {
		w.releaseIP(r)
	}
	p.sandbox.up = false
	for i := range p.containers {
		p.containers[i].seen = p.containers[i].run
	}
	p.seen = p.sandbox
	k.setStatus(env, p, k.generate(env, p, true))
	k.stopProbes(p, liveness, startup, readiness)
	k.enter(p, terminated)
	k.after(env, p, span(env, p, "kubelet/unmount", k.cfg.Latency.Unmount), engine.Progress, unmounted, 0)
}

// unmounted ends a pod on its node (TerminatePod): containers that were never
// seen to end count as failed, and the pod may be deleted from the API.
func (k *Kubelet) unmounted(env *controller.Env, p *pod) {
	w := env.World().(*World)
	w.leave(k.machine(w), p)
	k.releaseDisks(env, p.uid)
	k.enter(p, finished)
	p.busy = false
	if p.gone {
		k.forget(env, p)
		return
	}
	last := p.status.last
	n, inits := 0, begun(last.InitContainerStatuses)
	if p.isInitialized(last) {
		n = len(last.ContainerStatuses)
	}
	p.status.finished = true
	if !haveEnded(last.ContainerStatuses[:n]) || !haveEnded(last.InitContainerStatuses[:inits]) ||
		!isTerminal(last.Phase) || last.ObservedGeneration < p.api.Generation {
		st := *last
		st.ContainerStatuses = endAll(st.ContainerStatuses, n)
		st.InitContainerStatuses = endAll(st.InitContainerStatuses, inits)
		if !isTerminal(st.Phase) {
			st.Phase = corev1.PodFailed
		}
		k.setStatus(env, p, st)
	}
	k.retire(env, p)
}

func haveEnded(list []corev1.ContainerStatus) bool {
	return !slices.ContainsFunc(list, func(s corev1.ContainerStatus) bool { return s.State.Terminated == nil })
}

// endAll returns the statuses with the first n of them ended.
func endAll(list []corev1.ContainerStatus, n int) []corev1.ContainerStatus {
	if haveEnded(list[:n]) {
		return list
	}
	list = slices.Clone(list)
	for i := range list[:n] {
		if list[i].State.Terminated == nil {
			list[i].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				Reason: "ContainerStatusUnknown", Message: "The container could not be located when the pod was terminated", ExitCode: 137,
			}}
		}
	}
	return list
}

// begun counts the init containers up to the last one that was ever started, at
// least one (initializedContainers).
func begun(list []corev1.ContainerStatus) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].State.Waiting == nil || list[i].LastTerminationState.Terminated != nil {
			return i + 1
		}
	}
	return min(len(list), 1)
}

// isInitialized reports whether the pod's init containers were ever done
// (hasPodInitialized).
func (p *pod) isInitialized(st *corev1.PodStatus) bool {
	if p.inits == 0 {
		return true
	}
	for i := range st.ContainerStatuses {
		if s := &st.ContainerStatuses[i]; s.LastTerminationState.Terminated != nil || s.State.Waiting == nil {
			return true
		}
	}
	last := &p.containers[p.inits-1]
	if last.sidecar {
		return last.seen.running && last.isStarted(p.api)
	}
	return last.seen.exit != nil && last.seen.exit.code == 0
}
