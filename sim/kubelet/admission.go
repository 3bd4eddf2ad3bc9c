package kubelet

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// admit decides with the Node object at hand whether the node takes a pod (K22,
// predicateAdmitHandler.Admit). Deviation: without a Node object it takes every
// pod; upstream falls back to the node it would register.
func (k *Kubelet) admit(env *controller.Env, p *pod, res apiserver.Result) {
	if p.stage != admitting {
		return
	}
	if res.Err == nil {
		k.node = res.Object.(*corev1.Node)
	}
	if reason, message := k.refusal(p); reason != "" {
		p.stage = rejected
		env.Note(controller.Note{About: p.api, Type: corev1.EventTypeWarning, Reason: reason, Message: message})
		k.setStatus(env, p, &corev1.PodStatus{
			QOSClass: p.api.Status.QOSClass, Phase: corev1.PodFailed,
			Reason: reason, Message: "Pod was rejected: " + message,
		})
		return
	}
	p.stage = syncing
	k.requestSync(env, p)
}

// refusal returns why the node does not take a pod, the first reason alone, or
// "".
func (k *Kubelet) refusal(p *pod) (reason, message string) {
	if k.node == nil {
		return "", ""
	}
	if r, m := k.insufficient(p); r != "" {
		return r, m
	}
	predicate := func(name, why string) (string, string) {
		return name, fmt.Sprintf("Predicate %s failed: %s", name, why)
	}
	if ok, _ := nodeaffinity.GetRequiredNodeAffinity(p.api).Match(k.node); !ok {
		return predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
	}
	for _, other := range k.slots { // any conflict refuses: order cannot matter
		if other != nil && other != p && other.isActive() && portsClash(other.api, p.api) {
			return predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
		}
	}
	for i := range k.node.Spec.Taints {
		t := &k.node.Spec.Taints[i]
		if t.Effect == corev1.TaintEffectNoExecute && !tolerates(p.api, t) {
			return predicate("TaintToleration", "node(s) had untolerated taint(s)")
		}
	}
	return "", ""
}

// isActive reports whether a pod uses the node's resources (GetActivePods).
func (p *pod) isActive() bool { return p.stage > rejected && p.stage < terminated }

// insufficient checks the node's resources in the order of the scheduler's
// noderesources.Fits.
func (k *Kubelet) insufficient(p *pod) (reason, message string) {
	capacity := k.node.Status.Allocatable
	count := int64(0)
	used := corev1.ResourceList{}
	for _, other := range k.slots { // sums: order cannot matter
		if other != nil && other != p && other.isActive() {
			count++
			for name, q := range requestsOf(other.api) { // a map into a map
				sum := used[name]
				sum.Add(q)
				used[name] = sum
			}
		}
	}
	short := func(name corev1.ResourceName, want, used, have int64) string {
		return fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d", name, want, used, have)
	}
	if pods, ok := capacity[corev1.ResourcePods]; ok && count+1 > pods.Value() {
		return "OutOfpods", short(corev1.ResourcePods, 1, count, pods.Value())
	}
	want := requestsOf(p.api)
	names := []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		have, known := capacity[name]
		q := want[name]
		if !known || q.IsZero() { // removeMissingExtendedResources; a Node without allocatable refuses nothing
			continue
		}
		value := (*resource.Quantity).Value
		if name == corev1.ResourceCPU {
			value = (*resource.Quantity).MilliValue
		}
		u := used[name]
		if value(&q)+value(&u) > value(&have) {
			return "OutOf" + string(name), short(name, value(&q), value(&u), value(&have))
		}
	}
	return "", ""
}

// requestsOf returns what a pod asks for; nil for a pod that asks for nothing,
// and the list of the spec if only one container asks. It must not be changed.
func requestsOf(obj *corev1.Pod) corev1.ResourceList {
	if obj.Spec.Resources != nil || obj.Spec.Overhead != nil {
		return resourcehelper.PodRequests(obj, resourcehelper.PodResourcesOptions{})
	}
	for i := range obj.Spec.InitContainers {
		if len(obj.Spec.InitContainers[i].Resources.Requests) > 0 {
			return resourcehelper.PodRequests(obj, resourcehelper.PodResourcesOptions{})
		}
	}
	var only corev1.ResourceList
	for i := range obj.Spec.Containers {
		switch list := obj.Spec.Containers[i].Resources.Requests; {
		case len(list) == 0:
		case only == nil:
			only = list
		default:
			return resourcehelper.PodRequests(obj, resourcehelper.PodResourcesOptions{})
		}
	}
	return only
}

func tolerates(obj *corev1.Pod, t *corev1.Taint) bool {
	for i := range obj.Spec.Tolerations {
		o := &obj.Spec.Tolerations[i]
		if (o.Effect == "" || o.Effect == t.Effect) && (o.Key == "" || o.Key == t.Key) &&
			(o.Operator == corev1.TolerationOpExists || o.Key != "" && o.Value == t.Value && (o.Operator == "" || o.Operator == corev1.TolerationOpEqual)) {
			return true
		}
	}
	return false
}

// portsClash reports whether two pods want the same port of the host.
func portsClash(a, b *corev1.Pod) bool {
	for i := range a.Spec.Containers {
		for _, x := range a.Spec.Containers[i].Ports {
			if x.HostPort == 0 {
				continue
			}
			for j := range b.Spec.Containers {
				for _, y := range b.Spec.Containers[j].Ports {
					if x.HostPort == y.HostPort && x.Protocol == y.Protocol && anyIP(x.HostIP, y.HostIP) {
						return true
					}
				}
			}
		}
	}
	return false
}

func anyIP(a, b string) bool {
	return a == b || a == "" || b == "" || a == "0.0.0.0" || b == "0.0.0.0"
}
