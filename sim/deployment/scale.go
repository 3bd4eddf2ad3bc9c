package deployment

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func sum(sets []*appsv1.ReplicaSet, of func(*appsv1.ReplicaSet) int32) (n int32) {
	for _, rs := range sets {
		n += of(rs)
	}
	return n
}

func specReplicas(rs *appsv1.ReplicaSet) int32      { return *rs.Spec.Replicas }
func availableReplicas(rs *appsv1.ReplicaSet) int32 { return rs.Status.AvailableReplicas }

// active returns the ReplicaSets that ought to have pods.
func active(sets []*appsv1.ReplicaSet) []*appsv1.ReplicaSet {
	return slices.DeleteFunc(slices.Clone(sets), func(rs *appsv1.ReplicaSet) bool { return *rs.Spec.Replicas == 0 })
}

func rolls(d *appsv1.Deployment) bool {
	return d.Spec.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType
}

// fenceposts resolves maxSurge, rounded up, and maxUnavailable, rounded down; both
// cannot be 0 (ResolveFenceposts).
func fenceposts(d *appsv1.Deployment) (surge, unavailable int32) {
	zero, roll := intstr.FromInt32(0), d.Spec.Strategy.RollingUpdate
	up, err := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(roll.MaxSurge, zero), int(*d.Spec.Replicas), true)
	if err != nil {
		return 0, 0
	}
	down, err := intstr.GetScaledValueFromIntOrPercent(intstr.ValueOrDefault(roll.MaxUnavailable, zero), int(*d.Spec.Replicas), false)
	if err != nil {
		return 0, 0
	}
	if up == 0 && down == 0 {
		down = 1
	}
	return int32(up), int32(down)
}

// MaxSurge is how many pods more than its replicas a Deployment may have.
func MaxSurge(d *appsv1.Deployment) int32 {
	if !rolls(d) {
		return 0
	}
	surge, _ := fenceposts(d)
	return surge
}

// MaxUnavailable is how many of its replicas a Deployment can do without.
func MaxUnavailable(d *appsv1.Deployment) int32 {
	if !rolls(d) || *d.Spec.Replicas == 0 {
		return 0
	}
	_, unavailable := fenceposts(d)
	return min(unavailable, *d.Spec.Replicas)
}

// newSize is how many replicas the new ReplicaSet can have by now (NewRSNewReplicas).
func newSize(d *appsv1.Deployment, sets []*appsv1.ReplicaSet, fresh *appsv1.ReplicaSet) (int32, error) {
	switch d.Spec.Strategy.Type {
	case appsv1.RollingUpdateDeploymentStrategyType:
		surge, err := intstr.GetScaledValueFromIntOrPercent(d.Spec.Strategy.RollingUpdate.MaxSurge, int(*d.Spec.Replicas), true)
		if err != nil {
			return 0, err
		}
		now, most := sum(sets, specReplicas), *d.Spec.Replicas+int32(surge)
		if now >= most {
			return *fresh.Spec.Replicas, nil
		}
		return *fresh.Spec.Replicas + min(most-now, *d.Spec.Replicas-*fresh.Spec.Replicas), nil
	case appsv1.RecreateDeploymentStrategyType:
		return *d.Spec.Replicas, nil
	}
	return 0, fmt.Errorf("deployment type %v isn't supported", d.Spec.Strategy.Type)
}

// scaleTo gives a ReplicaSet a size, and says in it for which replicas; without
// force only if the size is another (scaleReplicaSet).
func (s *sync) scaleTo(rs *appsv1.ReplicaSet, size int32, force bool) (scaled bool, now *appsv1.ReplicaSet, err error) {
	old, desired := *rs.Spec.Replicas, *s.d.Spec.Replicas
	most := desired + MaxSurge(s.d)
	if old == size && (!force || isAnnotated(rs, desired, most)) {
		return false, rs, nil
	}
	next := rs.DeepCopy()
	next.Spec.Replicas = &size
	annotateSize(next, desired, most)
	if next, err = s.updateSet(next); err != nil || old == size {
		return false, next, err
	}
	way := "down"
	if old < size {
		way = "up"
	}
	s.note(corev1.EventTypeNormal, "ScalingReplicaSet", fmt.Sprintf("Scaled %s replica set %s from %d to %d", way, next.Name, old, size))
	return true, next, nil
}

