package table

import (
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// node writes a Node (describeNode).
func (p *page) node(node *corev1.Node, others []apiserver.Object) {
	p.line(0, "Name:\t%s", node.Name)
	p.line(0, "Roles:\t%s", orNone(strings.Join(nodeRoles(node), ",")))
	p.about(&node.ObjectMeta)
	p.line(0, "CreationTimestamp:\t%s", date(node.CreationTimestamp))
	p.taints(node.Spec.Taints)
	p.line(0, "Unschedulable:\t%t", node.Spec.Unschedulable)
	p.lease(node, others)
	if len(node.Status.Conditions) > 0 {
		p.line(0, "Conditions:")
		p.line(1, "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage")
		p.line(1, "----\t------\t-----------------\t------------------\t------\t-------")
	}
	for i := range node.Status.Conditions {
		c := &node.Status.Conditions[i]
		p.line(1, "%s \t%s \t%s \t%s \t%s \t%s", c.Type, c.Status,
			date(c.LastHeartbeatTime), date(c.LastTransitionTime), c.Reason, c.Message)
	}
	p.line(0, "Addresses:")
	for _, a := range node.Status.Addresses {
		p.line(1, "%s:\t%s", a.Type, a.Address)
	}
	p.nodeResources("Capacity", node.Status.Capacity)
	p.nodeResources("Allocatable", node.Status.Allocatable)
	p.nodeInfo(node)
	p.nodePods(node, others)
}

func (p *page) taints(taints []corev1.Taint) {
	sorted := slices.Clone(taints)
	key := func(t corev1.Taint) string { return string(t.Effect) + "," + t.Key }
	slices.SortStableFunc(sorted, func(a, b corev1.Taint) int { return strings.Compare(key(a), key(b)) })
	var items []string
	for i := range sorted {
		items = append(items, sorted[i].ToString())
	}
	p.list("", "Taints", items)
}

// lease writes the node's lease, or that there is none.
func (p *page) lease(node *corev1.Node, others []apiserver.Object) {
	for _, other := range others {
		l, ok := other.(*coordinationv1.Lease)
		if !ok || l.Namespace != corev1.NamespaceNodeLease || l.Name != node.Name {
			continue
		}
		acquired, renewed := unset, unset
		if t := l.Spec.AcquireTime; t != nil {
			acquired = t.Time.Format(time.RFC1123Z)
		}
		if t := l.Spec.RenewTime; t != nil {
			renewed = t.Time.Format(time.RFC1123Z)
		}
		p.line(0, "Lease:")
		p.line(1, "HolderIdentity:\t%s", orUnset(l.Spec.HolderIdentity))
		p.line(1, "AcquireTime:\t%s", acquired)
		p.line(1, "RenewTime:\t%s", renewed)
		return
	}
	p.line(0, "Lease:\tFailed to get lease: leases.coordination.k8s.io %q not found", node.Name)
}

func (p *page) nodeResources(title string, list corev1.ResourceList) {
	if len(list) > 0 {
		p.line(0, "%s:", title)
	}
	for _, name := range sortedKeys(list) {
		q := list[name]
		p.line(1, "%s:\t%s", name, q.String())
	}
}

func (p *page) nodeInfo(node *corev1.Node) {
	info := &node.Status.NodeInfo
	p.line(0, "System Info:")
	for _, l := range [...][2]string{
		{"Machine ID", info.MachineID},
		{"System UUID", info.SystemUUID},
		{"Boot ID", info.BootID},
		{"Kernel Version", info.KernelVersion},
		{"OS Image", info.OSImage},
		{"Operating System", info.OperatingSystem},
		{"Architecture", info.Architecture},
		{"Container Runtime Version", info.ContainerRuntimeVersion},
		{"Kubelet Version", info.KubeletVersion},
	} {
		p.line(1, "%s:\t%s", l[0], l[1])
	}
	if node.Spec.PodCIDR != "" {
		p.line(0, "PodCIDR:\t%s", node.Spec.PodCIDR)
	}
	if len(node.Spec.PodCIDRs) > 0 {
		p.line(0, "PodCIDRs:\t%s", strings.Join(node.Spec.PodCIDRs, ","))
	}
	if node.Spec.ProviderID != "" {
		p.line(0, "ProviderID:\t%s", node.Spec.ProviderID)
	}
}

// nodePods writes the pods that run on the node and what they ask for
// (describeNodeResource). The totals take the spec, the rows also what the
// kubelet has allocated.
func (p *page) nodePods(node *corev1.Node, others []apiserver.Object) {
	var pods []*corev1.Pod
	for _, pod := range podsOf("", others) {
		if pod.Spec.NodeName == node.Name && !isTerminal(pod) {
			pods = append(pods, pod)
		}
	}
	allocatable := node.Status.Capacity
	if len(node.Status.Allocatable) > 0 {
		allocatable = node.Status.Allocatable
	}
	p.line(0, "Non-terminated Pods:\t(%d in total)", len(pods))
	p.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge")
	p.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---")
	requests, limits := corev1.ResourceList{}, corev1.ResourceList{}
	for _, pod := range pods {
		withStatus := resourcehelper.PodResourcesOptions{UseStatusResources: true}
		req, lim := resourcehelper.PodRequests(pod, withStatus), resourcehelper.PodLimits(pod, withStatus)
		p.line(1, "%s\t%s\t\t%s\t%s\t%s\t%s\t%s", pod.Namespace, pod.Name,
			share(req, corev1.ResourceCPU, allocatable), share(lim, corev1.ResourceCPU, allocatable),
			share(req, corev1.ResourceMemory, allocatable), share(lim, corev1.ResourceMemory, allocatable),
			age(pod.CreationTimestamp, p.now))
		addAll(requests, resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}))
		addAll(limits, resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{}))
	}
	p.line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)")
	p.line(1, "Resource\tRequests\tLimits")
	p.line(1, "--------\t--------\t------")
	names, extended := shownResources(allocatable)
	for _, name := range names {
		p.line(1, "%s\t%s\t%s", name, share(requests, name, allocatable), share(limits, name, allocatable))
	}
	for _, name := range extended {
		r, l := requests[name], limits[name]
		p.line(1, "%s\t%s\t%s", name, r.String(), l.String())
	}
}

// shownResources are the resources that get a percentage, and those that do
// not.
func shownResources(allocatable corev1.ResourceList) (names, extended []corev1.ResourceName) {
	names = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}
	for _, name := range sortedKeys(allocatable) {
		switch {
		case strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
			names = append(names, name)
		case name != corev1.ResourcePods && !slices.Contains(names[:3], name):
			extended = append(extended, name)
		}
	}
	return names, extended
}

// share is a quantity and its percentage, rounded down, of what there is.
func share(list corev1.ResourceList, name corev1.ResourceName, of corev1.ResourceList) string {
	q, whole := list[name], of[name]
	amount := func(q *resource.Quantity) int64 {
		if name == corev1.ResourceCPU {
			return q.MilliValue()
		}
		return q.Value()
	}
	percent := int64(0)
	if n := amount(&whole); n != 0 {
		percent = int64(float64(amount(&q)) / float64(n) * 100)
	}
	return fmt.Sprintf("%s (%d%%)", q.String(), percent)
}

func addAll(sum, list corev1.ResourceList) {
	for name, q := range list { // each name on its own: order does not matter
		total := sum[name].DeepCopy()
		if _, ok := sum[name]; !ok {
			total = resource.Quantity{Format: q.Format}
		}
		total.Add(q)
		sum[name] = total
	}
}
