package why

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// unscheduled explains a pod that has no node.
func (x *explainer) unscheduled(pod *corev1.Pod) Reason {
	r := Reason{Text: x.nameOf(pod) + " has no node"}
	own := func(text, rule, ends string) Reason {
		r.Because = []Reason{{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Text: text, Rules: []string{rule}, Ends: ends}}
		return r
	}
	if gates := pod.Spec.SchedulingGates; len(gates) > 0 {
		names := make([]string, len(gates))
		for i := range gates {
			names[i] = gates[i].Name
		}
		return own(fmt.Sprintf("its scheduling %s %s holds it back", plural(len(names), "gate"), list(names)), "C1", "remove "+list(names)+" from spec.schedulingGates")
	}
	if s := pod.Spec.SchedulerName; s != "" && s != corev1.DefaultSchedulerName {
		return own(fmt.Sprintf("it asks for the scheduler %s, and none of that name runs here", s), "C1", "remove spec.schedulerName, or add that scheduler")
	}
	message := ""
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			message = c.Message
		}
	}
	if r.Because = x.claims(pod); len(r.Because) > 0 {
		r.Rules = []string{"C10"}
		return x.stuck(pod, r)
	}
	if message == "" {
		return own("the scheduler has not come to it yet", "C7", "")
	}
	r.Because = x.refusals(pod, message)
	return x.stuck(pod, r)
}

// claims explains the claims of a pod that hold it back.
func (x *explainer) claims(pod *corev1.Pod) []Reason {
	var rs []Reason
	for i := range pod.Spec.Volumes {
		name := claimOf(pod, &pod.Spec.Volumes[i])
		if name == "" {
			continue
		}
		key := apiserver.Key{Namespace: pod.Namespace, Name: name}
		claim, _ := x.c.Get(apiserver.PersistentVolumeClaim, key).(*corev1.PersistentVolumeClaim)
		switch {
		case claim == nil:
			rs = append(rs, Reason{Kind: apiserver.PersistentVolumeClaim, Key: key, Rules: []string{"C10"}, Text: "its claim " + x.name(key) + " does not exist", Ends: "create it"})
		case claim.DeletionTimestamp != nil, claim.Status.Phase != corev1.ClaimBound && !x.isDelayed(claim):
			r := x.why(apiserver.PersistentVolumeClaim, key)
			if !r.IsZero() {
				r.as = "its claim " + r.Text
				rs = append(rs, r)
			}
		}
	}
	return rs
}

// refusals explains each reason of the scheduler's message (C9, C10).
func (x *explainer) refusals(pod *corev1.Pod, message string) []Reason {
	text, _, _ := strings.Cut(message, " preemption: ")
	_, counted, ok := strings.Cut(text, "nodes are available: ")
	rules := []string{"C9", "C10"}
	one := func(text, ends string) Reason {
		return Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Text: text, Rules: rules, Ends: ends}
	}
	if !ok {
		return []Reason{one(strings.TrimSuffix(message, "."), map[bool]string{true: "add a node"}[strings.HasPrefix(message, "no nodes available")])}
	}
	var rs []Reason
	for _, part := range strings.Split(strings.TrimSuffix(strings.TrimSpace(counted), "."), ", ") {
		count, reason, found := strings.Cut(part, " ")
		if !found || strings.Trim(count, "0123456789") != "" {
			rs = append(rs, one(part, ""))
			continue
		}
		rs = append(rs, x.refusal(pod, count, reason))
	}
	return rs
}

// refusal explains why some nodes are refused.
func (x *explainer) refusal(pod *corev1.Pod, count, reason string) Reason {
	r := Reason{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Rules: []string{"C10"}, Text: fmt.Sprintf("%s of the nodes: %s", count, reason)}
	switch {
	case reason == "node(s) had untolerated taint(s)":
		r.Text = x.taints(pod)
		r.Ends = "give the pod a toleration, or remove the taint (kubectl taint nodes NODE KEY-)"
		r.Rules = []string{"§0.6"}
	case reason == "node(s) were unschedulable":
		names := x.nodes(func(n *corev1.Node) bool { return n.Spec.Unschedulable })
		r.Text = fmt.Sprintf("%s %s cordoned", list(names), are(len(names)))
		r.Ends = "kubectl uncordon " + strings.Join(names, " ")
	case strings.HasPrefix(reason, "Insufficient "):
		name := corev1.ResourceName(strings.TrimPrefix(reason, "Insufficient "))
		r.Text = x.room(pod, name)
		r.Ends = fmt.Sprintf("ask for less %s, or add a node that has it", name)
	case reason == "Too many pods":
		r.Text = count + " of the nodes have as many pods as they can"
		r.Ends = "add a node"
	case strings.Contains(reason, "anti-affinity"):
		r.Text = fmt.Sprintf("%s of the nodes run pods that the anti-affinity keeps apart: no two of them share a node", count)
		r.Ends = "add a node, or prefer the anti-affinity instead of requiring it"
	case reason == "node(s) didn't match pod affinity rules":
		r.Text = x.affinity(pod)
		r.Ends = "run such a pod, or prefer the affinity instead of requiring it"
	case reason == "node(s) didn't match pod topology spread constraints":
		r.Text = count + " of the nodes would exceed the skew of the topology spread constraints"
		r.Ends = "add nodes to the emptier domains, or set whenUnsatisfiable: ScheduleAnyway"
	case reason == "node(s) didn't match Pod's node affinity/selector":
		r.Text = fmt.Sprintf("%s of the nodes do not have the labels that it asks for", count)
		r.Ends = "label a node, or change nodeSelector or nodeAffinity"
	case strings.Contains(reason, "PersistentVolume's node affinity"):
		r.Text = count + " of the nodes cannot use its volume" + x.pinned(pod)
		r.Rules = []string{"C10", "V3"}
		r.Ends = "make room on a node that can use the volume, or give up the volume"
	case strings.Contains(reason, "available persistent volumes to bind"):
		r.Text = count + " of the nodes have no volume for its claims" + x.unbound(pod)
		r.Rules = []string{"C10", "V7"}
		r.Ends = "add a volume that such a node can use"
	case strings.Contains(reason, "ReadWriteOncePod"):
		r.Text = "another pod uses its claim, which is ReadWriteOncePod"
		r.Rules = []string{"M3"}
		r.Ends = "delete the other pod"
	}
	return r
}