// scaleNew scales the new ReplicaSet as far as the surge goes
// (reconcileNewReplicaSet).
func (s *sync) scaleNew(sets []*appsv1.ReplicaSet, fresh *appsv1.ReplicaSet) (bool, error) {
	want := *s.d.Spec.Replicas
	if *fresh.Spec.Replicas == want {
		return false, nil
	}
	size := want
	if *fresh.Spec.Replicas < want {
		var err error
		if size, err = newSize(s.d, sets, fresh); err != nil {
			return false, err
		}
	}
	scaled, _, err := s.scaleTo(fresh, size, false)
	return scaled, err
}

// scaleOld scales old ReplicaSets down: first by their unhealthy pods, then as far as
// there are more available pods than there have to be (reconcileOldReplicaSets). A
// failure counts as nothing done.
func (s *sync) scaleOld(sets, old []*appsv1.ReplicaSet, fresh *appsv1.ReplicaSet) bool {
	if sum(old, specReplicas) == 0 {
		return false
	}
	least := *s.d.Spec.Replicas - MaxUnavailable(s.d)
	most := sum(sets, specReplicas) - least - (*fresh.Spec.Replicas - fresh.Status.AvailableReplicas)
	if most <= 0 {
		return false
	}
	old = slices.SortedFunc(slices.Values(old), older)
	cleaned, err := s.cleanUnhealthy(old, most)
	if err != nil {
		return false
	}
	scaled, err := s.scaleHealthy(all(old, fresh), old, least)
	return err == nil && cleaned+scaled > 0
}

// cleanUnhealthy takes from each old ReplicaSet the pods that are not available, most
// in all (cleanupUnhealthyReplicas). It puts what it has scaled into old.
func (s *sync) cleanUnhealthy(old []*appsv1.ReplicaSet, most int32) (total int32, err error) {
	for i, rs := range old {
		if total >= most {
			break
		}
		if *rs.Spec.Replicas == 0 || *rs.Spec.Replicas == rs.Status.AvailableReplicas {
			continue
		}
		n := min(most-total, *rs.Spec.Replicas-rs.Status.AvailableReplicas)
		if n < 0 {
			return 0, fmt.Errorf("when cleaning up unhealthy replicas, got invalid request to scale down %s/%s %d -> %d", rs.Namespace, rs.Name, *rs.Spec.Replicas, *rs.Spec.Replicas-n)
		}
		_, now, err := s.scaleTo(rs, *rs.Spec.Replicas-n, false)
		if err != nil {
			return total, err
		}
		total += n
		old[i] = now
	}
	return total, nil
}

