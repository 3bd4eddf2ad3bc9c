package validation

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const weights = "must be in the range 1-100"

// affinity is validateAffinity.
func (c *check) affinity(p path, a *corev1.Affinity) {
	const (
		required  = "requiredDuringSchedulingIgnoredDuringExecution"
		preferred = "preferredDuringSchedulingIgnoredDuringExecution"
	)
	if n := a.NodeAffinity; n != nil {
		at := p.child("nodeAffinity")
		if n.RequiredDuringSchedulingIgnoredDuringExecution != nil {
			c.nodeSelector(at.child(required), n.RequiredDuringSchedulingIgnoredDuringExecution)
		}
		terms := at.child(preferred)
		for i := range n.PreferredDuringSchedulingIgnoredDuringExecution {
			t, at := &n.PreferredDuringSchedulingIgnoredDuringExecution[i], terms.at(i)
			if t.Weight <= 0 || t.Weight > 100 {
				c.invalid(at.child("weight"), t.Weight, weights)
			}
			c.nodeTerm(at.child("preference"), &t.Preference, true)
		}
	}
	if q := a.PodAffinity; q != nil {
		at := p.child("podAffinity")
		c.podTerms(at.child(required), q.RequiredDuringSchedulingIgnoredDuringExecution)
		c.weightedTerms(at.child(preferred), q.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if q := a.PodAntiAffinity; q != nil {
		at := p.child("podAntiAffinity")
		c.podTerms(at.child(required), q.RequiredDuringSchedulingIgnoredDuringExecution)
		c.weightedTerms(at.child(preferred), q.PreferredDuringSchedulingIgnoredDuringExecution)
	}
}

// nodeSelector is ValidateNodeSelector.
func (c *check) nodeSelector(p path, s *corev1.NodeSelector) {
	terms := p.child("nodeSelectorTerms")
	if len(s.NodeSelectorTerms) == 0 {
		c.required(terms, "must have at least one node selector term")
	}
	for i := range s.NodeSelectorTerms {
		c.nodeTerm(terms.at(i), &s.NodeSelectorTerms[i], false)
	}
}

func (c *check) nodeTerm(p path, t *corev1.NodeSelectorTerm, anyValue bool) {
	exprs, fields := p.child("matchExpressions"), p.child("matchFields")
	for i := range t.MatchExpressions {
		c.nodeExpression(exprs.at(i), &t.MatchExpressions[i], anyValue)
	}
	for i := range t.MatchFields {
		c.nodeField(fields.at(i), &t.MatchFields[i])
	}
}

// nodeExpression is ValidateNodeSelectorRequirement.
func (c *check) nodeExpression(p path, r *corev1.NodeSelectorRequirement, anyValue bool) {
	values := p.child("values")
	switch r.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		if len(r.Values) == 0 {
			c.required(values, "must be specified when `operator` is 'In' or 'NotIn'")
		}
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		if len(r.Values) > 0 {
			c.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
		}
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		if len(r.Values) != 1 {
			c.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'")
		}
	default:
		c.invalid(p.child("operator"), r.Operator, "not a valid selector operator")
	}
	c.qualified(p.child("key"), r.Key)
	if anyValue {
		return
	}
	for i, v := range r.Values {
		c.labelValue(values.at(i), v)
	}
}

// nodeField is ValidateNodeFieldSelectorRequirement: only names can be asked
// for.
func (c *check) nodeField(p path, r *corev1.NodeSelectorRequirement) {
	values := p.child("values")
	switch r.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		if len(r.Values) != 1 {
			c.required(values, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
		}
	default:
		c.invalid(p.child("operator"), r.Operator, "not a valid selector operator")
	}
	if r.Key != metav1.ObjectNameField {
		c.invalid(p.child("key"), r.Key, "not a valid field selector key")
		return
	}
	for i, v := range r.Values {
		c.name(values.at(i), v, subdomainName)
	}
}

func (c *check) podTerms(p path, terms []corev1.PodAffinityTerm) {
	for i := range terms {
		c.podTerm(p.at(i), &terms[i])
	}
}

func (c *check) weightedTerms(p path, terms []corev1.WeightedPodAffinityTerm) {
	for i := range terms {
		at := p.at(i)
		if w := terms[i].Weight; w <= 0 || w > 100 {
			c.invalid(at.child("weight"), w, weights)
		}
		c.podTerm(at.child("podAffinityTerm"), &terms[i].PodAffinityTerm)
	}
}

// podTerm is validatePodAffinityTerm.
func (c *check) podTerm(p path, t *corev1.PodAffinityTerm) {
	c.selector(p.child("labelSelector"), t.LabelSelector, false)
	c.selector(p.child("namespaceSelector"), t.NamespaceSelector, false)
	for _, n := range t.Namespaces {
		c.name(p.child("namespace"), n, labelName)
	}
	c.matchLabelKeys(p, t.MatchLabelKeys, t.MismatchLabelKeys, t.LabelSelector)
	if t.TopologyKey == "" {
		c.required(p.child("topologyKey"), "can not be empty")
	}
	c.qualified(p.child("topologyKey"), t.TopologyKey)
}

// matchLabelKeys is ValidateMatchLabelKeysAndMismatchLabelKeys. The server
// merges the keys into the selector itself, so a key may stand there once.
func (c *check) matchLabelKeys(p path, match, mismatch []string, s *metav1.LabelSelector) {
	c.labelKeys(p.child("matchLabelKeys"), match, s)
	c.labelKeys(p.child("mismatchLabelKeys"), mismatch, s)
	if s != nil {
		seen := make([]string, 0, len(s.MatchExpressions))
		for _, e := range s.MatchExpressions {
			_, labelled := s.MatchLabels[e.Key]
			i := -1
			for j, k := range match { // the last of equal keys, as upstream's map has it
				if k == e.Key {
					i = j
				}
			}
			if i >= 0 && (labelled || slices.Contains(seen, e.Key)) {
				c.invalid(p.at(i), e.Key, "exists in both matchLabelKeys and labelSelector")
			}
			seen = append(seen, e.Key)
		}
	}
	keys := p.child("matchLabelKeys")
	for i, k := range match {
		if slices.Contains(mismatch, k) {
			c.invalid(keys.at(i), k, "exists in both matchLabelKeys and mismatchLabelKeys")
		}
	}
}

func (c *check) labelKeys(p path, keys []string, s *metav1.LabelSelector) {
	if len(keys) == 0 {
		return
	}
	if s == nil {
		c.forbidden(p, "must not be specified when labelSelector is not set")
		return
	}
	for i, k := range keys {
		c.qualified(p.at(i), k)
	}
}
