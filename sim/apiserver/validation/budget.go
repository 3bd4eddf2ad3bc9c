package validation

import (
	policyv1 "k8s.io/api/policy/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
)

// budget is ValidatePodDisruptionBudget.
func (c *check) budget(b *policyv1.PodDisruptionBudget) {
	s := &b.Spec
	if s.MinAvailable != nil && s.MaxUnavailable != nil {
		c.invalid(spec, *s, "minAvailable and maxUnavailable cannot be both set")
	}
	if v := s.MinAvailable; v != nil {
		c.countOrPercent(spec.child("minAvailable"), *v)
		c.atMost100(spec.child("minAvailable"), *v)
	}
	if v := s.MaxUnavailable; v != nil {
		c.countOrPercent(spec.child("maxUnavailable"), *v)
		c.atMost100(spec.child("maxUnavailable"), *v)
	}
	c.selector(spec.child("selector"), s.Selector, false)
	if p := s.UnhealthyPodEvictionPolicy; p != nil {
		oneOf(c, spec.child("unhealthyPodEvictionPolicy"), *p, policyv1.AlwaysAllow, policyv1.IfHealthyBudget)
	}
}

func (c *check) budgetStatus(b *policyv1.PodDisruptionBudget) {
	p, s := in("status"), &b.Status
	conditions := p.child("conditions")
	c.add(metavalidation.ValidateConditions(s.Conditions, conditions.field()))
	nonNegative(c, p.child("disruptionsAllowed"), s.DisruptionsAllowed)
	nonNegative(c, p.child("currentHealthy"), s.CurrentHealthy)
	nonNegative(c, p.child("desiredHealthy"), s.DesiredHealthy)
	nonNegative(c, p.child("expectedPods"), s.ExpectedPods)
}
