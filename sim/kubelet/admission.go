package kubelet

import (
	"fmt"
	"iter"
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
		k.enter(p, rejected)
		env.Note(controller.Note{About: p.api, Type: corev1.EventTypeWarning, Reason: reason, Message: message})
		k.setStatus(env, p, corev1.PodStatus{
			QOSClass: p.api.Status.QOSClass, Phase: corev1.PodFailed,
			Reason: reason, Message: "Pod was rejected: " + message,
		})
		return
	}
	k.enter(p, syncing)
	k.requestSync(env, p)
}

// refusal returns why the node does not take a pod, the first reason alone, or
// "".
func (k *Kubelet) refusal(p *pod) (reason, message string) {
	if m := forbiddenSysctl(p.api); m != "" {
		return "SysctlForbidden", "forbidden sysctl: " + m
	}
	if os, ok := p.api.Labels[corev1.LabelOSStable]; ok && os != "linux" {
		return "PodOSSelectorNodeLabelDoesNotMatch", "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
	}
	if os := p.api.Spec.OS; os != nil && os.Name != corev1.Linux {
		return "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"
	}
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
	if k.portsTaken(p) {
		return predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
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

// usage is what the active pods of a node ask for, kept as a sum: an admission
// need not add up all of them. Quantities are exact, so that order cannot matter.
type usage struct {
	pods      int64
	resources corev1.ResourceList
}

func (u *usage) add(obj *corev1.Pod) {
	u.pods++
	if u.resources == nil {
		u.resources = corev1.ResourceList{}
	}
	for name, q := range requestsOf(obj) { // a map into a map
		sum := u.resources[name]
		sum.Add(q)
		u.resources[name] = sum
	}
}

func (u *usage) remove(obj *corev1.Pod) {
	u.pods--
	for name, q := range requestsOf(obj) { // a map into a map
		sum := u.resources[name]
		sum.Sub(q)
		u.resources[name] = sum
	}
}

// enter takes a pod to a stage.
func (k *Kubelet) enter(p *pod, s stage) {
	was := p.isActive()
	p.stage = s
	switch is := p.isActive(); {
	case is && !was:
		k.used.add(p.api)
	case was && !is:
		k.used.remove(p.api)
	}
}

// update takes over a newer state of a pod, whose spec may be another.
func (k *Kubelet) update(p *pod, obj *corev1.Pod) {
	recount := p.isActive() && obj.Generation != p.api.Generation
	if recount {
		k.used.remove(p.api)
	}
	p.api = obj
	if recount {
		k.used.add(p.api)
	}
}

// insufficient checks the node's resources in the order of the scheduler's
// noderesources.Fits.
func (k *Kubelet) insufficient(p *pod) (reason, message string) {
	capacity := k.node.Status.Allocatable
	short := func(name corev1.ResourceName, want, used, have int64) string {
		return fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d", name, want, used, have)
	}
	if pods, ok := capacity[corev1.ResourcePods]; ok && k.used.pods+1 > pods.Value() {
		return "OutOfpods", short(corev1.ResourcePods, 1, k.used.pods, pods.Value())
	}
	want := requestsOf(p.api)
	var few [8]corev1.ResourceName
	names := append(few[:0], corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage)
	for name := range want { // sorted below
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[3:])
	for _, name := range names {
		have, known := capacity[name]
		q := want[name]
		if !known || q.IsZero() { // removeMissingExtendedResources; a Node without allocatable refuses nothing
			continue
		}
		if w, u, h := amount(name, q), amount(name, k.used.resources[name]), amount(name, have); w+u > h {
			return "OutOf" + string(name), short(name, w, u, h)
		}
	}
	return "", ""
}

// amount is a quantity in the unit in which nodes are compared: CPU in
// thousandths.
func amount(name corev1.ResourceName, q resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
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

// portsTaken reports whether another pod has a port of the host that a pod wants.
func (k *Kubelet) portsTaken(p *pod) bool {
	if !wantsHostPort(p.api) {
		return false
	}
	for _, other := range k.slots { // any conflict counts: order cannot matter
		if other != nil && other != p && other.isActive() && portsClash(other.api, p.api) {
			return true
		}
	}
	return false
}

// wantsHostPort reports whether a pod wants any port of the host.
func wantsHostPort(obj *corev1.Pod) bool {
	for range hostPorts(obj) {
		return true
	}
	return false
}

// hostPorts are the ports of the host that a pod wants for as long as it runs:
// those of its sidecars and its containers (GetHostPorts).
func hostPorts(obj *corev1.Pod) iter.Seq[*corev1.ContainerPort] {
	return func(yield func(*corev1.ContainerPort) bool) {
		for _, list := range [...][]corev1.Container{obj.Spec.InitContainers, obj.Spec.Containers} {
			for i := range list {
				c := &list[i]
				if &list[0] != &obj.Spec.Containers[0] && !isSidecar(c) {
					continue
				}
				for j := range c.Ports {
					if c.Ports[j].HostPort != 0 && !yield(&c.Ports[j]) {
						return
					}
				}
			}
		}
	}
}

// portsClash reports whether two pods want the same port of the host.
func portsClash(a, b *corev1.Pod) bool {
	for x := range hostPorts(a) {
		for y := range hostPorts(b) {
			if x.HostPort == y.HostPort && x.Protocol == y.Protocol && anyIP(x.HostIP, y.HostIP) {
				return true
			}
		}
	}
	return false
}

func anyIP(a, b string) bool {
	return a == b || a == "" || b == "" || a == "0.0.0.0" || b == "0.0.0.0"
}
