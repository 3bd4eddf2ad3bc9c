package kubelet

import (
	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// generate makes a pod's status from what the kubelet sees of it
// (generateAPIPodStatus). over says that its containers will not run again.
func (k *Kubelet) generate(env *controller.Env, p *pod, over bool) *corev1.PodStatus {
	old := p.oldStatus()
	st := &corev1.PodStatus{QOSClass: p.api.Status.QOSClass}
	if p.seen.ip != "" {
		st.PodIP, st.PodIPs = p.seen.ip, []corev1.PodIP{{IP: p.seen.ip}}
	}
	for i := range p.containers {
		s := k.containerStatus(p, &p.containers[i], old)
		if p.containers[i].init {
			st.InitContainerStatuses = append(st.InitContainerStatuses, s)
		} else {
			st.ContainerStatuses = append(st.ContainerStatuses, s)
		}
	}
	sortByName(st.ContainerStatuses)
	st.Phase = p.phase(st, over)
	for _, was := range [...]corev1.PodPhase{old.Phase, p.api.Status.Phase} {
		if isTerminal(was) && !isTerminal(st.Phase) {
			st.Phase = was
		}
	}
	if st.Phase == old.Phase {
		st.Reason, st.Message = old.Reason, old.Message
	}
	st.HostIP = k.hostIP()
	st.HostIPs = []corev1.HostIP{{IP: st.HostIP}}
	if p.api.Spec.HostNetwork && st.PodIP == "" {
		st.PodIP, st.PodIPs = st.HostIP, []corev1.PodIP{{IP: st.HostIP}}
	}
	st.Resources = &corev1.ResourceRequirements{}
	if requests := requestsOf(p.api); len(requests) > 0 {
		st.Resources.Requests, st.AllocatedResources = requests, requests
	}
	if limits := limitsOf(p.api); len(limits) > 0 {
		st.Resources.Limits = limits
	}
	st.Conditions = p.conditions(st)
	return st
}

// oldStatus is what the kubelet wrote last, or what the API has.
func (p *pod) oldStatus() *corev1.PodStatus {
	if p.status.last != nil {
		return p.status.last
	}
	return &p.api.Status
}

// limitsOf is requestsOf, for limits.
func limitsOf(obj *corev1.Pod) corev1.ResourceList {
	for i := range obj.Spec.Containers {
		if len(obj.Spec.Containers[i].Resources.Limits) > 0 {
			return resourcehelper.PodLimits(obj, resourcehelper.PodResourcesOptions{})
		}
	}
	return nil
}

// containerStatus makes one container's status (convertToAPIContainerStatuses).
// Containers that were never created wait: for the others of the pod to be
// initialized, or to be created themselves.
func (k *Kubelet) containerStatus(p *pod, c *container, old *corev1.PodStatus) corev1.ContainerStatus {
	spec := c.spec(p.api)
	st := corev1.ContainerStatus{Name: c.name, Image: spec.Image, RestartCount: c.seen.attempt, VolumeMounts: mountsOf(spec)}
	started, ready := c.isStarted(p.api), c.isReady(p.api)
	switch seen := &c.seen; {
	case seen.id == "":
		st.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
		if p.inits > 0 {
			st.State.Waiting.Reason = "PodInitializing"
		}
	default:
		st.Image, st.ImageID, st.ContainerID = seen.image, seen.imageID, "containerd://"+seen.id
		resources := spec.Resources // its lists are immutable, and shared
		st.Resources, st.AllocatedResources = &resources, spec.Resources.Requests
		if seen.last != nil {
			st.LastTerminationState.Terminated = seen.last.terminated()
		}
		if seen.running {
			at := apiserver.Stamp(seen.started)
			st.State.Running = &corev1.ContainerStateRunning{StartedAt: at}
		} else {
			st.State.Terminated = seen.exit.terminated()
		}
		if c.init && !c.sidecar {
			ready = !seen.running && seen.exit.code == 0
		}
	}
	st.Started, st.Ready = &started, ready
	if c.reason != "" && !c.seen.running && (c.seen.id == "" || p.mayRestart(c, c.seen.exit.code)) && p.api.DeletionTimestamp == nil {
		if st.State.Terminated != nil {
			st.LastTerminationState = st.State
		}
		st.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: c.reason, Message: c.message}}
	}
	return st
}

func (e *exit) terminated() *corev1.ContainerStateTerminated {
	t := &corev1.ContainerStateTerminated{
		ExitCode: e.code, Reason: e.reason, Message: e.message,
		StartedAt: apiserver.Stamp(e.started), FinishedAt: apiserver.Stamp(e.stopped),
	}
	if e.id != "" {
		t.ContainerID = "containerd://" + e.id
	}
	return t
}

func mountsOf(spec *corev1.Container) []corev1.VolumeMountStatus {
	if len(spec.VolumeMounts) == 0 {
		return nil
	}
	list := make([]corev1.VolumeMountStatus, len(spec.VolumeMounts))
	for i := range spec.VolumeMounts {
		m := &spec.VolumeMounts[i]
		list[i] = corev1.VolumeMountStatus{Name: m.Name, MountPath: m.MountPath, ReadOnly: m.ReadOnly}
		if m.ReadOnly {
			mode := corev1.RecursiveReadOnlyDisabled
			list[i].RecursiveReadOnly = &mode
		}
	}
	return list
}

// sortByName orders container statuses as the kubelet does, by name; there are
// few, and mostly one.
func sortByName(list []corev1.ContainerStatus) {
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j].Name < list[j-1].Name; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}
