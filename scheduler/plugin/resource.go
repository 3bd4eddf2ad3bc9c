package plugin

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"
)

// What a container without a request counts as when nodes are scored (C3).
const (
	defaultMilliCPU = 100
	defaultMemory   = 200 << 20
)

// Resource is an amount of resources: milli-CPUs, bytes, and counts of
// anything else.
type Resource struct {
	MilliCPU, Memory int64
	Pods             int
	EphemeralStorage int64
	Scalar           map[corev1.ResourceName]int64 // nil if none
}

func resourceOf(list corev1.ResourceList) Resource {
	var r Resource
	for name, q := range list { // each sets a place of its own
		switch name {
		case corev1.ResourceCPU:
			r.MilliCPU = q.MilliValue()
		case corev1.ResourceMemory:
			r.Memory = q.Value()
		case corev1.ResourceEphemeralStorage:
			r.EphemeralStorage = q.Value()
		case corev1.ResourcePods:
			r.Pods = int(q.Value())
		default:
			if r.Scalar == nil {
				r.Scalar = map[corev1.ResourceName]int64{}
			}
			r.Scalar[name] = q.Value()
		}
	}
	return r
}

// add adds sign times o, without the number of pods.
func (r *Resource) add(o *Resource, sign int64) {
	r.MilliCPU += sign * o.MilliCPU
	r.Memory += sign * o.Memory
	r.EphemeralStorage += sign * o.EphemeralStorage
	for name, n := range o.Scalar { // sums do not depend on the order
		if r.Scalar == nil {
			r.Scalar = map[corev1.ResourceName]int64{}
		}
		r.Scalar[name] += sign * n
	}
}

func (r Resource) clone() Resource {
	r.Scalar = maps.Clone(r.Scalar)
	return r
}

// plainRequests is requestsOf for a pod whose containers' specs alone say what
// it requests, and say it in whole units; ok is false for any other.
func plainRequests(pod *corev1.Pod) (r Resource, n nonZero, ok bool) {
	if pod.Spec.Overhead != nil || pod.Spec.Resources != nil || len(pod.Spec.InitContainers) > 0 {
		return r, n, false
	}
	for i := range pod.Spec.Containers {
		n.milliCPU += defaultMilliCPU
		n.memory += defaultMemory
		for name, q := range pod.Spec.Containers[i].Resources.Requests { // sums do not depend on the order
			_, isWhole := q.AsScale(scaleOf(name))
			switch {
			case !isWhole:
				return r, n, false
			case name == corev1.ResourceCPU:
				r.MilliCPU += q.MilliValue()
				n.milliCPU += q.MilliValue() - defaultMilliCPU
			case name == corev1.ResourceMemory:
				r.Memory += q.Value()
				n.memory += q.Value() - defaultMemory
			default:
				return r, n, false
			}
		}
	}
	return r, n, agrees(&r, pod)
}

// scaleOf is the unit in which a resource is counted.
func scaleOf(name corev1.ResourceName) resource.Scale {
	if name == corev1.ResourceCPU {
		return resource.Milli
	}
	return 0
}

// agrees reports whether the status of a pod adds nothing to the requests of
// its containers' specs, which are r in all. A pod on a node also counts what
// the kubelet has allocated to it.
func agrees(r *Resource, pod *corev1.Pod) bool {
	for i := range pod.Status.ContainerStatuses {
		s := &pod.Status.ContainerStatuses[i]
		if s.AllocatedResources == nil && s.Resources == nil {
			continue
		}
		c := containerOf(pod, s.Name)
		if c == nil || s.AllocatedResources != nil && !isSameList(s.AllocatedResources, c.Resources.Requests) ||
			s.Resources != nil && s.Resources.Requests != nil && !isSameList(s.Resources.Requests, c.Resources.Requests) {
			return false
		}
	}
	if pod.Status.Resources != nil && !isWithin(pod.Status.Resources.Requests, r) {
		return false
	}
	return isWithin(pod.Status.AllocatedResources, r) && !helper.IsPodResizeInfeasible(pod)
}

func containerOf(pod *corev1.Pod, name string) *corev1.Container {
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == name {
			return &pod.Spec.Containers[i]
		}
	}
	return nil
}

func isSameList(a, b corev1.ResourceList) bool {
	if len(a) != len(b) {
		return false
	}
	for name, q := range a { // each by itself
		if o, ok := b[name]; !ok || q.Cmp(o) != 0 {
			return false
		}
	}
	return true
}

// isWithin reports whether a list names CPU and memory alone, and no more of
// them than r.
func isWithin(list corev1.ResourceList, r *Resource) bool {
	for name, q := range list { // each by itself
		switch name {
		case corev1.ResourceCPU:
			if q.MilliValue() > r.MilliCPU {
				return false
			}
		case corev1.ResourceMemory:
			if q.Value() > r.Memory {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// requestsOf returns what a pod requests, and what it counts as for scoring
// with the defaults for containers without requests. A pod on a node also
// counts what the kubelet has allocated to it (PodInfo.CalculateResource); plain
// is true if that adds nothing.
func requestsOf(pod *corev1.Pod) (r Resource, n nonZero, plain bool) {
	if r, n, plain = plainRequests(pod); plain {
		return r, n, true
	}
	opts := helper.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}
	list := helper.PodRequests(pod, opts)
	r = resourceOf(list)
	r.Pods = 0
	opts.NonMissingContainerRequests = defaultRequests()
	if helper.IsPodLevelRequestsSet(pod) { // getNonMissingContainerRequests
		for name := range list { // each by itself
			delete(opts.NonMissingContainerRequests, name)
		}
	}
	counted := resourceOf(helper.PodRequests(pod, opts))
	return r, nonZero{counted.MilliCPU, counted.Memory}, false
}

func defaultRequests() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(defaultMilliCPU, resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(defaultMemory, resource.DecimalSI),
	}
}

// incomingOf returns what a pod counts as while LeastAllocated scores nodes for
// it: as on a node, but without the requests of the pod as a whole, which
// upstream does not turn on for this scorer (NewFit,
// calculatePodResourceRequest).
func incomingOf(pod *corev1.Pod, onNode nonZero) nonZero {
	if pod.Spec.Resources == nil {
		return onNode
	}
	n := resourceOf(helper.PodRequests(pod, helper.PodResourcesOptions{SkipPodLevelResources: true, NonMissingContainerRequests: defaultRequests()}))
	return nonZero{n.MilliCPU, n.Memory}
}

// nonZero is what a pod counts as for LeastAllocated.
type nonZero struct{ milliCPU, memory int64 }
