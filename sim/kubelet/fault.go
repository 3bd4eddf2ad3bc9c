package kubelet

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Probe names a kind of probe, for FailProbe.
type Probe uint8

// The probes.
const (
	Startup   = Probe(startup)
	Readiness = Probe(readiness)
	Liveness  = Probe(liveness)
)

// Stop ends the kubelet process. What runs on the machine runs on (N5); nobody
// restarts it or says how it fares.
func (k *Kubelet) Stop(env *controller.Env) {
	if k.down {
		return
	}
	k.stopPulse(env)
	k.down = true
	k.listed = map[types.UID]*corev1.Pod{}
	for _, p := range k.slots { // a map from a list
		if p == nil {
			continue
		}
		if !p.gone {
			k.listed[p.uid] = p.api
		}
		p.timers = slices.DeleteFunc(p.timers, func(t timer) bool { return !t.what.isRuntime() })
		p.calls = slices.DeleteFunc(p.calls, func(c call) bool { return c.what != patchStatus })
		p.todo, p.fetched = nil, nil
		p.queued, p.busy, p.again, p.twice, p.awaits, p.mounting, p.stopping = false, false, false, false, false, false, false
		p.status.inFlight, p.mountsUntil = false, 0
		for i := range p.volumes {
			if m := &p.volumes[i]; !m.done {
				m.attach = unattached
			}
		}
		for i := range p.containers {
			c := &p.containers[i]
			if c.kill.step = false; !c.kill.signalled {
				c.kill = killing{}
			}
		}
	}
}

// Disconnect cuts the kubelet off from the API server: what runs runs on and is
// restarted, nothing is reported. The host must keep its requests and watches
// from it (Host.Cut).
func (k *Kubelet) Disconnect(env *controller.Env) {
	k.stopPulse(env)
	k.self.cut = true
}

// Reconnect ends Disconnect: the Lease is renewed and what was not reported is
// written, each when it is tried again next.
func (k *Kubelet) Reconnect(env *controller.Env) {
	if !k.self.cut {
		return
	}
	k.self.cut = false
	if k.down {
		return
	}
	if !k.self.registered {
		k.nodeAfter(env, env.Span("kubelet/lease-tick", engine.KeyOf(k.cfg.Node), controller.Range{Max: ensureBackoff}), engine.Progress, register)
	} else if k.self.obj != nil {
		k.nodeAfter(env, env.Span("kubelet/lease-tick", engine.KeyOf(k.cfg.Node), controller.Range{Max: ensureBackoff}), engine.Progress, renewLease)
	}
	for _, p := range k.slots { // each for itself
		if p != nil && p.status.last != nil && !p.status.inFlight && (p.status.finished || p.status.sent != p.status.version) {
			k.retryStatus(env, p)
		}
	}
}

// LastLease returns the request that writes down the last renewal of the Lease,
// which is computed until then. It is for what ends the renewals: whoever looks
// for them must find them missing.
func (k *Kubelet) LastLease(env *controller.Env) (req apiserver.Request, ok bool) {
	p := &k.machine(env.World().(*World)).pulse
	if !p.beats || k.self.obj == nil {
		return req, false
	}
	return apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Lease, Key: LeaseKey(k.cfg.Node), Patch: Renewal{p.before(env.Now())}}, true
}

// Crash cuts the machine's power: the kubelet and every process are gone at
// once, mounts and sandboxes too. Images and emptyDirs on disk stay.
func (k *Kubelet) Crash(env *controller.Env) {
	k.Stop(env)
	w := env.World().(*World)
	for _, p := range k.slots { // each pod for itself: order cannot matter
		if p == nil {
			continue
		}
		p.timers = nil
		for i := range p.containers {
			if c := &p.containers[i]; c.run.running {
				c.run.end(exit{code: 255, reason: "Unknown"}, env.Now())
				c.kill = killing{}
			}
		}
		p.sandbox.up = false
		p.mounted = false
		for i := range p.volumes {
			p.volumes[i] = mount{index: p.volumes[i].index, label: p.volumes[i].label}
		}
		if r := k.machine(w).room(p); r != nil {
			r.procs = nil
			w.releaseIP(r)
		}
	}
}

