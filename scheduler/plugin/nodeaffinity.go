package plugin

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

const (
	reasonNodeAffinity = "node(s) didn't match Pod's node affinity/selector"
	reasonNodeConflict = "pod affinity terms conflict"
)

// preFilterNodeAffinity is NodeAffinity.PreFilter: if every term names its
// nodes, only those count.
func (c *Cycle) preFilterNodeAffinity() Status {
	selector := requiredSelector(c.pod.Pod)
	if selector == nil && c.pod.Spec.NodeSelector == nil {
		return Status{Code: Skip}
	}
	c.required = nodeaffinity.GetRequiredNodeAffinity(c.pod.Pod)
	if selector == nil || len(selector.NodeSelectorTerms) == 0 {
		return Status{}
	}
	names := []string{}
	for i := range selector.NodeSelectorTerms {
		ofTerm, named := namedNodes(&selector.NodeSelectorTerms[i])
		if !named {
			return Status{}
		}
		names = append(names, ofTerm...)
	}
	if len(names) == 0 {
		return unresolvable(NodeAffinity, reasonNodeConflict)
	}
	slices.Sort(names)
	c.hasNodes, c.nodeNames = true, slices.Compact(names)
	return Status{}
}

func requiredSelector(pod *corev1.Pod) *corev1.NodeSelector {
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil {
		return a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	return nil
}

// namedNodes returns the nodes that a term asks for by name, if it does.
func namedNodes(t *corev1.NodeSelectorTerm) (names []string, named bool) {
	for _, f := range t.MatchFields {
		if f.Key != metav1.ObjectNameField || f.Operator != corev1.NodeSelectorOpIn {
			continue
		}
		if !named {
			names, named = slices.Clone(f.Values), true
			continue
		}
		names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(f.Values, n) })
	}
	return names, named
}

// filterNodeAffinity is NodeAffinity.Filter.
func (c *Cycle) filterNodeAffinity(n *Node) Status {
	if ok, _ := c.required.Match(n.Node); !ok {
		return unresolvable(NodeAffinity, reasonNodeAffinity)
	}
	return Status{}
}

// preferredTerms returns the preferences of NodeAffinity.PreScore, or nil.
func preferredTerms(pod *corev1.Pod) (*nodeaffinity.PreferredSchedulingTerms, error) {
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution == nil {
		return nil, nil
	}
	return nodeaffinity.NewPreferredSchedulingTerms(a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
}
