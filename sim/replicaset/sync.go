package replicaset

import (
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// burst is how many pods a sync creates or deletes at most (BurstReplicas).
const burst = 500

// Step implements controller.Machine (syncReplicaSet).
func (c *Controller) Step(v controller.View, key apiserver.Key, j controller.Journal, results [][]apiserver.Result) (controller.Plan, controller.Journal) {
	return controller.Resume(v, j, results, func(r *controller.Replay) error { return c.sync(r, key) })
}

// picture is what a sync goes by: the pods as they were when it began.
type picture struct {
	tally
	ripening         []time.Time
	misfits, orphans []apiserver.Object
	pods             []*corev1.Pod // the active ones, if any may have to go
}

func (c *Controller) sync(r *controller.Replay, key apiserver.Key) error {
	if err := controller.Read(r, func(v controller.View) error { return c.written.Behind(v, key) }); err != nil {
		return err
	}
	set := controller.Object[*appsv1.ReplicaSet](r, apiserver.ReplicaSet, key)
	if set == nil {
		r.Once(func(engine.Time) {
			c.written.Clear(key, "")
			c.expectations.Drop(key)
		})
		return nil
	}
	met := controller.Read(r, func(v controller.View) bool { return c.expectations.AreMet(key, v.Now()) })
	p := controller.Read(r, func(v controller.View) *picture { return c.look(set, v) })
	claimer := podcontrol.Claimer{Owner: set, OwnerKind: apiserver.ReplicaSet, Patched: func(obj apiserver.Object) {
		if uid := podcontrol.ControllerUID(obj); uid != "" {
			c.written.Wrote(key, uid, obj)
		}
	}}
	adopted, err := claimer.Claim(r, p.misfits, p.orphans)
	if err != nil {
		return err
	}
	var failure error
	if met && set.DeletionTimestamp == nil {
		failure = c.manage(r, set, p, adopted)
	}
	now := apiserver.WallTime(r.Now())
	status := statusOf(set, p, adopted, failure, r.Now())
	updated, err := write(r, set, status)
	if err != nil {
		return err
	}
	r.Once(func(engine.Time) { c.written.Wrote(key, set.UID, updated) })
	if failure != nil {
		return failure
	}
	if set.Spec.MinReadySeconds > 0 && updated.Status.ReadyReplicas != updated.Status.AvailableReplicas {
		r.After(p.nextCheck(updated, adopted, now, r.Now()), engine.Progress)
	}
	return nil
}

// look takes the picture of a set's pods.
func (c *Controller) look(set *appsv1.ReplicaSet, v controller.View) *picture {
	ro := c.rosterOf(ownerOf(set))
	if ro.set != set {
		ro.take(set) // the view and what was observed are one, but for a set of another UID
	}
	p := &picture{ripening: ro.ripen(apiserver.WallTime(v.Now()))}
	p.tally, p.misfits = ro.tally, ro.chosen(ro.misfits)
	free := c.orphans[set.Namespace]
	for _, name := range slices.Sorted(maps.Keys(free)) {
		if pod := free[name]; podcontrol.IsActive(pod) && ro.selector.Matches(labels.Set(pod.Labels)) {
			p.orphans = append(p.orphans, pod)
		}
	}
	if p.active+len(p.orphans) > int(*set.Spec.Replicas) {
		p.pods = ro.activePods()
	}
	return p
}

// manage creates the pods that are missing, or deletes those that are too many
// (manageReplicas).
func (c *Controller) manage(r *controller.Replay, set *appsv1.ReplicaSet, p *picture, adopted []apiserver.Object) error {
	switch diff := p.active + len(adopted) - int(*set.Spec.Replicas); {
	case diff < 0:
		return c.create(r, set, min(-diff, burst))
	case diff > 0:
		return c.delete(r, set, p, adopted, min(diff, burst))
	}
	return nil
}

// create is W2 and W4.
func (c *Controller) create(r *controller.Replay, set *appsv1.ReplicaSet, count int) error {
	key := apiserver.KeyOf(set)
	r.Once(func(now engine.Time) { c.expectations.Expect(key, now, count, nil) })
	template := &set.Spec.Template
	ref := *metav1.NewControllerRef(set, apiserver.ReplicaSet.GroupVersionKind())
	created, err := podcontrol.SlowStart(count, func(n int) []error {
		errs := make([]error, n)
		if len(template.Labels) == 0 {
			errs[0] = podcontrol.ErrNoLabels
			return errs[:1]
		}
		answers := r.Side(n, func(int) apiserver.Request { return podcontrol.Create(podcontrol.FromTemplate(template, set, ref)) })
		for i, res := range answers {
			errs[i] = podcontrol.Created(r, set, res)
			if errs[i] == nil {
				r.Once(func(engine.Time) { c.written.Wrote(key, set.UID, res.Object) })
			} else if podcontrol.IsNamespaceTerminating(errs[i]) {
				errs[i] = nil // nothing can be created any more
			}
		}
		return errs
	})
	r.Once(func(engine.Time) { c.expectations.Created(key, count-created) })
	return err
}

// delete is W3 and W4.
func (c *Controller) delete(r *controller.Replay, set *appsv1.ReplicaSet, p *picture, adopted []apiserver.Object, count int) error {
	key := apiserver.KeyOf(set)
	victims := controller.Read(r, func(v controller.View) []*corev1.Pod {
		pods := p.pods
		for _, obj := range adopted {
			pods = append(slices.Clip(pods), obj.(*corev1.Pod))
		}
		ranking := podcontrol.Ranking{Now: apiserver.WallTime(v.Now()), Costs: true, Doubled: c.doubled(set),
			Tie: uint64(v.Choose("replicaset/victims", key.String(), 1<<30))}
		return ranking.Worst(pods, count)
	})
	r.Once(func(now engine.Time) {
		keys := make([]apiserver.Key, len(victims))
		for i, pod := range victims {
			keys[i] = apiserver.KeyOf(pod)
		}
		c.expectations.Expect(key, now, 0, keys)
	})
	var first error
	for i, res := range r.Side(count, func(i int) apiserver.Request { return podcontrol.Delete(victims[i]) }) {
		err := podcontrol.Deleted(r, set, victims[i], res.Err)
		if err == nil {
			continue
		}
		r.Once(func(engine.Time) { c.expectations.Deleted(key, apiserver.KeyOf(victims[i])) })
		if first == nil && !apierrors.IsNotFound(err) {
			first = err
		}
	}
	return first
}

// doubled counts the active pods of a set's family by their nodes; none without a
// family (getIndirectlyRelatedPods).
func (c *Controller) doubled(set *appsv1.ReplicaSet) map[string]int {
	family := c.families[podcontrol.ControllerUID(set)]
	if len(family) == 0 {
		return nil
	}
	nodes := map[string]int{}
	seen := map[*corev1.Pod]bool{}
	count := func(pod *corev1.Pod, selector labels.Selector) {
		if podcontrol.IsActive(pod) && selector.Matches(labels.Set(pod.Labels)) && !seen[pod] {
			seen[pod] = true
			nodes[pod.Spec.NodeName]++
		}
	}
	for key := range family { // sums
		ro := c.rosters[ownerOf(c.sets[key.Namespace][key.Name])]
		for _, pod := range ro.pods { // sums
			count(pod, ro.selector)
		}
		for _, pod := range c.orphans[key.Namespace] { // sums
			count(pod, ro.selector)
		}
	}
	return nodes
}