// Restart brings the kubelet back, and the machine if it was off. It lists its
// pods and compares what should run with what does (HandlePodAdditions,
// HandlePodCleanups): back-offs and reasons are forgotten, containers are not.
func (k *Kubelet) Restart(env *controller.Env) {
	if !k.down {
		return
	}
	k.down, k.started, k.pulling = false, env.Now(), 0
	k.boot(env)
	listed := k.listed
	k.listed = nil
	for _, p := range slices.Clone(k.slots) {
		if p == nil {
			continue
		}
		if p.calls = nil; listed[p.uid] != nil {
			continue
		}
		k.forgetMemory(p)
		k.removed(env, p)
	}
	pods := slices.SortedFunc(maps.Values(listed), func(a, b *corev1.Pod) int {
		if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(string(a.UID), string(b.UID))
	})
	for _, obj := range pods {
		i, known := k.byUID[obj.UID]
		if !known {
			k.add(env, obj)
			continue
		}
		p := k.slots[i]
		k.update(p, obj)
		if p.stage == finished || p.stage == rejected {
			k.pushStatus(env, p)
			continue
		}
		k.forgetMemory(p)
		k.receive(env, p)
	}
	k.forgetDisks(env)
}

// Cut reports whether the kubelet is cut off from the API server.
func (k *Kubelet) Cut() bool { return k.self.cut }

// Down reports whether the kubelet process does not run.
func (k *Kubelet) Down() bool { return k.down }

// forgetMemory drops what a kubelet keeps in memory of a pod alone.
func (k *Kubelet) forgetMemory(p *pod) {
	if p.stage == finished || p.stage == rejected {
		return
	}
	k.enter(p, admitting)
	p.status = statusCache{}
	p.image = nil
	p.seen = p.sandbox
	for i := range p.containers {
		c := &p.containers[i]
		c.seen, c.reason, c.message, c.backoff = c.run, "", "", backoff{}
	}
}

// Exit has a container's process end by itself, with an exit code and a reason
// ("OOMKilled"; empty means the usual one).
func (k *Kubelet) Exit(env *controller.Env, pod apiserver.Key, container string, code int32, reason string) error {
	p, i, err := k.find(pod, container)
	if err != nil {
		return err
	}
	if !p.containers[i].run.running {
		return fmt.Errorf("container %q of pod %s does not run", container, pod)
	}
	e := exitOf(code)
	if reason != "" {
		e.reason = reason
	}
	k.exited(env, p, i, e)
	return nil
}

// FailProbe has a probe of a container fail from now on, or lets it be answered
// by the workload again.
func (k *Kubelet) FailProbe(env *controller.Env, pod apiserver.Key, container string, probe Probe, fails bool) error {
	p, i, err := k.find(pod, container)
	if err != nil {
		return err
	}
	switch {
	case int(probe) >= probeTypes:
		return fmt.Errorf("no probe %d: there are Startup, Readiness, Liveness", probe)
	case probeSpec(p.containers[i].spec(p.api), probeType(probe)) == nil:
		return fmt.Errorf("container %q of pod %s has no %s probe", p.containers[i].name, pod, strings.ToLower(probeNames[probe]))
	}
	p.containers[i].probes[probe].broken = fails
	if !k.down && p.stage == syncing {
		p.stop(probeTick+timerKind(probe), i)
		k.planProbes(env, p, i)
	}
	return nil
}

// find returns a pod that is still in the API, by its key; an empty container
// name means the pod's first.
func (k *Kubelet) find(key apiserver.Key, container string) (*pod, int16, error) {
	for _, p := range k.slots { // at most one pod of a name is in the API
		if p == nil || p.key != key || p.gone {
			continue
		}
		if container == "" {
			return p, p.inits, nil
		}
		for i := range p.containers {
			if p.containers[i].name == container {
				return p, int16(i), nil
			}
		}
		return nil, 0, fmt.Errorf("pod %s has no container %q", key, container)
	}
	return nil, 0, fmt.Errorf("pod %s is not on node %s", key, k.cfg.Node)
}
