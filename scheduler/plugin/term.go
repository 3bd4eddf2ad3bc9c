package plugin

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// term is a PodAffinityTerm with its selectors parsed (AffinityTerm).
type term struct {
	namespaces  []string
	selector    labels.Selector
	byNamespace labels.Selector // nil matches none
	topologyKey string
	weight      int64 // of a preferred term
}

// terms are the inter-pod affinity terms of a pod.
type terms struct {
	required, requiredAnti, preferred, preferredAnti []term
	err                                              error // of a malformed selector
}

// termsOf parses a pod's terms; nil if it has none.
func termsOf(pod *corev1.Pod) *terms {
	a := pod.Spec.Affinity
	if a == nil || a.PodAffinity == nil && a.PodAntiAffinity == nil {
		return nil
	}
	t := &terms{}
	parse := func(list *[]term, pt corev1.PodAffinityTerm, weight int32) {
		parsed, err := newTerm(pod, &pt, weight)
		if err != nil {
			t.err = err
			return
		}
		*list = append(*list, parsed)
	}
	if aff := a.PodAffinity; aff != nil {
		for _, pt := range aff.RequiredDuringSchedulingIgnoredDuringExecution {
			parse(&t.required, pt, 0)
		}
		for _, w := range aff.PreferredDuringSchedulingIgnoredDuringExecution {
			parse(&t.preferred, w.PodAffinityTerm, w.Weight)
		}
	}
	if anti := a.PodAntiAffinity; anti != nil {
		for _, pt := range anti.RequiredDuringSchedulingIgnoredDuringExecution {
			parse(&t.requiredAnti, pt, 0)
		}
		for _, w := range anti.PreferredDuringSchedulingIgnoredDuringExecution {
			parse(&t.preferredAnti, w.PodAffinityTerm, w.Weight)
		}
	}
	return t
}

func newTerm(pod *corev1.Pod, pt *corev1.PodAffinityTerm, weight int32) (term, error) {
	selector, err := metav1.LabelSelectorAsSelector(pt.LabelSelector)
	if err != nil {
		return term{}, err
	}
	t := term{namespaces: pt.Namespaces, selector: selector, topologyKey: pt.TopologyKey, weight: int64(weight)}
	if pt.NamespaceSelector != nil {
		if t.byNamespace, err = metav1.LabelSelectorAsSelector(pt.NamespaceSelector); err != nil {
			return term{}, err
		}
	} else if len(pt.Namespaces) == 0 {
		t.namespaces = []string{pod.Namespace}
	}
	return t, nil
}

// matches reports whether the term selects a pod that lives in a namespace with
// the given labels.
func (t *term) matches(pod *corev1.Pod, namespace map[string]string) bool {
	if !slices.Contains(t.namespaces, pod.Namespace) &&
		(t.byNamespace == nil || !t.byNamespace.Matches(labels.Set(namespace))) {
		return false
	}
	return t.selector.Matches(labels.Set(pod.Labels))
}

func matchesAll(ts []term, pod *corev1.Pod, namespace map[string]string) bool {
	for i := range ts {
		if !ts[i].matches(pod, namespace) {
			return false
		}
	}
	return len(ts) > 0
}

func matchesAny(ts []term, pod *corev1.Pod, namespace map[string]string) bool {
	for i := range ts {
		if ts[i].matches(pod, namespace) {
			return true
		}
	}
	return false
}
