package apiserver

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver/quota"
)

// quotaAuthor is who writes what the plugin charges: the server itself, by a
// request of its own.
const quotaAuthor = "kube-apiserver"

// charge is the plugin ResourceQuota: it charges the quotas of a namespace for what
// a write takes of them, or refuses it (Q4, CheckRequest). It is the last plugin:
// what it has charged stays charged if the write then fails, until the quota's
// controller has counted again.
func (s *Server) charge(kind Kind, obj, old Object, status bool) error {
	if s.Count(ResourceQuota) == 0 || !s.asks(resourceQuota) || !kind.Namespaced() {
		return nil
	}
	r, ok := quota.Of(kind.GroupResource())
	if !ok || !r.Handles(status, obj, old) {
		return nil
	}
	quotas, err := s.chargeable(kind, &r, obj)
	if err != nil || len(quotas) == 0 {
		return err
	}
	now := WallTime(s.now)
	usage := r.Usage(obj, now)
	var before corev1.ResourceList
	if old != nil {
		before = r.Usage(old, now)
	}
	var charges []charged
	var over []error
	for _, q := range quotas {
		var had corev1.ResourceList // what an object has already taken of this quota
		if old != nil && r.Selects(q, old) {
			had = before
		}
		more := quota.Mask(quota.Growth(usage, had), quota.Names(q.Status.Hard))
		if len(more) == 0 {
			continue
		}
		used := quota.Add(q.Status.Used, more)
		if names := quota.Exceeded(quota.Mask(used, quota.Names(more)), q.Status.Hard); len(names) > 0 && !status {
			over = append(over, forbidden(kind, obj, fmt.Errorf("exceeded quota: %s, requested: %s, used: %s, limited: %s", q.Name,
				quota.Format(quota.Mask(more, names)), quota.Format(quota.Mask(q.Status.Used, names)), quota.Format(quota.Mask(q.Status.Hard, names)))))
		}
		charges = append(charges, charged{q, used})
	}
	if len(over) > 0 {
		return s.oneOf(obj, over)
	}
	asked := s.by
	s.by = quotaAuthor
	for _, c := range charges {
		next := *c.quota
		next.Status.Used = c.used
		s.write(watch.Modified, ResourceQuota, &next, c.quota)
	}
	s.by = asked
	return nil
}

// charged is a quota, and what is used of it after a write.
type charged struct {
	quota *corev1.ResourceQuota
	used  corev1.ResourceList
}

// chargeable returns the quotas that an object takes of, or why one of them cannot
// be charged: the object does not say what it takes, or the controller has not
// counted yet.
func (s *Server) chargeable(kind Kind, r *quota.Resource, obj Object) ([]*corev1.ResourceQuota, error) {
	var quotas []*corev1.ResourceQuota
	var refusals []error
	for _, o := range s.List(ResourceQuota, obj.GetNamespace()) {
		q := o.(*corev1.ResourceQuota)
		if !r.Selects(q, obj) {
			continue
		}
		names := r.Matching(q.Status.Hard)
		if missing := r.Constraints(names, obj); missing != "" {
			refusals = append(refusals, forbidden(kind, obj, fmt.Errorf("failed quota: %s: %s", q.Name, missing)))
		} else if len(quota.Mask(q.Status.Used, names)) < len(names) {
			refusals = append(refusals, forbidden(kind, obj, fmt.Errorf("status unknown for quota: %s, resources: %s", q.Name, quota.Join(names))))
		}
		quotas = append(quotas, q)
	}
	if len(refusals) > 0 {
		return nil, s.oneOf(obj, refusals)
	}
	return quotas, nil
}

// oneOf picks the refusal that is told: upstream meets the quotas in the order of
// a map, and stops at the first.
func (s *Server) oneOf(obj Object, refusals []error) error {
	return refusals[s.engine.Choose("quota/refusal", KeyOf(obj).String(), len(refusals))]
}
