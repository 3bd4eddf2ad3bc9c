package plugin

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Pod is a pod with what the plugins want to know of it, computed once. It is
// immutable.
type Pod struct {
	*corev1.Pod
	Priority int32

	request Resource
	nonZero nonZero // on a node
	scored  nonZero // while nodes are scored for it
	ports   []hostPort
	claims  []string // of its volumes, ephemeral ones left out
	*terms           // nil without inter-pod affinity
}

// NewPod prepares a pod for the plugins.
func NewPod(pod *corev1.Pod) *Pod {
	p := &Pod{Pod: pod, ports: portsOf(pod), terms: termsOf(pod)}
	if pod.Spec.Priority != nil {
		p.Priority = *pod.Spec.Priority
	}
	p.request, p.nonZero = requestsOf(pod)
	p.scored = incomingOf(pod, p.nonZero)
	for i := range pod.Spec.Volumes {
		if c := pod.Spec.Volumes[i].PersistentVolumeClaim; c != nil {
			p.claims = append(p.claims, c.ClaimName)
		}
	}
	return p
}

// Renew returns p with a newer state of its pod. It is cheap if nothing that
// was computed has changed.
func (p *Pod) Renew(pod *corev1.Pod) *Pod {
	if !isSameSpec(p.Pod, pod) {
		return NewPod(pod)
	}
	q := *p
	q.Pod = pod
	return &q
}

// isSameSpec reports whether two states of a pod share the spec in memory, as
// they do after a write of the status, and nothing in the status counts.
func isSameSpec(a, b *corev1.Pod) bool {
	return len(a.Spec.Containers) > 0 && len(b.Spec.Containers) > 0 &&
		&a.Spec.Containers[0] == &b.Spec.Containers[0] && a.Spec.Affinity == b.Spec.Affinity &&
		a.Spec.Priority == b.Spec.Priority && (requestsNothing(a) && requestsNothing(b) || isSameAllocation(a, b))
}

func isSameAllocation(a, b *corev1.Pod) bool {
	return slices.EqualFunc(a.Status.ContainerStatuses, b.Status.ContainerStatuses, func(x, y corev1.ContainerStatus) bool {
		return x.AllocatedResources == nil && y.AllocatedResources == nil && x.Resources == nil && y.Resources == nil
	})
}

// Claims returns the names of the claims that the pod's volumes name.
func (p *Pod) Claims() []string { return p.claims }

// hasAffinity reports whether the pod has any inter-pod affinity term.
func (p *Pod) hasAffinity() bool { return p.terms != nil }

func (p *Pod) hasRequiredAnti() bool { return p.terms != nil && len(p.requiredAnti) > 0 }
