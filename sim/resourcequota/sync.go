package resourcequota

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/quota"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// stage is where a sync stands.
type stage uint8

const (
	begun stage = iota
	written
)

// Step implements controller.Machine (Q5, syncResourceQuota).
func (c *Controller) Step(v controller.View, key apiserver.Key, at stage, results [][]apiserver.Result) (controller.Plan, stage) {
	if at == written {
		return controller.Plan{Err: results[0][0].Err}, at
	}
	q := find(v, key)
	if q == nil {
		return controller.Plan{}, at
	}
	used := c.used(q)
	if q.Status.Hard != nil && q.Status.Used != nil && isCurrent(q, used) {
		return controller.Plan{}, at
	}
	next := *q
	next.Status = corev1.ResourceQuotaStatus{Hard: q.Spec.Hard, Used: c.formatted(v, key, used)}
	return controller.Send(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status,
		Kind: apiserver.ResourceQuota, Key: key, Object: &next}), written
}

// isCurrent reports whether a quota's status says what is wanted and used.
func isCurrent(q *corev1.ResourceQuota, used corev1.ResourceList) bool {
	return apiequality.Semantic.DeepEqual(q.Spec.Hard, q.Status.Hard) && quota.Equal(used, q.Status.Used)
}

// used returns what is used of a quota by what the controller has seen; of what
// nothing is counted by, what was said before (CalculateUsage).
func (c *Controller) used(q *corev1.ResourceQuota) corev1.ResourceList {
	used := corev1.ResourceList{}
	t := c.roster.spaces[q.Namespace].tallies[q.Name]
	for name := range q.Spec.Hard { // each for itself
		if c.counts(name) {
			used[name] = t.sums[name].total
		} else if before, ok := q.Status.Used[name]; ok {
			used[name] = before
		}
	}
	return used
}

// formatted writes sums as upstream does, which adds things up in the order of a
// map: as one of those that are not zero.
func (c *Controller) formatted(v controller.View, key apiserver.Key, used corev1.ResourceList) corev1.ResourceList {
	t := c.roster.spaces[key.Namespace].tallies[key.Name]
	written := maps.Clone(used)
	for _, name := range quota.Names(used) {
		if !c.counts(name) {
			continue
		}
		var options []resource.Format
		for i, n := range t.sums[name].forms {
			if n > 0 {
				options = append(options, forms[i])
			}
		}
		if len(options) == 0 {
			options = []resource.Format{resource.DecimalSI}
		}
		q := used[name].DeepCopy()
		q.Format = options[v.Choose("quota/format", key.String()+"/"+string(name), len(options))]
		written[name] = q
	}
	return written
}