// nodes returns the names of the nodes of a kind.
func (x *explainer) nodes(want func(*corev1.Node) bool) []string {
	var names []string
	for _, obj := range x.c.List(apiserver.Node, "") {
		if n := obj.(*corev1.Node); want(n) {
			names = append(names, n.Name)
		}
	}
	return names
}

// taints names the taints that a pod does not tolerate.
func (x *explainer) taints(pod *corev1.Pod) string {
	var said []string
	for _, obj := range x.c.List(apiserver.Node, "") {
		n := obj.(*corev1.Node)
		for i := range n.Spec.Taints {
			t := &n.Spec.Taints[i]
			if n.Spec.Unschedulable && t.Key == corev1.TaintNodeUnschedulable {
				continue // the reason of a node that is cordoned is another filter's
			}
			if t.Effect != corev1.TaintEffectPreferNoSchedule && !tolerated(pod, t) {
				said = append(said, n.Name+" has the taint "+t.ToString())
				break
			}
		}
	}
	return list(said) + ", which it does not tolerate"
}

func tolerated(pod *corev1.Pod, t *corev1.Taint) bool {
	return slices.ContainsFunc(pod.Spec.Tolerations, func(tol corev1.Toleration) bool {
		return (tol.Effect == "" || tol.Effect == t.Effect) && (tol.Key == "" || tol.Key == t.Key) &&
			(tol.Operator == corev1.TolerationOpExists || tol.Value == t.Value)
	})
}

// room says how much of a resource a pod asks for, and how much nodes have left.
func (x *explainer) room(pod *corev1.Pod, name corev1.ResourceName) string {
	asks := requested(pod, name)
	used := map[string]resource.Quantity{}
	for _, obj := range x.c.List(apiserver.Pod, "") {
		p := obj.(*corev1.Pod)
		if p.Spec.NodeName == "" || p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded {
			continue
		}
		q := used[p.Spec.NodeName]
		q.Add(requested(p, name))
		used[p.Spec.NodeName] = q
	}
	var left []string
	for _, obj := range x.c.List(apiserver.Node, "") {
		n := obj.(*corev1.Node)
		free := n.Status.Allocatable[name].DeepCopy()
		free.Sub(used[n.Name])
		left = append(left, fmt.Sprintf("%s %s", n.Name, free.String()))
	}
	return fmt.Sprintf("it asks for %s %s, and left are: %s", asks.String(), name, list(left))
}

func requested(pod *corev1.Pod, name corev1.ResourceName) resource.Quantity {
	var sum resource.Quantity
	for i := range pod.Spec.Containers {
		if q, ok := pod.Spec.Containers[i].Resources.Requests[name]; ok {
			sum.Add(q)
		}
	}
	for i := range pod.Spec.InitContainers {
		if q, ok := pod.Spec.InitContainers[i].Resources.Requests[name]; ok && q.Cmp(sum) > 0 {
			sum = q.DeepCopy()
		}
	}
	return sum
}

// affinity names the pods that a pod wants to be beside, and what would make
// them, if it is stored and not run.
func (x *explainer) affinity(pod *corev1.Pod) string {
	a := pod.Spec.Affinity
	if a == nil || a.PodAffinity == nil {
		return "no pod matches its affinity"
	}
	for i := range a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		term := &a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i]
		selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
		if err != nil {
			continue
		}
		matches := func(obj apiserver.Object) bool { return selector.Matches(labels.Set(obj.GetLabels())) }
		if !slices.ContainsFunc(x.c.List(apiserver.Pod, pod.Namespace), matches) {
			return fmt.Sprintf("it must be beside a pod with %s, and there is none", selector)
		}
	}
	return "no node is beside the pods that its affinity asks for"
}

// pinned names the volumes of a pod that only some nodes can use.
func (x *explainer) pinned(pod *corev1.Pod) string {
	var names []string
	for i := range pod.Spec.Volumes {
		v := pod.Spec.Volumes[i].PersistentVolumeClaim
		if v == nil {
			continue
		}
		claim, _ := x.c.Get(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: pod.Namespace, Name: v.ClaimName}).(*corev1.PersistentVolumeClaim)
		if claim == nil {
			continue
		}
		if pv, ok := x.c.Get(apiserver.PersistentVolume, apiserver.Key{Name: claim.Spec.VolumeName}).(*corev1.PersistentVolume); ok && pv.Spec.NodeAffinity != nil {
			names = append(names, pv.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " " + list(names)
}

// unbound names the claims of a pod that are bound when it is scheduled.
func (x *explainer) unbound(pod *corev1.Pod) string {
	var names []string
	for i := range pod.Spec.Volumes {
		if v := pod.Spec.Volumes[i].PersistentVolumeClaim; v != nil {
			claim, _ := x.c.Get(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: pod.Namespace, Name: v.ClaimName}).(*corev1.PersistentVolumeClaim)
			if claim != nil && claim.Status.Phase != corev1.ClaimBound {
				names = append(names, claim.Name)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + list(names)
}
