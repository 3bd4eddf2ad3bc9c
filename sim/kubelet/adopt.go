package kubelet

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Reader reads an object of the API as it is now; nil if there is none.
type Reader func(apiserver.Kind, apiserver.Key) apiserver.Object

// Adopt has a kubelet that is new go on with pods of its node as their statuses
// say that they are: containers that run have processes, sandboxes their
// addresses, those that wait for their back-off go on waiting. Files that the
// containers have written are not known. The pods come in the order of the slice.
//
// Deviation: what only the kubelet's memory held is guessed. A container has
// been restarted without a pause as long as a back-off is forgotten after; a
// probe that made a container ready has succeeded as often as it had to.
func (k *Kubelet) Adopt(env *controller.Env, pods []*corev1.Pod, read Reader) {
	w := env.World().(*World)
	if lease, ok := read(apiserver.Lease, LeaseKey(k.cfg.Node)).(*coordinationv1.Lease); ok && lease.Spec.RenewTime != nil {
		k.machine(w).pulse.begin(env, engine.KeyOf(k.cfg.Node), min(apiserver.VirtualTime(lease.Spec.RenewTime.Time), env.Now()))
	}
	for _, obj := range pods {
		p := newPod(obj)
		p.slot = int32(len(k.slots))
		k.slots = append(k.slots, p)
		k.byUID[obj.UID] = p.slot
		if !isTerminal(obj.Status.Phase) {
			k.takeOver(env, w, p, read)
			k.adoptDisks(p, read)
		}
		if obj.DeletionTimestamp != nil { // the machine is at it since it was asked
			left := apiserver.VirtualTime(obj.DeletionTimestamp.Time).Sub(env.Now())
			k.terminate(env, p, min(int64(left/time.Second), graceOf(obj)))
			continue
		}
		k.receive(env, p)
	}
}

// takeOver makes what a pod's status says true on the machine.
func (k *Kubelet) takeOver(env *controller.Env, w *World, p *pod, read Reader) {
	st := &p.api.Status
	for _, list := range [...][]corev1.ContainerStatus{st.InitContainerStatuses, st.ContainerStatuses} {
		for i := range list {
			for j := range p.containers {
				if c := &p.containers[j]; c.name == list[i].Name {
					k.takeOverContainer(env, w, p, int16(j), &list[i], read)
				}
			}
		}
	}
	p.sandbox.up = p.hasRunning() || isTrue(condition(st.Conditions, corev1.PodReadyToStartContainers))
	if p.sandbox.up || p.hasRun() {
		p.sandbox.attempts = 1
	}
	if p.sandbox.up {
		p.sandbox.ip = st.PodIP
		k.house(env, w, p)
	}
	p.seen = p.sandbox
}

// house gives a pod its room with its address and its processes.
func (k *Kubelet) house(env *controller.Env, w *World, p *pod) {
	r := k.machine(w).enter(p)
	r.net = k.network()
	if ip, err := netip.ParseAddr(p.sandbox.ip); err == nil && !p.api.Spec.HostNetwork {
		w.holdIP(r, ip, k.cfg.PodCIDR, k.cfg.FirstIP)
	}
	for i := range p.containers {
		c := &p.containers[i]
		if !c.run.running {
			continue
		}
		spec := c.spec(p.api)
		r.procs = append(r.procs, process{id: strings.TrimPrefix(c.run.id, scheme), since: c.run.started, spec: spec, env: c.env})
		load := w.workload(spec.Image)
		d, ok := load.exits()
		if !ok && !c.init && isOfJob(p.api) {
			d, ok = jobSpan, true
		}
		if ok {
			class := engine.Retry
			if p.api.Spec.RestartPolicy != corev1.RestartPolicyAlways || c.init && !c.sidecar {
				class = engine.Progress
			}
			k.after(env, p, max(c.run.started.Add(d).Sub(env.Now()), 0), class, exitProcess, int16(i))
		}
	}
}

// takeOverContainer makes a container's status its run, or the end of one.
func (k *Kubelet) takeOverContainer(env *controller.Env, w *World, p *pod, i int16, st *corev1.ContainerStatus, read Reader) {
	c := &p.containers[i]
	spec := c.spec(p.api)
	pulled := *w.image(spec.Image)
	pulled.name, pulled.id = st.Image, st.ImageID
	now := run{id: st.ContainerID, attempt: st.RestartCount, sandbox: 1, image: &pulled, last: endOf(st.LastTerminationState.Terminated)}
	switch s := &st.State; {
	case s.Running != nil:
		now.running, now.started = true, apiserver.VirtualTime(s.Running.StartedAt.Time)
	case s.Terminated != nil:
		now.started, now.exit = apiserver.VirtualTime(s.Terminated.StartedAt.Time), endOf(s.Terminated)
	case now.last != nil: // it waits after the end of its latest run
		now.started, now.exit, now.last = apiserver.VirtualTime(now.last.state.StartedAt.Time), now.last, nil
		c.reason, c.message = s.Waiting.Reason, s.Waiting.Message
	default:
		if s.Waiting != nil && s.Waiting.Reason != "ContainerCreating" && s.Waiting.Reason != "PodInitializing" {
			c.reason, c.message = s.Waiting.Reason, s.Waiting.Message
		}
		return
	}
	c.run, c.seen = now, now
	if now.attempt > 0 {
		c.backoff = backoff{of: spec.Image, delay: restartDelay(now.attempt, c.message), updated: now.started}
	}
	if now.image.full != "" {
		w.AddImage(k.cfg.Node, spec.Image)
		k.machine(w).use(now.image.full, env.Now())
	}
	for t := range probeType(probeTypes) {
		if known := t == startup && st.Started != nil && *st.Started || t == readiness && st.Ready || t == liveness; known && now.running {
			c.probes[t].id, c.probes[t].value, c.probes[t].last = now.id, success, success
		}
	}
	refs := envRefs(spec)
	got := make([]apiserver.Object, len(refs))
	for n, r := range refs {
		got[n] = read(r.kind, apiserver.Key{Namespace: p.key.Namespace, Name: r.name})
	}
	c.env, _ = k.environment(p, spec, refs, got) // what is gone since then is not known
}

// endOf is how a container ended, by its status; nil if it has not.
func endOf(st *corev1.ContainerStateTerminated) *exit {
	if st == nil {
		return nil
	}
	return &exit{code: st.ExitCode, reason: st.Reason, message: st.Message, stopped: apiserver.VirtualTime(st.FinishedAt.Time), state: st}
}

// restartDelay is the back-off of a container after a number of restarts: what
// its message says, or what it is if they came in a row.
func restartDelay(restarts int32, message string) time.Duration {
	var text string
	if _, err := fmt.Sscanf(message, "back-off %s restarting", &text); err == nil {
		if d, err := time.ParseDuration(text); err == nil && d > 0 {
			return min(d, backoffMax)
		}
	}
	return min(backoffBase<<min(restarts-1, 10), backoffMax)
}

func (p *pod) hasRunning() bool {
	for i := range p.containers {
		if p.containers[i].run.running {
			return true
		}
	}
	return false
}

func isTrue(c *corev1.PodCondition) bool { return c != nil && c.Status == corev1.ConditionTrue }
