package kubelet

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// generate makes a pod's status from what the kubelet sees of it
// (generateAPIPodStatus). over says that its containers will not run again.
func (k *Kubelet) generate(env *controller.Env, p *pod, over bool) (st corev1.PodStatus) {
	old := p.oldStatus()
	st.QOSClass = p.api.Status.QOSClass
	if p.seen.ip != "" {
		st.PodIP, st.PodIPs = p.seen.ip, old.PodIPs
		if len(old.PodIPs) != 1 || old.PodIPs[0].IP != p.seen.ip {
			st.PodIPs = []corev1.PodIP{{IP: p.seen.ip}}
		}
	}
	st.InitContainerStatuses = p.containerStatuses(p.containers[:p.inits], old.InitContainerStatuses)
	st.ContainerStatuses = p.containerStatuses(p.containers[p.inits:], old.ContainerStatuses)
	st.Phase = p.phase(&st, over)
	overdue := k.isOverdue(env, p)
	if overdue {
		st.Phase = corev1.PodFailed
	}
	for _, was := range [...]corev1.PodPhase{old.Phase, p.api.Status.Phase} {
		if isTerminal(was) && !isTerminal(st.Phase) {
			st.Phase = was
		}
	}
	if st.Phase == old.Phase {
		st.Reason, st.Message = old.Reason, old.Message
	}
	if overdue {
		st.Reason, st.Message = "DeadlineExceeded", "Pod was active on the node longer than the specified deadline"
		k.note(env, p, corev1.EventTypeNormal, st.Reason, st.Message)
	}
	st.HostIP = k.hostIP()
	if len(k.hostIPs) != 1 || k.hostIPs[0].IP != st.HostIP {
		k.hostIPs = []corev1.HostIP{{IP: st.HostIP}}
	}
	st.HostIPs = k.hostIPs
	if p.api.Spec.HostNetwork && st.PodIP == "" {
		st.PodIP, st.PodIPs = st.HostIP, []corev1.PodIP{{IP: st.HostIP}}
	}
	if p.status.last != nil && old.Resources != nil && old.ObservedGeneration == p.api.Generation {
		st.Resources, st.AllocatedResources = old.Resources, old.AllocatedResources // the spec is the same
	} else {
		p.resources(&st)
	}
	st.Conditions = p.conditions(&st, old.Conditions, apiserver.Stamp(env.Now()))
	return st
}

// isOverdue reports whether a pod has been active for longer than it may
// (activeDeadlineHandler), and sets the alarm if it has not yet.
func (k *Kubelet) isOverdue(env *controller.Env, p *pod) bool {
	start := p.oldStatus().StartTime
	if p.api.Spec.ActiveDeadlineSeconds == nil || start == nil {
		return false
	}
	at := apiserver.VirtualTime(start.Time).Add(time.Duration(*p.api.Spec.ActiveDeadlineSeconds) * time.Second)
	if env.Now() >= at {
		return true
	}
	if p.stage == syncing {
		k.after(env, p, at.Sub(env.Now()), engine.Progress, deadline, 0)
	}
	return false
}

// resources fills in what a status says of the pod's own resources.
func (p *pod) resources(st *corev1.PodStatus) {
	st.Resources = &corev1.ResourceRequirements{}
	if requests := requestsOf(p.api); len(requests) > 0 {
		st.Resources.Requests, st.AllocatedResources = requests, requests
	}
	if limits := limitsOf(p.api); len(limits) > 0 {
		st.Resources.Limits = limits
	}
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

// statusOf returns a container's status, or one that says nothing.
func statusOf(list []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return &corev1.ContainerStatus{}
}

// containerStatuses makes the statuses of containers: of init containers in their
// order, of others by name. It returns the old ones if they are the same.
func (p *pod) containerStatuses(containers []container, old []corev1.ContainerStatus) []corev1.ContainerStatus {
	var few [3]corev1.ContainerStatus
	list := few[:0]
	for i := range containers {
		c := &containers[i]
		list = append(list, corev1.ContainerStatus{})
		p.containerStatus(c, statusOf(old, c.name), &list[i])
	}
	if len(containers) > 0 && !containers[0].init {
		sortByName(list)
	}
	if p.status.last != nil && slices.EqualFunc(list, old, isSame) { // what others wrote may say more
		return old
	}
	return slices.Clone(list)
}

// isSame reports whether two statuses that the kubelet made of a container are
// the same. What they take from the spec is if they show the same resources of it.
func isSame(a, b corev1.ContainerStatus) bool {
	return a.Name == b.Name && a.Ready == b.Ready && a.RestartCount == b.RestartCount && a.Image == b.Image && a.ImageID == b.ImageID &&
		a.ContainerID == b.ContainerID && a.Started == b.Started && a.Resources == b.Resources && shared.List(a.VolumeMounts, b.VolumeMounts) &&
		isSameState(&a.State, &b.State) && isSameState(&a.LastTerminationState, &b.LastTerminationState)
}

func isSameState(a, b *corev1.ContainerState) bool {
	return *a == *b || a.Waiting != nil && b.Waiting != nil && *a.Waiting == *b.Waiting
}

// containerStatus makes one container's status (convertToAPIContainerStatuses),
// which shares with the old one what has not changed. Containers that were never
// created wait: for the others of the pod to be initialized, or to be created
// themselves.
func (p *pod) containerStatus(c *container, old, st *corev1.ContainerStatus) {
	spec := c.spec(p.api)
	st.Name, st.Image, st.RestartCount, st.VolumeMounts = c.name, spec.Image, c.seen.attempt, old.VolumeMounts
	if st.VolumeMounts == nil {
		st.VolumeMounts = mountsOf(spec) // they never change
	}
	started, ready := c.isStarted(p.api), c.isReady(p.api)
	switch seen := &c.seen; {
	case seen.id == "":
		st.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
		if p.inits > 0 {
			st.State.Waiting.Reason = "PodInitializing"
		}
	default:
		st.Image, st.ImageID, st.ContainerID = seen.image.name, seen.image.id, seen.id
		st.Resources, st.AllocatedResources = &spec.Resources, spec.Resources.Requests
		if seen.last != nil {
			st.LastTerminationState.Terminated = seen.last.state
		}
		if !seen.running {
			st.State.Terminated = seen.exit.state
		} else if at := apiserver.Stamp(seen.started); old.State.Running != nil && old.State.Running.StartedAt == at {
			st.State.Running = old.State.Running
		} else {
			st.State.Running = &corev1.ContainerStateRunning{StartedAt: at}
		}
		if c.init && !c.sidecar {
			ready = !seen.running && seen.exit.code == 0
		}
	}
	if st.Ready, st.Started = ready, old.Started; old.Started == nil || *old.Started != started {
		st.Started = new(bool)
		*st.Started = started
	}
	if c.reason != "" && !c.seen.running && (c.seen.id == "" || p.mayRestart(c, c.seen.exit.code)) && p.api.DeletionTimestamp == nil {
		if st.State.Terminated != nil {
			st.LastTerminationState = st.State
		}
		st.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: c.reason, Message: c.message}}
	}
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
