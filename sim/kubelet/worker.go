package kubelet

import (
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// requestSync has the pod's worker run, once more if it is at it.
func (k *Kubelet) requestSync(env *controller.Env, p *pod) {
	switch {
	case p.busy:
		p.again = true
	case !p.queued:
		p.queued = true
		k.after(env, p, span(env, p, "kubelet/sync", k.cfg.Latency.Sync), engine.Progress, syncNow, 0)
	case p.pending(syncNow, 0): // perhaps a retry far off: now
		k.after(env, p, span(env, p, "kubelet/sync", k.cfg.Latency.Sync), engine.Progress, syncNow, 0)
	}
}

// sync is one run of a pod's worker (podWorkerLoop). Its end is done.
func (k *Kubelet) sync(env *controller.Env, p *pod) {
	if p.acted && p.stage == syncing && p.pending(relist, 0) {
		p.awaits = true // what the last sync did is not seen yet (GetNewerThan)
		return
	}
	p.busy, p.again, p.twice, p.awaits = true, p.twice, false, false
	p.failed, p.acted, p.expiry, p.secrets = false, false, 0, pullSecrets{}
	if p.stage >= terminating {
		k.syncTerminating(env, p)
		return
	}
	st := k.generate(env, p, false)
	k.setStatus(env, p, st)
	if isTerminal(st.Phase) { // every container has ended for good (K22)
		p.busy = false
		k.terminate(env, p, grace(p.api))
		return
	}
	if !p.mounted {
		k.startMounts(env, p)
		return
	}
	k.syncContainers(env, p)
}

// syncContainers does what brings the pod's containers closer to the spec
// (kuberuntime's SyncPod).
func (k *Kubelet) syncContainers(env *controller.Env, p *pod) {
	k.startProbes(env, p)
	p.todo = p.plan(p.todo[:0])
	k.shuffleStops(env, p)
	k.next(env, p)
}

// next starts the next step of the sync, or ends it.
func (k *Kubelet) next(env *controller.Env, p *pod) {
	for len(p.todo) > 0 {
		if p.stage != syncing {
			p.todo = p.todo[:0] // the pod is to end: nothing new begins
			break
		}
		a := p.todo[0]
		if k.begin(env, p, a) {
			return // the step's end calls step
		}
		p.todo = p.todo[1:]
	}
	k.done(env, p)
}

// step ends the current step and goes on to the next.
func (k *Kubelet) step(env *controller.Env, p *pod) {
	if len(p.todo) > 0 {
		p.todo = p.todo[1:]
	}
	k.next(env, p)
}

// done ends a sync (completeWork): if it failed it is tried again, when the
// first back-off ends or after 10 s, but within 60 s; if it did something, the
// kubelet looks at the runtime.
func (k *Kubelet) done(env *controller.Env, p *pod) {
	p.busy = false
	k.missPullSecrets(env, p)
	p.secrets = pullSecrets{}
	switch {
	case p.acted && !p.failed:
		k.relistSoon(env, p)
	case p.acted:
		k.notice(env, p)
	}
	switch {
	case p.stage >= terminating:
		k.requestSync(env, p)
	case p.again:
		k.requestSync(env, p)
	case p.failed && !p.queued:
		d := retryPeriod
		if p.expiry > 0 {
			d = min(max(p.expiry.Sub(env.Now()), 0), resyncPeriod)
		}
		p.queued = true
		k.after(env, p, k.jitter(env, p, d), engine.Retry, syncNow, 0)
	}
}

// relistSoon has the kubelet look at the runtime because it did something
// itself (RequestPodRelist).
func (k *Kubelet) relistSoon(env *controller.Env, p *pod) {
	k.after(env, p, span(env, p, "kubelet/relist", k.cfg.Latency.Relist), engine.Progress, relist, 0)
}

// notice has the kubelet look at the runtime because something happened there,
// when PLEG comes by (K21).
func (k *Kubelet) notice(env *controller.Env, p *pod) {
	if p.stage < terminating && !p.pending(relist, 0) && !k.down {
		k.after(env, p, span(env, p, "kubelet/notice", k.cfg.Latency.Notice), engine.Progress, relist, 0)
	}
}

// relist takes over what the runtime says. Each container that came or went
// gives one event, and each event one sync: one that did both has the worker
// run twice (PLEG's ContainerStarted and ContainerDied).
func (k *Kubelet) relist(env *controller.Env, p *pod) {
	if p.stage >= terminating {
		return // the end of the pod reads the runtime itself
	}
	events := 0
	if p.awaits {
		p.awaits, events = false, 1
	}
	if p.seen != p.sandbox {
		events = 1
	}
	for i := range p.containers {
		c := &p.containers[i]
		if c.run.id != c.seen.id {
			events = max(events, 1)
			if !c.run.running {
				events = 2
			}
		} else if c.run.running != c.seen.running {
			events = max(events, 1)
		}
		c.seen = c.run
	}
	p.seen = p.sandbox
	if events > 0 {
		k.requestSync(env, p)
	}
	if events > 1 {
		p.twice = true
	}
}
