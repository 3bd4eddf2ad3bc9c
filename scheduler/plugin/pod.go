package plugin

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/state"
)

// Pod is a state of a pod with what the plugins want to know of it. It is
// immutable.
type Pod struct {
	_           state.Immutable
	*corev1.Pod `state:"hashed"`
	*facts      `state:"incidental" why:"computed from the pod"`
	node        string `state:"hashed"` // where it runs, or is assumed to
}

// HashState takes in the pod and its node.
func (p *Pod) HashState(h *state.Hasher) {
	h.Value(&p.Pod)
	h.Text(p.node)
}

// facts are computed once for all states of a pod that do not differ in them.
type facts struct {
	Priority int32

	request Resource
	nonZero nonZero // on a node
	scored  nonZero // while nodes are scored for it
	plain   bool    // the containers' specs alone say what the pod requests
	ports   []hostPort
	claims  []string // of its volumes, ephemeral ones left out
	all     []string // with those
	*terms           // nil without inter-pod affinity
}

// NewPod prepares a pod for the plugins.
func NewPod(pod *corev1.Pod) *Pod {
	f := &facts{ports: portsOf(pod), terms: termsOf(pod)}
	if pod.Spec.Priority != nil {
		f.Priority = *pod.Spec.Priority
	}
	f.request, f.nonZero, f.plain = requestsOf(pod)
	f.scored = incomingOf(pod, f.nonZero)
	for i := range pod.Spec.Volumes {
		if name, ephemeral := claimOf(pod, &pod.Spec.Volumes[i]); name != "" {
			f.all = append(f.all, name)
			if !ephemeral {
				f.claims = append(f.claims, name)
			}
		}
	}
	if len(f.all) == len(f.claims) {
		f.all = f.claims
	}
	return &Pod{Pod: pod, facts: f, node: pod.Spec.NodeName}
}

// Renew returns p with a newer state of its pod. It is cheap if nothing that
// was computed has changed.
func (p *Pod) Renew(pod *corev1.Pod) *Pod {
	if !isSameSpec(p.Pod, pod) || !p.plain || !agrees(&p.request, pod) {
		return NewPod(pod)
	}
	return &Pod{Pod: pod, facts: p.facts, node: pod.Spec.NodeName}
}

// On returns p assumed to run on a node, although its object does not say so.
func (p *Pod) On(node string) *Pod { return &Pod{Pod: p.Pod, facts: p.facts, node: node} }

// Placed returns the pod's object with the node where it runs or is assumed to.
func (p *Pod) Placed() *corev1.Pod {
	if p.Spec.NodeName == p.node {
		return p.Pod
	}
	pod := *p.Pod
	pod.Spec.NodeName = p.node
	return &pod
}

// isSameSpec reports whether two states of a pod share the spec in memory, as
// they do after a write of the status.
func isSameSpec(a, b *corev1.Pod) bool {
	return len(a.Spec.Containers) > 0 && len(b.Spec.Containers) > 0 &&
		&a.Spec.Containers[0] == &b.Spec.Containers[0] && a.Spec.Affinity == b.Spec.Affinity &&
		a.Spec.Priority == b.Spec.Priority
}

// Claims returns the names of the claims that the pod's volumes name or, if they
// are ephemeral, stand for.
func (p *Pod) Claims() []string { return p.all }

// hasAffinity reports whether the pod has any inter-pod affinity term.
func (p *Pod) hasAffinity() bool { return p.terms != nil }

func (p *Pod) hasRequiredAnti() bool { return p.terms != nil && len(p.requiredAnti) > 0 }
