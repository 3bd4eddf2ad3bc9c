package plugin

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// hintPod says whether a change of another pod on a node may help.
func (e *Event) hintPod(id ID, pod *Pod, c *Cluster) bool {
	old, now := e.Pod.Old, e.Pod.New
	if e.Action == UpdateScaleDown { // Fit: what was freed is asked for
		return isScaledDown(wanted(&pod.request, &NewPod(old).request), &NewPod(now).request)
	}
	for _, p := range []*corev1.Pod{old, now} {
		if p != nil && p.Spec.NodeName == "" && p.Status.NominatedNodeName == "" {
			return false
		}
	}
	switch id {
	case NodePorts:
		return anyConflict(pod.ports, portsOf(old))
	case VolumeRestrictions:
		return hintRestrictions(pod, old)
	case NodeVolumeLimits:
		return len(NewPod(old).all) > 0 || slices.ContainsFunc(old.Spec.Volumes, func(v corev1.Volume) bool {
			name, _ := replaced(&v)
			return name != ""
		})
	case PodTopologySpread:
		return hintSpreadPod(old, now, pod)
	case InterPodAffinity:
		return hintAffinityPod(old, now, pod, c)
	}
	return true
}

// wanted returns r where the pod asks for anything at all.
func wanted(request, r *Resource) *Resource {
	w := *r
	if request.MilliCPU == 0 {
		w.MilliCPU = 0
	}
	if request.Memory == 0 {
		w.Memory = 0
	}
	if request.EphemeralStorage == 0 {
		w.EphemeralStorage = 0
	}
	w.Scalar = nil
	for name, n := range r.Scalar { // a map from a map
		if request.Scalar[name] > 0 {
			if w.Scalar == nil {
				w.Scalar = map[corev1.ResourceName]int64{}
			}
			w.Scalar[name] = n
		}
	}
	return &w
}

func hintRestrictions(pod *Pod, gone *corev1.Pod) bool {
	if gone.Namespace != pod.Namespace {
		return false
	}
	other := &Pod{Pod: gone, facts: &facts{}}
	if hasDiskConflict(pod.Pod, []*Pod{other}) {
		return true
	}
	return slices.ContainsFunc(gone.Spec.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil && slices.Contains(pod.claims, v.PersistentVolumeClaim.ClaimName)
	})
}

// hardConstraints returns the pod's own hard constraints, without counts.
func hardConstraints(pod *Pod) []constraint {
	var list []constraint
	for i := range pod.Spec.TopologySpreadConstraints {
		s := &pod.Spec.TopologySpreadConstraints[i]
		if s.WhenUnsatisfiable != corev1.DoNotSchedule {
			continue
		}
		if t, err := newConstraint(s, pod.Pod); err == nil {
			list = append(list, t)
		}
	}
	return list
}

func hintSpreadPod(old, now *corev1.Pod, pod *Pod) bool {
	any := old
	if any == nil {
		any = now
	}
	if any.Namespace != pod.Namespace {
		return false
	}
	for _, t := range hardConstraints(pod) {
		was := old != nil && t.selector.Matches(labels.Set(old.Labels))
		is := now != nil && t.selector.Matches(labels.Set(now.Labels))
		if was != is {
			return true
		}
	}
	return false
}

func hintAffinityPod(old, now *corev1.Pod, pod *Pod, c *Cluster) bool {
	any := old
	if any == nil {
		any = now
	}
	theirs := c.labelsOf(any.Namespace)
	was := old != nil && matchesAll(pod.requiredTerms(), old, theirs)
	if now != nil && !was && matchesAll(pod.requiredTerms(), now, theirs) {
		return true
	}
	if old == nil {
		return false
	}
	anti := pod.requiredAntiTerms()
	if matchesAny(anti, old, theirs) && (now == nil || !matchesAny(anti, now, theirs)) {
		return true
	}
	if now != nil {
		return false
	}
	gone := &Pod{Pod: old, facts: &facts{terms: termsOf(old)}}
	return matchesAny(gone.requiredAntiTerms(), pod.Pod, c.labelsOf(pod.Namespace))
}

func isAllowed(pod *corev1.Pod, node *corev1.Node) bool {
	ok, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
	return ok && err == nil
}
