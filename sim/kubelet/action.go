package kubelet

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// begin starts a step and reports whether it takes time.
func (k *Kubelet) begin(env *controller.Env, p *pod, a action) bool {
	switch a.what {
	case createSandbox:
		if p.sandbox.attempts > 0 {
			k.note(env, p, corev1.EventTypeNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
		}
		k.after(env, p, span(env, p, "kubelet/sandbox", k.cfg.Latency.Sandbox), engine.Progress, sandboxUp, 0)
		return true
	case stopContainer:
		return k.stopForRestart(env, p, a)
	case stopPod:
		return k.stopAll(env, p)
	case startContainer:
		return k.start(env, p, a)
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
