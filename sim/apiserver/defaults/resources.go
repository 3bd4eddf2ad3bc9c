package defaults

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// resourceList is SetDefaults_ResourceList: quantities finer than a thousandth
// are rounded up. It reports whether *l was replaced.
func resourceList(l *corev1.ResourceList) bool {
	changed := false
	for name, q := range *l { // each entry for itself: order does not matter
		r := q.DeepCopy()
		if r.RoundUp(resource.Milli) {
			continue
		}
		if !changed {
			*l, changed = maps.Clone(*l), true
		}
		(*l)[name] = r
	}
	return changed
}

// requestsFromLimits is the part of A3 that pods have and templates have not:
// a request that is missing equals the limit.
func requestsFromLimits(c *corev1.Container) *corev1.Container {
	o := own[corev1.Container]{v: c}
	if c.Resources.Limits == nil {
		return c
	}
	requests := c.Resources.Requests
	if requests == nil {
		requests = corev1.ResourceList{}
		o.write().Resources.Requests = requests
	}
	for name, q := range c.Resources.Limits { // each entry for itself: order does not matter
		if _, ok := c.Resources.Requests[name]; ok {
			continue
		}
		if !o.copied {
			requests = maps.Clone(requests)
			o.write().Resources.Requests = requests
		}
		requests[name] = q.DeepCopy()
	}
	return o.v
}
