package kubelet

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// actionKind is one step of a sync.
type actionKind uint8

const (
	createSandbox actionKind = iota + 1
	planAgain                // the sandbox is new: the containers are planned now
	stopContainer
	startContainer
)

// action is a step with its container. why says what a stopContainer is for.
type action struct {
	what      actionKind
	container int16
	why       stopReason
}

// stopReason is why a container of a living pod is stopped.
type stopReason uint8

const (
	changedSpec stopReason = iota + 1
	failedLiveness
	failedStartup
)

// plan decides what a sync does (computePodActions): the sandbox first; then
// init containers, one after the other; then the containers.
func (k *Kubelet) plan(p *pod, todo []action) []action {
	if !p.seen.up && !p.sandbox.up {
		if p.seen.attempts > 0 && !k.anyStartable(p) {
			return todo // nothing would run in a new one
		}
		return append(todo, action{what: createSandbox}, action{what: planAgain})
	}
	if !p.hasStartedHere() {
		return k.planInits(p, todo)
	}
	for i := range p.containers[:p.inits] {
		if c := &p.containers[i]; c.sidecar {
			todo = k.planContainer(p, int16(i), todo)
		}
	}
	for i := int(p.inits); i < len(p.containers); i++ {
		todo = k.planContainer(p, int16(i), todo)
	}
	return todo
}

// planInits goes through the init containers in order: each has to end, or a
// sidecar to have started, before the next begins (computeInitContainerActions).
func (k *Kubelet) planInits(p *pod, todo []action) []action {
	for i := range p.containers[:p.inits] {
		c := &p.containers[i]
		todo = k.planContainer(p, int16(i), todo)
		done := c.seen.exit != nil && c.seen.exit.code == 0 && !c.seen.running && c.seen.sandbox == p.sandbox.attempts
		if c.sidecar {
			done = c.seen.running && c.isStarted(p.api)
		}
		if !done {
			return todo
		}
	}
	for i := int(p.inits); i < len(p.containers); i++ {
		todo = k.planContainer(p, int16(i), todo)
	}
	return todo
}

// planContainer decides about one container: start it, stop it to start it
// again, or leave it.
func (k *Kubelet) planContainer(p *pod, i int16, todo []action) []action {
	c := &p.containers[i]
	switch {
	case c.seen.id == "" || c.seen.sandbox != p.sandbox.attempts && (c.init || p.mayRestart(c, c.seen.exit.code)):
		return append(todo, action{what: startContainer, container: i})
	case c.seen.running:
		why := stopReason(0)
		switch {
		case c.seen.image.name != c.spec(p.api).Image:
			why = changedSpec
		case c.probes[liveness].failed(c.seen.id):
			why = failedLiveness
		case c.probes[startup].failed(c.seen.id):
			why = failedStartup
		default:
			return todo
		}
		todo = append(todo, action{what: stopContainer, container: i, why: why})
		if why == changedSpec || p.mayRestart(c, 137) {
			todo = append(todo, action{what: startContainer, container: i})
		}
		return todo
	case c.seen.exit != nil && p.mayRestart(c, c.seen.exit.code):
		return append(todo, action{what: startContainer, container: i})
	}
	return todo
}

// mayRestart reports whether a container runs again after it ended
// (ShouldContainerBeRestarted).
func (p *pod) mayRestart(c *container, code int32) bool {
	return p.api.DeletionTimestamp == nil && isRestartable(p.api, c, code) && (!c.init || c.sidecar || code != 0)
}

// hasStarted reports whether a container other than an init container was ever
// created: the pod has been initialized then.
func (p *pod) hasStarted() bool {
	for i := int(p.inits); i < len(p.containers); i++ {
		if p.containers[i].seen.id != "" {
			return true
		}
	}
	return false
}

// hasStartedHere is hasStarted, for the sandbox that is up: in a new one the
// init containers run again.
func (p *pod) hasStartedHere() bool {
	for i := int(p.inits); i < len(p.containers); i++ {
		if c := &p.containers[i]; c.seen.id != "" && c.seen.sandbox == p.sandbox.attempts {
			return true
		}
	}
	return false
}

