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

// requestsNothing reports whether a pod has no requests anywhere, and nothing
// that makes counting its containers difficult.
func requestsNothing(pod *corev1.Pod) bool {
	if pod.Spec.Overhead != nil || pod.Spec.Resources != nil || len(pod.Spec.InitContainers) > 0 {
		return false
	}
	for i := range pod.Spec.Containers {
		if len(pod.Spec.Containers[i].Resources.Requests) > 0 {
			return false
		}
	}
	for i := range pod.Status.ContainerStatuses {
		s := &pod.Status.ContainerStatuses[i]
		if len(s.AllocatedResources) > 0 || s.Resources != nil && len(s.Resources.Requests) > 0 {
			return false
		}
	}
	return true
}

// requestsOf returns what a pod requests, and what it counts as for scoring
// with the defaults for containers without requests. A pod on a node also
// counts what the kubelet has allocated to it (PodInfo.CalculateResource).
func requestsOf(pod *corev1.Pod) (Resource, nonZero) {
	if requestsNothing(pod) {
		n := int64(len(pod.Spec.Containers))
		return Resource{}, nonZero{n * defaultMilliCPU, n * defaultMemory}
	}
	opts := helper.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}
	list := helper.PodRequests(pod, opts)
	r := resourceOf(list)
	r.Pods = 0
	opts.NonMissingContainerRequests = defaultRequests()
	if helper.IsPodLevelRequestsSet(pod) { // getNonMissingContainerRequests
		for name := range list { // each by itself
			delete(opts.NonMissingContainerRequests, name)
		}
	}
	n := resourceOf(helper.PodRequests(pod, opts))
	return r, nonZero{n.MilliCPU, n.Memory}
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
