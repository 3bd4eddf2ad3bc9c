package deployment

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// Name is the component that the controller writes and reports as.
const Name = "deployment-controller"

// Controller is the Deployment controller. Use New.
type Controller struct {
	controller.Workers[apiserver.Key, controller.Journal]

	deployments map[string]map[string]*appsv1.Deployment           // namespace → name → as observed last
	owned       map[types.UID]map[apiserver.Key]*appsv1.ReplicaSet // by the UID of their controller
	orphans     map[string]map[string]*appsv1.ReplicaSet           // without a controller, by namespace and name
	recreates   map[types.UID]bool                                 // the Deployments with that strategy
}

var _ controller.Selective = (*Controller)(nil)

// New returns a controller that has seen nothing yet.
func New() *Controller {
	return &Controller{
		Workers:     controller.Workers[apiserver.Key, controller.Journal]{ID: 1, Count: 5, Retries: 15}, // ConcurrentDeploymentSyncs, maxRetries
		deployments: map[string]map[string]*appsv1.Deployment{},
		owned:       map[types.UID]map[apiserver.Key]*appsv1.ReplicaSet{},
		orphans:     map[string]map[string]*appsv1.ReplicaSet{},
		recreates:   map[types.UID]bool{},
	}
}

// Name implements controller.Actor.
func (*Controller) Name() string { return Name }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.Deployment, apiserver.ReplicaSet, apiserver.Pod}
}

// Heeds implements controller.Selective: of pods only the end counts, and only
// where somebody recreates.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	return rec.Kind != apiserver.Pod || rec.Type == watch.Deleted && len(c.recreates) > 0
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *appsv1.Deployment:
		c.file(rec, obj)
		c.Add(env, rec.Key)
	case *appsv1.ReplicaSet:
		old, _ := rec.Old.(*appsv1.ReplicaSet)
		c.fileSet(rec, obj, old)
		if rec.Type == watch.Modified {
			c.setChanged(env, obj, old)
		} else {
			c.setCame(env, obj, rec.Type == watch.Deleted)
		}
	case *corev1.Pod:
		if rec.Type == watch.Deleted {
			c.podGone(env, obj)
		}
	}
}

// file keeps account of a Deployment.
func (c *Controller) file(rec *apiserver.Record, d *appsv1.Deployment) {
	byName := c.deployments[rec.Key.Namespace]
	if rec.Type == watch.Deleted {
		delete(c.recreates, d.UID)
		if delete(byName, rec.Key.Name); len(byName) == 0 {
			delete(c.deployments, rec.Key.Namespace)
		}
		return
	}
	if byName == nil {
		byName = map[string]*appsv1.Deployment{}
		c.deployments[rec.Key.Namespace] = byName
	}
	byName[rec.Key.Name] = d
	if d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		c.recreates[d.UID] = true
	} else {
		delete(c.recreates, d.UID)
	}
}

// fileSet keeps account of a ReplicaSet.
func (c *Controller) fileSet(rec *apiserver.Record, rs, old *appsv1.ReplicaSet) {
	if old != nil {
		if was := podcontrol.ControllerUID(old); was != "" {
			if delete(c.owned[was], rec.Key); len(c.owned[was]) == 0 {
				delete(c.owned, was)
			}
		}
	}
	if free := c.orphans[rec.Key.Namespace]; free != nil {
		if delete(free, rec.Key.Name); len(free) == 0 {
			delete(c.orphans, rec.Key.Namespace)
		}
	}
	if rec.Type == watch.Deleted {
		return
	}
	if uid := podcontrol.ControllerUID(rs); uid != "" {
		if c.owned[uid] == nil {
			c.owned[uid] = map[apiserver.Key]*appsv1.ReplicaSet{}
		}
		c.owned[uid][rec.Key] = rs
		return
	}
	if c.orphans[rec.Key.Namespace] == nil {
		c.orphans[rec.Key.Namespace] = map[string]*appsv1.ReplicaSet{}
	}
	c.orphans[rec.Key.Namespace][rec.Key.Name] = rs
}

