package why

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// node explains a node that takes no pods, or from which pods do not go.
func (x *explainer) node(node *corev1.Node) Reason {
	key := apiserver.KeyOf(node)
	ready := condition(node, corev1.NodeReady)
	switch away := x.away(node.Name); {
	case away != nil:
		away.Ends = "start its kubelet, or the machine"
		r := Reason{Text: node.Name + " does not answer", Because: []Reason{*away}}
		if ready != nil && ready.Status == corev1.ConditionTrue {
			r.Text = node.Name + " is shown Ready, and is not"
			r.Rules = []string{"N1"}
		}
		return r
	case ready != nil && ready.Status != corev1.ConditionTrue:
		return Reason{Text: node.Name + " is not Ready", Because: []Reason{{Kind: apiserver.Node, Key: key, Rules: []string{"N1"}, Text: ready.Message}}}
	case node.Spec.Unschedulable:
		r := Reason{Text: node.Name + " takes no new pods", Because: []Reason{{Kind: apiserver.Node, Key: key, Rules: []string{"C10"},
			Text: "it is cordoned", Ends: "kubectl uncordon " + node.Name}}}
		r.Because = append(r.Because, x.drain(node)...)
		return r
	}
	return Reason{}
}

// drain explains the pods of a cordoned node that a budget keeps there.
func (x *explainer) drain(node *corev1.Node) []Reason {
	var rs []Reason
	for _, obj := range x.c.List(apiserver.PodDisruptionBudget, "") {
		b := obj.(*policyv1.PodDisruptionBudget)
		if b.Status.DisruptionsAllowed > 0 {
			continue
		}
		for _, pod := range x.budgeted(b) {
			if pod.Spec.NodeName == node.Name {
				r := x.budget(b)
				r.Kind, r.Key = apiserver.PodDisruptionBudget, apiserver.KeyOf(b)
				r.Text = fmt.Sprintf("%s cannot be evicted: %s", x.nameOf(pod), r.Text)
				rs = append(rs, r)
				break
			}
		}
	}
	return rs
}

func (x *explainer) budgeted(b *policyv1.PodDisruptionBudget) []*corev1.Pod {
	selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
	if err != nil {
		return nil
	}
	var pods []*corev1.Pod
	for _, obj := range x.c.List(apiserver.Pod, b.Namespace) {
		if selector.Matches(labels.Set(obj.GetLabels())) {
			pods = append(pods, obj.(*corev1.Pod))
		}
	}
	return pods
}

// budget explains a budget that allows no disruption.
func (x *explainer) budget(b *policyv1.PodDisruptionBudget) Reason {
	s := &b.Status
	if s.DisruptionsAllowed > 0 || s.ExpectedPods == 0 && s.ObservedGeneration == b.Generation {
		return Reason{}
	}
	r := Reason{Text: fmt.Sprintf("the budget %s allows no disruption: it needs %d healthy %s and has %d", x.nameOf(b), s.DesiredHealthy, plural(int(s.DesiredHealthy), "pod"), s.CurrentHealthy),
		Rules: []string{"N7", "N8"}}
	if s.DesiredHealthy >= s.ExpectedPods {
		r.Because = []Reason{{Kind: apiserver.PodDisruptionBudget, Key: apiserver.KeyOf(b), Rules: r.Rules,
			Text: fmt.Sprintf("it asks for all %d %s", s.ExpectedPods, plural(int(s.ExpectedPods), "pod")), Ends: "lower minAvailable, raise maxUnavailable, or add a replica"}}
		return r
	}
	for _, pod := range x.budgeted(b) {
		if isReady(pod) && pod.DeletionTimestamp == nil {
			continue
		}
		if cause := x.why(apiserver.Pod, apiserver.KeyOf(pod)); !cause.IsZero() && len(r.Because) < most {
			r.Because = append(r.Because, cause)
		}
	}
	return r
}

// service explains a Service whose name leads nowhere.
func (x *explainer) service(s *corev1.Service) Reason {
	if len(s.Spec.Selector) == 0 {
		return Reason{}
	}
	selector := labels.SelectorFromSet(s.Spec.Selector)
	var rs []Reason
	found := false
	for _, obj := range x.c.List(apiserver.Pod, s.Namespace) {
		pod := obj.(*corev1.Pod)
		if !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		found = true
		if isReady(pod) && pod.DeletionTimestamp == nil || s.Spec.PublishNotReadyAddresses && pod.Status.PodIP != "" {
			return Reason{}
		}
		if r := x.why(apiserver.Pod, apiserver.KeyOf(pod)); !r.IsZero() && len(rs) < most {
			rs = append(rs, r)
		}
	}
	r := Reason{Text: x.nameOf(s) + " has no ready endpoint, so its name is not found", Rules: []string{"D1", "D4"}, Because: rs}
	if !found {
		r.Because = []Reason{{Kind: apiserver.Service, Key: apiserver.KeyOf(s), Rules: []string{"D1"},
			Text: "no pod has the labels " + selector.String(), Ends: "create such a pod, or change the selector"}}
	}
	return r
}

// namespace explains a namespace that does not go.
func (x *explainer) namespace(n *corev1.Namespace) Reason {
	if n.DeletionTimestamp == nil {
		return Reason{}
	}
	r := Reason{Text: n.Name + " is Terminating"}
	for _, kind := range apiserver.Kinds() {
		if !kind.Namespaced() || kind == apiserver.Event {
			continue
		}
		for _, obj := range x.c.List(kind, n.Name) {
			cause := x.why(kind, apiserver.KeyOf(obj))
			if cause.IsZero() {
				cause = Reason{Kind: kind, Key: apiserver.KeyOf(obj), Text: fmt.Sprintf("%s %s is in it", kind, x.nameOf(obj))}
			}
			if r.Because = append(r.Because, cause); len(r.Because) == most {
				return r
			}
		}
	}
	for _, c := range n.Status.Conditions {
		if c.Status == corev1.ConditionTrue && len(r.Because) == 0 {
			r.Because = append(r.Because, Reason{Kind: apiserver.Namespace, Key: apiserver.KeyOf(n), Text: c.Message})
		}
	}
	return r
}
