package kubelet

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditions makes the conditions of a status: those of others as the API has
// them, then the kubelet's own, in upstream's order. It returns the old ones if
// they are the same.
func (p *pod) conditions(st *corev1.PodStatus, old []corev1.PodCondition, now metav1.Time) []corev1.PodCondition {
	var few [8]corev1.PodCondition
	list := appendOthers(few[:0], p.api.Status.Conditions, kubeletConditions)
	add := func(t corev1.PodConditionType, ok bool, reason, message string) {
		c := corev1.PodCondition{Type: t, ObservedGeneration: p.api.Generation, Status: corev1.ConditionTrue, Reason: reason, Message: message}
		if !ok {
			c.Status = corev1.ConditionFalse
		}
		list = append(list, c)
	}
	switch {
	case p.seen.up:
		add(corev1.PodReadyToStartContainers, true, "", "")
	case p.seen.attempts == 0:
		add(corev1.PodReadyToStartContainers, false, "PodSandboxNotReady", "no pod sandbox exists")
	default:
		add(corev1.PodReadyToStartContainers, false, "PodSandboxNotReady", "pod sandbox is not ready")
	}
	ok, reason, message := p.initializedCondition(st)
	add(corev1.PodInitialized, ok, reason, message)
	ready, reason, message := p.containersReady(st)
	if gates := p.closedGates(); ready && gates != "" {
		add(corev1.PodReady, false, "ReadinessGatesNotReady", gates)
	} else {
		add(corev1.PodReady, ready, reason, message)
	}
	add(corev1.ContainersReady, ready, reason, message)
	add(corev1.PodScheduled, true, "", "")
	stamp(list, old, now)
	if slices.Equal(list, old) {
		return old
	}
	return slices.Clone(list)
}

// stamp dates the kubelet's own conditions: a status that is what it was keeps
// its time (updateLastTransitionTime).
func stamp(list, old []corev1.PodCondition, now metav1.Time) {
	for i := range list {
		c := &list[i]
		if !isOwned(c.Type) {
			continue
		}
		if was := condition(old, c.Type); was != nil && was.Status == c.Status {
			c.LastTransitionTime = was.LastTransitionTime
		} else {
			c.LastTransitionTime = now
		}
	}
}

// kubeletConditions is how many conditions of its own the kubelet writes.
const kubeletConditions = 5

// appendOthers appends the conditions of others, with room for more after them.
func appendOthers(list, conditions []corev1.PodCondition, more int) []corev1.PodCondition {
	n := 0
	for i := range conditions {
		if !isOwned(conditions[i].Type) {
			n++
		}
	}
	list = slices.Grow(list, n+more)
	for i := range conditions {
		if c := &conditions[i]; !isOwned(c.Type) {
			list = append(list, *c)
		}
	}
	return list
}

// isOwned reports whether only the kubelet writes a condition.
func isOwned(t corev1.PodConditionType) bool {
	switch t {
	case corev1.PodScheduled, corev1.PodReady, corev1.PodInitialized, corev1.ContainersReady,
		corev1.PodReadyToStartContainers, corev1.PodResizeInProgress, corev1.PodResizePending:
		return true
	}
	return false
}

// initializedCondition is Initialized (GeneratePodInitializedCondition).
func (p *pod) initializedCondition(st *corev1.PodStatus) (ok bool, reason, message string) {
	if st.Phase == corev1.PodSucceeded {
		return true, "PodCompleted", ""
	}
	if p.hasStarted() {
		return true, "", ""
	}
	var few [4]string
	incomplete := few[:0]
	for i := range st.InitContainerStatuses {
		s := &st.InitContainerStatuses[i]
		c := p.named(s.Name)
		if done := s.Ready; c.sidecar && !(s.Started != nil && *s.Started) || !c.sidecar && !done {
			incomplete = append(incomplete, s.Name)
		}
	}
	if len(incomplete) > 0 {
		return false, "ContainersNotInitialized", "containers with incomplete status: [" + strings.Join(incomplete, " ") + "]"
	}
	return true, "", ""
}

// containersReady is ContainersReady (GenerateContainersReadyCondition).
func (p *pod) containersReady(st *corev1.PodStatus) (ok bool, reason, message string) {
	switch st.Phase {
	case corev1.PodSucceeded:
		return false, "PodCompleted", ""
	case corev1.PodFailed:
		return false, "PodFailed", ""
	}
	var few [4]string
	unready := few[:0]
	for i := range st.InitContainerStatuses {
		if s := &st.InitContainerStatuses[i]; !s.Ready && p.named(s.Name).sidecar {
			unready = append(unready, s.Name)
		}
	}
	for i := int(p.inits); i < len(p.containers); i++ { // in the order of the spec
		for j := range st.ContainerStatuses {
			if s := &st.ContainerStatuses[j]; s.Name == p.containers[i].name && !s.Ready {
				unready = append(unready, s.Name)
			}
		}
	}
	if len(unready) > 0 {
		return false, "ContainersNotReady", "containers with unready status: [" + strings.Join(unready, " ") + "]"
	}
	return true, "", ""
}

// closedGates says which readiness gates are not open, or "".
func (p *pod) closedGates() string {
	var closed []string
	for i := range p.api.Spec.ReadinessGates {
		t := p.api.Spec.ReadinessGates[i].ConditionType
		switch c := condition(p.api.Status.Conditions, t); {
		case c == nil:
			closed = append(closed, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", string(t)))
		case c.Status != corev1.ConditionTrue:
			closed = append(closed, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", string(t), c.Status))
		}
	}
	return strings.Join(closed, ", ")
}
