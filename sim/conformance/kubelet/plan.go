package kubelet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/prober/results"

	ours "github.com/statefulsim/statefulsim/sim/kubelet"
)

// drawPod draws a pod: up to three init containers, some of them sidecars, and up
// to three containers.
func drawPod(r *rand.Rand) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.UID = "p", "default", types.UID("u")
	pod.Spec.RestartPolicy = pick(r, corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever)
	for i := range r.IntN(4) {
		c := drawContainer(r, fmt.Sprintf("i%d", i))
		if r.IntN(2) == 0 {
			c.RestartPolicy, c.RestartPolicyRules = new(corev1.ContainerRestartPolicyAlways), nil
		} else {
			c.LivenessProbe, c.StartupProbe = nil, nil
		}
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
	}
	for i := range 1 + r.IntN(3) {
		pod.Spec.Containers = append(pod.Spec.Containers, drawContainer(r, fmt.Sprintf("c%d", i)))
	}
	return pod
}

func drawContainer(r *rand.Rand, name string) corev1.Container {
	c := corev1.Container{Name: name, Image: "s:1"}
	if r.IntN(3) == 0 {
		c.RestartPolicy = new(pick(r, corev1.ContainerRestartPolicyAlways, corev1.ContainerRestartPolicyOnFailure, corev1.ContainerRestartPolicyNever))
		if r.IntN(2) == 0 {
			c.RestartPolicyRules = []corev1.ContainerRestartRule{{
				Action: corev1.ContainerRestartRuleActionRestart,
				ExitCodes: &corev1.ContainerRestartRuleOnExitCodes{
					Operator: pick(r, corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleOnExitCodesOpNotIn),
					Values:   []int32{int32(1 + r.IntN(2))},
				},
			}}
		}
	}
	if r.IntN(2) == 0 {
		c.LivenessProbe = &corev1.Probe{}
	}
	if r.IntN(3) == 0 {
		c.StartupProbe = &corev1.Probe{}
	}
	return c
}

// drawSeen draws what the runtime has of a pod. Nothing runs without a sandbox.
func drawSeen(r *rand.Rand, pod *corev1.Pod) ours.Seen {
	seen := ours.Seen{Sandboxes: r.IntN(3), Containers: map[string]ours.SeenContainer{}}
	if seen.Sandboxes == 0 {
		return seen
	}
	seen.Up = r.IntN(4) > 0
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if r.IntN(3) == 0 {
				continue
			}
			c := ours.SeenContainer{Running: seen.Up && r.IntN(2) == 0}
			if !c.Running {
				c.ExitCode = int32(r.IntN(3))
				c.Earlier = seen.Sandboxes > 1 && r.IntN(3) == 0
				if r.IntN(8) == 0 {
					c.Reason = "OOMKilled"
				}
			}
			if r.IntN(8) == 0 {
				c.Image = "s:2"
			}
			if list[i].StartupProbe != nil {
				c.Started = r.IntN(2) == 0
				c.StartupFailed = !c.Started && r.IntN(2) == 0
			}
			c.LivenessFailed = list[i].LivenessProbe != nil && r.IntN(3) == 0
			seen.Containers[list[i].Name] = c
		}
	}
	return seen
}

// plan is what upstream does, in the words of ours.Plan, what it stops sorted.
func (m *manager) plan(pod *corev1.Pod, seen ours.Seen) []string {
	status := m.status(pod, seen)
	a := computePodActions(m, context.Background(), pod, status, false)
	if a.killPod && !a.createSandbox {
		return []string{"stop all"}
	}
	var list []string
	if a.createSandbox {
		list = append(list, "sandbox")
	}
	for _, k := range a.kills { // sorted below
		list = append(list, "stop "+k.name+": "+k.message)
	}
	slices.Sort(list)
	for _, i := range a.inits {
		list = append(list, "start "+pod.Spec.InitContainers[i].Name)
	}
	for _, i := range a.containers {
		list = append(list, "start "+pod.Spec.Containers[i].Name)
	}
	return list
}

// status is what is seen, as upstream's cache has it; the results of the probes
// are set.
func (m *manager) status(pod *corev1.Pod, seen ours.Seen) *kubecontainer.PodStatus {
	status := &kubecontainer.PodStatus{ID: pod.UID, Name: pod.Name, Namespace: pod.Namespace}
	for i := seen.Sandboxes - 1; i >= 0; i-- {
		s := &runtimeapi.PodSandboxStatus{
			Id: fmt.Sprint("sandbox", i), Metadata: &runtimeapi.PodSandboxMetadata{Attempt: uint32(i)},
			State: runtimeapi.PodSandboxState_SANDBOX_NOTREADY, Network: &runtimeapi.PodSandboxNetworkStatus{Ip: "10.0.0.1"},
			Linux: &runtimeapi.LinuxPodSandboxStatus{Namespaces: &runtimeapi.Namespace{Options: &runtimeapi.NamespaceOption{Network: runtimeapi.NamespaceMode_POD}}},
		}
		if i == seen.Sandboxes-1 && seen.Up {
			s.State = runtimeapi.PodSandboxState_SANDBOX_READY
		}
		status.SandboxStatuses = append(status.SandboxStatuses, s)
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			c, ok := seen.Containers[list[i].Name]
			if !ok {
				continue
			}
			spec := list[i]
			if c.Image != "" {
				spec.Image = c.Image
			}
			s := &kubecontainer.Status{
				ID:   kubecontainer.ContainerID{Type: "fake", ID: spec.Name},
				Name: spec.Name, State: kubecontainer.ContainerStateRunning, Image: spec.Image, Hash: kubecontainer.HashContainer(&spec),
			}
			if !c.Running {
				s.State, s.ExitCode, s.Reason = kubecontainer.ContainerStateExited, int(c.ExitCode), c.Reason
			}
			status.ContainerStatuses = append(status.ContainerStatuses, s)
			if !c.Earlier {
				status.ActiveContainerStatuses = append(status.ActiveContainerStatuses, s)
			}
			m.probed(pod, s.ID, &list[i], c)
		}
	}
	return status
}

// probed sets what the probes of a container have found.
func (m *manager) probed(pod *corev1.Pod, id kubecontainer.ContainerID, spec *corev1.Container, c ours.SeenContainer) {
	m.liveness.Remove(id)
	m.startup.Remove(id)
	set := func(manager results.Manager, succeeded, failed bool) {
		result := results.Unknown
		switch {
		case failed:
			result = results.Failure
		case succeeded:
			result = results.Success
		}
		manager.Set(id, result, pod)
		select { // nobody else takes in what has changed
		case <-manager.Updates():
		default:
		}
	}
	if spec.LivenessProbe != nil {
		set(m.liveness, true, c.LivenessFailed)
	}
	if spec.StartupProbe != nil {
		set(m.startup, c.Started, c.StartupFailed)
	}
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }
