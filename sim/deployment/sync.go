package deployment

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// Step implements controller.Machine (syncDeployment).
func (c *Controller) Step(v controller.View, key apiserver.Key, j controller.Journal, results [][]apiserver.Result) (controller.Plan, controller.Journal) {
	return controller.Resume(v, j, results, func(r *controller.Replay) error {
		d := controller.Object[*appsv1.Deployment](r, apiserver.Deployment, key)
		if d == nil {
			return nil
		}
		s := &sync{Replay: r, c: c, d: d.DeepCopy()}
		err := s.run()
		if podcontrol.IsNamespaceTerminating(err) {
			return nil
		}
		return err
	})
}

// sync is one of a Deployment: d changes as upstream's copy of it does.
type sync struct {
	*controller.Replay
	c *Controller
	d *appsv1.Deployment
}

func (s *sync) note(typ, reason, message string) {
	s.Note(controller.Note{About: s.d, Type: typ, Reason: reason, Message: message})
}

// writeStatus writes the status as it is in d; its version stays what it was. Times
// go over the wire in whole seconds (A11); within the sync they have fractions.
func (s *sync) writeStatus() error {
	d := *s.d
	d.Status.Conditions = slices.Clone(d.Status.Conditions)
	for i := range d.Status.Conditions {
		c := &d.Status.Conditions[i]
		c.LastUpdateTime.Time, c.LastTransitionTime.Time = c.LastUpdateTime.Truncate(time.Second), c.LastTransitionTime.Truncate(time.Second)
	}
	return s.Do(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Status, Kind: apiserver.Deployment, Key: apiserver.KeyOf(&d), Object: &d}).Err
}

func (s *sync) run() error {
	d := s.d
	if apiequality.Semantic.DeepEqual(d.Spec.Selector, &metav1.LabelSelector{}) {
		s.note(corev1.EventTypeWarning, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.")
		if d.Status.ObservedGeneration < d.Generation {
			d.Status.ObservedGeneration = d.Generation
			_ = s.writeStatus() // upstream does not look, either
		}
		return nil
	}
	sets, err := s.claim()
	if err != nil {
		return err
	}
	if d.DeletionTimestamp != nil {
		fresh, old, err := s.revise(sets, false)
		if err != nil {
			return err
		}
		return s.syncStatus(all(old, fresh), fresh)
	}
	if err := s.checkPaused(); err != nil {
		return err
	}
	if d.Spec.Paused {
		return s.resize(sets)
	}
	if to, ok := rollbackOf(d); ok {
		return s.rollBack(sets, to)
	}
	if scaled, err := s.isScaled(sets); err != nil {
		return err
	} else if scaled {
		return s.resize(sets)
	}
	switch d.Spec.Strategy.Type {
	case appsv1.RecreateDeploymentStrategyType:
		return s.recreate(sets)
	case appsv1.RollingUpdateDeploymentStrategyType:
		return s.roll(sets)
	}
	return fmt.Errorf("unexpected deployment strategy type: %s", d.Spec.Strategy.Type)
}

// claim returns the ReplicaSets that the Deployment owns, after it has released and
// adopted what there is to (W1, getReplicaSetsForDeployment), oldest first.
func (s *sync) claim() ([]*appsv1.ReplicaSet, error) {
	d := s.d
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("deployment %s/%s has invalid label selector: %v", d.Namespace, d.Name, err)
	}
	type kin struct {
		mine             []*appsv1.ReplicaSet
		misfits, orphans []apiserver.Object
	}
	k := controller.Read(s.Replay, func(controller.View) *kin {
		k := &kin{}
		for _, rs := range s.c.owned[d.UID] { // sorted below
			if selector.Matches(labels.Set(rs.Labels)) {
				k.mine = append(k.mine, rs)
			} else {
				k.misfits = append(k.misfits, rs)
			}
		}
		for _, rs := range s.c.orphans[d.Namespace] { // sorted below
			if rs.DeletionTimestamp == nil && selector.Matches(labels.Set(rs.Labels)) {
				k.orphans = append(k.orphans, rs)
			}
		}
		slices.SortFunc(k.misfits, byName)
		slices.SortFunc(k.orphans, byName)
		return k
	})
	claimer := podcontrol.Claimer{Owner: d, OwnerKind: apiserver.Deployment, Patched: func(apiserver.Object) {}}
	adopted, err := claimer.Claim(s.Replay, k.misfits, k.orphans)
	if err != nil {
		return nil, err
	}
	sets := slices.Clone(k.mine)
	for _, obj := range adopted {
		sets = append(sets, obj.(*appsv1.ReplicaSet))
	}
	slices.SortFunc(sets, older)
	return sets, nil
}

func byName(a, b apiserver.Object) int { return apiserver.KeyOf(a).Compare(apiserver.KeyOf(b)) }

// all is the old ReplicaSets and the new one, if there is one.
func all(old []*appsv1.ReplicaSet, fresh *appsv1.ReplicaSet) []*appsv1.ReplicaSet {
	if fresh == nil {
		return old
	}
	return append(slices.Clip(old), fresh)
}

// resize shares out the replicas where the Deployment was scaled or is paused
// (sync).
func (s *sync) resize(sets []*appsv1.ReplicaSet) error {
	fresh, old, err := s.revise(sets, false)
	if err != nil {
		return err
	}
	if err := s.share(fresh, old); err != nil {
		return err
	}
	if _, rolls := rollbackOf(s.d); s.d.Spec.Paused && !rolls {
		if err := s.cleanUp(old); err != nil {
			return err
		}
	}
	return s.syncStatus(all(old, fresh), fresh)
}

// isScaled reports whether an active ReplicaSet was made for another number of
// replicas (isScalingEvent).
func (s *sync) isScaled(sets []*appsv1.ReplicaSet) (bool, error) {
	fresh, old, err := s.revise(sets, false)
	if err != nil {
		return false, err
	}
	for _, rs := range active(all(old, fresh)) {
		if desired, ok := annotatedNumber(rs, DesiredReplicas); ok && desired != *s.d.Spec.Replicas {
			return true, nil
		}
	}
	return false, nil
}

// roll is W7 (rolloutRolling).
func (s *sync) roll(sets []*appsv1.ReplicaSet) error {
	fresh, old, err := s.revise(sets, true)
	if err != nil {
		return err
	}
	sets = all(old, fresh)
	scaled, err := s.scaleNew(sets, fresh)
	if err != nil {
		return err
	}
	if !scaled {
		scaled = s.scaleOld(sets, active(old), fresh)
	}
	if !scaled && isComplete(s.d, &s.d.Status) {
		if err := s.cleanUp(old); err != nil {
			return err
		}
	}
	return s.syncRollout(sets, fresh)
}

// recreate is W8 (rolloutRecreate).
func (s *sync) recreate(sets []*appsv1.ReplicaSet) error {
	fresh, old, err := s.revise(sets, false)
	if err != nil {
		return err
	}
	scaled := false
	for _, rs := range active(old) {
		did, _, err := s.scaleTo(rs, 0, false)
		if err != nil {
			return err
		}
		scaled = scaled || did
	}
	if scaled || s.oldPodsRun(fresh, old) {
		return s.syncRollout(all(old, fresh), fresh)
	}
	if fresh == nil {
		if fresh, old, err = s.revise(sets, true); err != nil {
			return err
		}
	}
	if _, _, err := s.scaleTo(fresh, *s.d.Spec.Replicas, false); err != nil {
		return err
	}
	if isComplete(s.d, &s.d.Status) {
		if err := s.cleanUp(old); err != nil {
			return err
		}
	}
	return s.syncRollout(all(old, fresh), fresh)
}

// oldPodsRun reports whether a pod of an old ReplicaSet has not ended
// (oldPodsRunning).
func (s *sync) oldPodsRun(fresh *appsv1.ReplicaSet, old []*appsv1.ReplicaSet) bool {
	if sum(old, func(rs *appsv1.ReplicaSet) int32 { return rs.Status.Replicas }) > 0 {
		return true
	}
	if len(old) == 0 {
		return false
	}
	return controller.Read(s.Replay, func(v controller.View) bool {
		return slices.ContainsFunc(v.List(apiserver.Pod, s.d.Namespace), func(obj apiserver.Object) bool {
			return !podcontrol.IsTerminal(obj.(*corev1.Pod)) &&
				slices.ContainsFunc(old, func(rs *appsv1.ReplicaSet) bool { return metav1.IsControlledBy(obj, rs) })
		})
	})
}