// resolve returns the Deployment that controls something, or nil
// (resolveControllerRef).
func (c *Controller) resolve(obj metav1.Object) *appsv1.Deployment {
	ref := metav1.GetControllerOfNoCopy(obj)
	if ref == nil || ref.Kind != "Deployment" {
		return nil
	}
	if d := c.deployments[obj.GetNamespace()][ref.Name]; d != nil && d.UID == ref.UID {
		return d
	}
	return nil
}

func (c *Controller) wake(env *controller.Env, d *appsv1.Deployment) {
	if d != nil {
		c.Add(env, apiserver.KeyOf(d))
	}
}

// setCame is addReplicaSet and deleteReplicaSet.
func (c *Controller) setCame(env *controller.Env, rs *appsv1.ReplicaSet, gone bool) {
	if metav1.GetControllerOfNoCopy(rs) == nil {
		if !gone && rs.DeletionTimestamp == nil {
			c.wakeAdopters(env, rs)
		}
		return
	}
	c.wake(env, c.resolve(rs))
}

// setChanged is updateReplicaSet.
func (c *Controller) setChanged(env *controller.Env, rs, old *appsv1.ReplicaSet) {
	ref, was := metav1.GetControllerOfNoCopy(rs), metav1.GetControllerOfNoCopy(old)
	changed := !apiequality.Semantic.DeepEqual(ref, was)
	if changed && was != nil {
		c.wake(env, c.resolve(old))
	}
	switch {
	case ref != nil:
		c.wake(env, c.resolve(rs))
	case changed || !maps.Equal(rs.Labels, old.Labels):
		c.wakeAdopters(env, rs)
	}
}

// wakeAdopters asks for a sync of every Deployment that selects a ReplicaSet of
// nobody's (GetDeploymentsForReplicaSet).
func (c *Controller) wakeAdopters(env *controller.Env, rs *appsv1.ReplicaSet) {
	if len(rs.Labels) == 0 {
		return
	}
	byName := c.deployments[rs.Namespace]
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		selector, err := metav1.LabelSelectorAsSelector(byName[name].Spec.Selector)
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(rs.Labels)) {
			c.wake(env, byName[name])
		}
	}
}

// podGone asks for a sync of a Deployment that recreates (deletePod).
func (c *Controller) podGone(env *controller.Env, pod *corev1.Pod) {
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil || ref.Kind != "ReplicaSet" {
		return
	}
	rs, _ := env.Get(apiserver.ReplicaSet, apiserver.Key{Namespace: pod.Namespace, Name: ref.Name}).(*appsv1.ReplicaSet)
	if rs == nil || rs.UID != ref.UID {
		return
	}
	if d := c.resolve(rs); d != nil && c.recreates[d.UID] {
		c.wake(env, d)
	}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) { c.Workers.Wake(env, c, arg) }

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.Workers.Respond(env, c, token, res)
}

// Waiting implements controller.Actor: the Deployments that fail, and those whose
// rollout is not over, in the order of their keys.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, namespace := range slices.Sorted(maps.Keys(c.deployments)) {
		for _, name := range slices.Sorted(maps.Keys(c.deployments[namespace])) {
			key := apiserver.Key{Namespace: namespace, Name: name}
			reason := c.Failure(key)
			if reason == "" {
				reason = unfinished(c.deployments[namespace][name])
			}
			if reason != "" {
				ws = append(ws, controller.Wait{Kind: apiserver.Deployment, Key: key, Reason: reason})
			}
		}
	}
	return ws
}

// unfinished says what a Deployment waits for, or "".
func unfinished(d *appsv1.Deployment) string {
	want, s := *d.Spec.Replicas, &d.Status
	switch {
	case s.ObservedGeneration < d.Generation:
		return "waiting for the controller to observe it"
	case d.Spec.Paused:
		return ""
	case s.UpdatedReplicas < want:
		return fmt.Sprintf("%d of %d new replicas have been updated", s.UpdatedReplicas, want)
	case s.Replicas > s.UpdatedReplicas:
		return fmt.Sprintf("%d old replicas are pending termination", s.Replicas-s.UpdatedReplicas)
	case s.AvailableReplicas < s.UpdatedReplicas:
		return fmt.Sprintf("%d of %d updated replicas are available", s.AvailableReplicas, s.UpdatedReplicas)
	}
	return ""
}