// scaleHealthy takes from the old ReplicaSets, oldest first, what more is available than
// has to be (scaleDownOldReplicaSetsForRollingUpdate).
func (s *sync) scaleHealthy(sets, old []*appsv1.ReplicaSet, least int32) (total int32, err error) {
	most := sum(sets, availableReplicas) - least
	for _, rs := range old {
		if total >= most {
			break
		}
		if *rs.Spec.Replicas == 0 {
			continue
		}
		n := min(*rs.Spec.Replicas, most-total)
		if _, _, err := s.scaleTo(rs, *rs.Spec.Replicas-n, false); err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// share is W9 (scale).
func (s *sync) share(fresh *appsv1.ReplicaSet, old []*appsv1.ReplicaSet) error {
	d := s.d
	want := *d.Spec.Replicas
	if only, ok := activeOrLatest(fresh, old); ok {
		if only == nil || *only.Spec.Replicas == want {
			return nil
		}
		_, _, err := s.scaleTo(only, want, false)
		return err
	}
	// Upstream sorts old by age, the youngest first, when it looks for the latest.
	old = slices.SortedFunc(slices.Values(old), func(a, b *appsv1.ReplicaSet) int { return older(b, a) })
	if isSaturated(d, fresh) {
		for _, rs := range active(old) {
			if _, _, err := s.scaleTo(rs, 0, false); err != nil {
				return err
			}
		}
		return nil
	}
	if !rolls(d) {
		return nil
	}
	return s.shareOut(active(all(old, fresh)))
}

// activeOrLatest returns the ReplicaSet that alone has pods, or the latest if none
// has; ok is false if several have (FindActiveOrLatest).
func activeOrLatest(fresh *appsv1.ReplicaSet, old []*appsv1.ReplicaSet) (rs *appsv1.ReplicaSet, ok bool) {
	sets := active(all(old, fresh))
	switch {
	case len(sets) > 1:
		return nil, false
	case len(sets) == 1:
		return sets[0], true
	case fresh != nil:
		return fresh, true
	case len(old) > 0:
		return slices.MaxFunc(old, older), true
	}
	return nil, false
}

// isSaturated reports whether the new ReplicaSet has all that is asked for.
func isSaturated(d *appsv1.Deployment, rs *appsv1.ReplicaSet) bool {
	if rs == nil {
		return false
	}
	desired, ok := annotatedNumber(rs, DesiredReplicas)
	return ok && *rs.Spec.Replicas == *d.Spec.Replicas && desired == *d.Spec.Replicas && rs.Status.AvailableReplicas == *d.Spec.Replicas
}

// shareOut gives each ReplicaSet its part of what is to be added or taken away; what
// rounding leaves goes to the largest.
func (s *sync) shareOut(sets []*appsv1.ReplicaSet) error {
	d := s.d
	allowed := int32(0)
	if *d.Spec.Replicas > 0 {
		allowed = *d.Spec.Replicas + MaxSurge(d)
	}
	add := allowed - sum(sets, specReplicas)
	switch {
	case add > 0: // among equals the newer grows
		slices.SortFunc(sets, func(a, b *appsv1.ReplicaSet) int {
			return cmp.Or(cmp.Compare(*b.Spec.Replicas, *a.Spec.Replicas), older(b, a))
		})
	case add < 0: // among equals the older shrinks
		slices.SortFunc(sets, func(a, b *appsv1.ReplicaSet) int {
			return cmp.Or(cmp.Compare(*b.Spec.Replicas, *a.Spec.Replicas), older(a, b))
		})
	}
	sizes, added := make([]int32, len(sets)), int32(0)
	for i, rs := range sets {
		part := proportion(d, rs, add, added)
		sizes[i] = *rs.Spec.Replicas + part
		added += part
	}
	for i, rs := range sets {
		if i == 0 && add != 0 {
			sizes[0] = max(sizes[0]+add-added, 0)
		}
		if _, _, err := s.scaleTo(rs, sizes[i], true); err != nil {
			return err
		}
	}
	return nil
}

// proportion is the part of a ReplicaSet (GetReplicaSetProportion).
func proportion(d *appsv1.Deployment, rs *appsv1.ReplicaSet, add, added int32) int32 {
	if *rs.Spec.Replicas == 0 || add == 0 || add == added {
		return 0
	}
	if add > 0 {
		return min(fraction(d, rs), add-added)
	}
	return max(fraction(d, rs), add-added)
}

func fraction(d *appsv1.Deployment, rs *appsv1.ReplicaSet) int32 {
	if *d.Spec.Replicas == 0 {
		return -*rs.Spec.Replicas
	}
	before, ok := annotatedNumber(rs, MaxReplicas)
	if !ok || before == 0 {
		if before = d.Status.Replicas; before == 0 {
			return 0
		}
	}
	size := float64(*rs.Spec.Replicas*(*d.Spec.Replicas+MaxSurge(d))) / float64(before)
	return roundToInt32(size) - *rs.Spec.Replicas
}

// roundToInt32 is integer.RoundToInt32: half away from zero, by truncation.
func roundToInt32(x float64) int32 {
	if x < 0 {
		return int32(x - 0.5)
	}
	return int32(math.Trunc(x + 0.5))
}

// cleanUp is W11 (cleanupDeployment).
func (s *sync) cleanUp(old []*appsv1.ReplicaSet) error {
	limit := s.d.Spec.RevisionHistoryLimit
	if limit == nil || *limit == math.MaxInt32 {
		return nil
	}
	old = slices.DeleteFunc(slices.Clone(old), func(rs *appsv1.ReplicaSet) bool { return rs.DeletionTimestamp != nil })
	more := len(old) - int(*limit)
	if more <= 0 {
		return nil
	}
	slices.SortFunc(old, func(a, b *appsv1.ReplicaSet) int {
		x, errX := RevisionOf(a)
		y, errY := RevisionOf(b)
		if errX != nil || errY != nil {
			return older(a, b)
		}
		return cmp.Or(cmp.Compare(x, y), older(a, b))
	})
	for _, rs := range old[:more] {
		if rs.Status.Replicas != 0 || *rs.Spec.Replicas != 0 || rs.Generation > rs.Status.ObservedGeneration {
			continue
		}
		res := s.Do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.ReplicaSet, Key: apiserver.KeyOf(rs)})
		if res.Err != nil && !apierrors.IsNotFound(res.Err) {
			return res.Err
		}
	}
	return nil
}