func (k *Kubelet) anyStartable(p *pod) bool {
	for i := range p.containers {
		c := &p.containers[i]
		if c.run.id == "" || c.run.exit != nil && p.mayRestart(c, c.run.exit.code) {
			return true
		}
	}
	return false
}

// begin starts a step and reports whether it takes time.
func (k *Kubelet) begin(env *controller.Env, p *pod, a action) bool {
	switch a.what {
	case createSandbox:
		if p.sandbox.attempts > 0 {
			k.note(env, p, corev1.EventTypeNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
		}
		k.after(env, p, span(env, p, "kubelet/sandbox", k.cfg.Latency.Sandbox), engine.Progress, sandboxUp, 0)
		return true
	case planAgain:
		p.todo = k.plan(p, append(p.todo[:0], a))
		return false
	case stopContainer:
		return k.stopForRestart(env, p, a)
	case startContainer:
		return k.start(env, p, a.container)
	}
	panic(fmt.Sprintf("kubelet: pod %v: unknown action %+v", p.key, a))
}

// sandboxUp ends the creation of a sandbox: the pod has an address and may
// start containers.
func (k *Kubelet) sandboxUp(env *controller.Env, p *pod) {
	w := env.World().(*World)
	r := k.machine(w).enter(p)
	r.net = k.network()
	ip := r.net.hostIP
	if !p.api.Spec.HostNetwork {
		cidr := k.cfg.PodCIDR
		if cidr == "" && k.node != nil {
			cidr = k.node.Spec.PodCIDR
		}
		addr, ok := w.takeIP(r, cidr, k.cfg.FirstIP)
		if !ok {
			k.note(env, p, corev1.EventTypeWarning, "FailedCreatePodSandBox",
				fmt.Sprintf("Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: no IP addresses available in range set: %s", k.machine(w).ipam.cidr))
			p.failed = true
			p.todo = p.todo[:0]
			k.done(env, p)
			return
		}
		ip = addr.String()
	}
	p.sandbox = sandbox{attempts: p.sandbox.attempts + 1, up: true, ip: ip}
	p.acted = true
	k.sandboxReady(env, p)
	// What ran in an earlier sandbox is over, and all of it runs again.
	k.step(env, p)
}

// sandboxReady writes PodReadyToStartContainers at once, before the images are
// pulled (OnPodSandboxReady). It does so beside the sync: if nothing has to be
// pulled, the next status may overtake it, and one write shows both (observed).
func (k *Kubelet) sandboxReady(env *controller.Env, p *pod) {
	if p.stage != syncing || p.status.last == nil {
		return
	}
	if k.allPresent(env, p) && env.Choose("kubelet/merge-status", p.key.String(), 2) == 1 {
		return
	}
	st := *p.status.last
	st.Conditions = slices.Clone(st.Conditions)
	if c := condition(st.Conditions, corev1.PodReadyToStartContainers); c != nil {
		*c = corev1.PodCondition{Type: c.Type, Status: corev1.ConditionTrue, ObservedGeneration: p.api.Generation}
	}
	stamp(st.Conditions, p.status.last.Conditions, apiserver.Stamp(env.Now()))
	k.setStatus(env, p, st)
}

// hostIP is the node's address.
func (k *Kubelet) hostIP() string {
	if k.cfg.HostIP != "" {
		return k.cfg.HostIP
	}
	if k.node != nil {
		for i := range k.node.Status.Addresses {
			if a := &k.node.Status.Addresses[i]; a.Type == corev1.NodeInternalIP {
				return a.Address
			}
		}
	}
	return "192.0.2.1"
}

// noteOn records an Event about one of a pod's containers.
func (k *Kubelet) noteOn(env *controller.Env, p *pod, c *container, kind, reason, message string) {
	env.Note(controller.Note{About: controller.Part{Object: p.api, FieldPath: c.path}, Type: kind, Reason: reason, Message: message})
}

// note records an Event about a pod.
func (k *Kubelet) note(env *controller.Env, p *pod, kind, reason, message string) {
	env.Note(controller.Note{About: p.api, Type: kind, Reason: reason, Message: message})
}
