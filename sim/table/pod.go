package table

import (
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
)

var podColumns = columns("*Name Ready Status Restarts Age +IP +Node +Nominated_Node +Readiness_Gates")

// PodSummary is what the columns READY, STATUS and RESTARTS say of a pod (K23).
type PodSummary struct {
	// Ready of Containers are ready; restartable init containers (sidecars)
	// count, other init containers do not.
	Ready, Containers int
	// Status is one word: the phase, or what keeps the pod from its phase.
	Status string
	// Restarts of all containers that count now: of the init containers while
	// they run, afterwards of the sidecars and the containers.
	Restarts int
	// RestartedAt is the end of the latest restarted container; zero if none
	// is known.
	RestartedAt time.Time
}

// Summarize reads a pod's status as kubectl get shows it (K23, §0.9, printPod).
func Summarize(pod *corev1.Pod) PodSummary {
	s := PodSummary{Containers: len(pod.Spec.Containers), Status: podReason(pod)}
	for i := range pod.Spec.InitContainers {
		if isSidecar(&pod.Spec.InitContainers[i]) {
			s.Containers++
		}
	}
	initializing := s.readInitContainers(pod)
	if !initializing || isConditionTrue(pod, corev1.PodInitialized) {
		s.readContainers(pod)
	}
	if pod.DeletionTimestamp != nil {
		switch {
		case pod.Status.Reason == nodeLost:
			s.Status = "Unknown"
		case !isTerminal(pod):
			s.Status = "Terminating"
		}
	}
	return s
}

// RestartsText is the cell RESTARTS at now, "2 (5s ago)".
func (s PodSummary) RestartsText(now time.Time) string {
	if s.Restarts == 0 || s.RestartedAt.IsZero() {
		return strconv.Itoa(s.Restarts)
	}
	return fmt.Sprintf("%d (%s ago)", s.Restarts, since(s.RestartedAt, now))
}

// ReadyText is the cell READY, "1/2".
func (s PodSummary) ReadyText() string {
	return strconv.Itoa(s.Ready) + "/" + strconv.Itoa(s.Containers)
}

// nodeLost is the reason that the node controller once gave pods of lost nodes.
const nodeLost = "NodeLost"

// podReason is the status before containers are looked at: a closed scheduling
// gate, else the reason in the status, else the phase.
func podReason(pod *corev1.Pod) string {
	for i := range pod.Status.Conditions {
		c := &pod.Status.Conditions[i]
		if c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonSchedulingGated {
			return corev1.PodReasonSchedulingGated
		}
	}
	if pod.Status.Reason != "" {
		return pod.Status.Reason
	}
	return string(pod.Status.Phase)
}

// readInitContainers takes the init containers up to the first that is not
// done, and reports whether there is such a one. A sidecar is done when it has
// started.
func (s *PodSummary) readInitContainers(pod *corev1.Pod) (initializing bool) {
	var sidecars PodSummary // restarts that still count when the pod is initialized
	for i := range pod.Status.InitContainerStatuses {
		c := &pod.Status.InitContainerStatuses[i]
		sidecar := isSidecar(initContainer(pod, c.Name))
		s.countRestarts(c)
		if sidecar {
			sidecars.countRestarts(c)
		}
		ended := c.State.Terminated
		switch {
		case ended != nil && ended.ExitCode == 0:
			continue
		case sidecar && c.Started != nil && *c.Started:
			if c.Ready {
				s.Ready++
			}
			continue
		case ended != nil:
			s.Status = "Init:" + exitReason(ended)
		case c.State.Waiting != nil && c.State.Waiting.Reason != "" && c.State.Waiting.Reason != "PodInitializing":
			s.Status = "Init:" + c.State.Waiting.Reason
		default:
			s.Status = fmt.Sprintf("Init:%d/%d", i, len(pod.Spec.InitContainers))
		}
		initializing = true
		break
	}
	if !initializing || isConditionTrue(pod, corev1.PodInitialized) {
		s.Restarts, s.RestartedAt = sidecars.Restarts, sidecars.RestartedAt
	}
	return initializing
}

// readContainers takes the containers, the last first, so that the first one's
// reason wins. A pod with a completed container is not completed while another
// runs, and not if another failed.
func (s *PodSummary) readContainers(pod *corev1.Pod) {
	running, failure := false, ""
	for i := len(pod.Status.ContainerStatuses) - 1; i >= 0; i-- {
		c := &pod.Status.ContainerStatuses[i]
		s.countRestarts(c)
		switch ended := c.State.Terminated; {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			s.Status = c.State.Waiting.Reason
		case ended != nil:
			s.Status = exitReason(ended)
			if ended.ExitCode != 0 {
				failure = s.Status
			}
		case c.Ready && c.State.Running != nil:
			running = true
			s.Ready++
		}
	}
	if s.Status != "Completed" {
		return
	}
	switch {
	case running && isConditionTrue(pod, corev1.PodReady):
		s.Status = string(corev1.PodRunning)
	case failure != "":
		s.Status = failure
	case running:
		s.Status = "NotReady"
	}
}

func (s *PodSummary) countRestarts(c *corev1.ContainerStatus) {
	s.Restarts += int(c.RestartCount)
	if last := c.LastTerminationState.Terminated; last != nil && last.FinishedAt.After(s.RestartedAt) {
		s.RestartedAt = last.FinishedAt.Time
	}
}

// exitReason is the reason of a container's end, or what stands for it.
func exitReason(ended *corev1.ContainerStateTerminated) string {
	switch {
	case ended.Reason != "":
		return ended.Reason
	case ended.Signal != 0:
		return fmt.Sprintf("Signal:%d", ended.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", ended.ExitCode)
}

// podCells is printPod of the API server (K24).
func podCells(pod *corev1.Pod, now time.Time) []string {
	s := Summarize(pod)
	ip := none
	if len(pod.Status.PodIPs) > 0 {
		ip = orNone(pod.Status.PodIPs[0].IP)
	}
	return []string{
		pod.Name, s.ReadyText(), s.Status, s.RestartsText(now), age(pod.CreationTimestamp, now),
		ip, orNone(pod.Spec.NodeName), orNone(pod.Status.NominatedNodeName), readinessGates(pod),
	}
}

// readinessGates is the cell READINESS GATES, "1/2".
func readinessGates(pod *corev1.Pod) string {
	gates := pod.Spec.ReadinessGates
	if len(gates) == 0 {
		return none
	}
	open := 0
	for _, gate := range gates {
		if isConditionTrue(pod, gate.ConditionType) {
			open++
		}
	}
	return fmt.Sprintf("%d/%d", open, len(gates))
}

func initContainer(pod *corev1.Pod, name string) *corev1.Container {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			return &pod.Spec.InitContainers[i]
		}
	}
	return nil
}

func isSidecar(c *corev1.Container) bool {
	return c != nil && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func isTerminal(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

func isConditionTrue(pod *corev1.Pod, t corev1.PodConditionType) bool {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == t {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}
