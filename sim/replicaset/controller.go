package replicaset

import (
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// Name is the component that the controller writes and reports as.
const Name = "replicaset-controller"

// Controller is the ReplicaSet controller. Use New.
type Controller struct {
	controller.Workers[apiserver.Key, controller.Journal]

	expectations controller.Expectations
	written      controller.Written

	sets     map[string]map[string]*appsv1.ReplicaSet // namespace → name → as observed last
	families map[types.UID]map[apiserver.Key]bool     // the sets that somebody controls
	rosters  map[owner]*roster
	orphans  map[string]map[string]*corev1.Pod // pods without a controller, in namespaces with sets
}

// owner names a ReplicaSet as references do.
type owner struct {
	namespace, name string
	uid             types.UID
}

var _ controller.Selective = (*Controller)(nil)

// New returns a controller that has seen nothing yet.
func New() *Controller {
	return &Controller{
		Workers:  controller.Workers[apiserver.Key, controller.Journal]{ID: 1, Count: 5}, // ConcurrentRSSyncs
		sets:     map[string]map[string]*appsv1.ReplicaSet{},
		families: map[types.UID]map[apiserver.Key]bool{},
		rosters:  map[owner]*roster{},
		orphans:  map[string]map[string]*corev1.Pod{},
	}
}

// Name implements controller.Actor.
func (*Controller) Name() string { return Name }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.ReplicaSet, apiserver.Pod}
}

// Heeds implements controller.Selective: ReplicaSets, their pods, and pods without
// a controller, or that had or lost one, beside them.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	pod, ok := rec.Object.(*corev1.Pod)
	if !ok {
		return true
	}
	if heeds(metav1.GetControllerOfNoCopy(pod), len(c.sets[rec.Key.Namespace]) > 0) {
		return true
	}
	old, ok := rec.Old.(*corev1.Pod)
	return ok && heeds(metav1.GetControllerOfNoCopy(old), len(c.sets[rec.Key.Namespace]) > 0)
}

func heeds(ref *metav1.OwnerReference, hasSets bool) bool {
	return ref == nil && hasSets || ref != nil && ref.Kind == "ReplicaSet"
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *appsv1.ReplicaSet:
		c.observeSet(env, rec.Key, obj, rec.Type == watch.Deleted)
	case *corev1.Pod:
		old, _ := rec.Old.(*corev1.Pod)
		c.file(rec, obj, old)
		switch rec.Type {
		case watch.Deleted:
			c.podGone(env, obj)
		case watch.Added:
			c.podAdded(env, obj)
		default:
			c.podChanged(env, obj, old)
		}
	}
}

// observeSet is addRS, updateRS and deleteRS.
func (c *Controller) observeSet(env *controller.Env, key apiserver.Key, set *appsv1.ReplicaSet, gone bool) {
	if gone {
		c.written.Clear(key, set.UID)
		c.expectations.Drop(key)
		c.forget(key, set)
	} else {
		c.know(env, key, set)
	}
	c.Add(env, key)
}

func (c *Controller) forget(key apiserver.Key, set *appsv1.ReplicaSet) {
	delete(c.sets[key.Namespace], key.Name)
	if len(c.sets[key.Namespace]) == 0 {
		delete(c.sets, key.Namespace)
		delete(c.orphans, key.Namespace)
	}
	if r := c.rosters[ownerOf(set)]; r != nil {
		if r.set = nil; len(r.pods) == 0 {
			delete(c.rosters, ownerOf(set))
		}
	}
	c.enrol(key, set, false)
}

// know keeps account of a set. The first of a namespace has the pods without a
// controller looked up.
func (c *Controller) know(env *controller.Env, key apiserver.Key, set *appsv1.ReplicaSet) {
	byName := c.sets[key.Namespace]
	if byName == nil {
		byName = map[string]*appsv1.ReplicaSet{}
		c.sets[key.Namespace] = byName
		free := map[string]*corev1.Pod{}
		for _, obj := range env.List(apiserver.Pod, key.Namespace) {
			if metav1.GetControllerOfNoCopy(obj) == nil {
				free[obj.GetName()] = obj.(*corev1.Pod)
			}
		}
		c.orphans[key.Namespace] = free
		env.Reheed(apiserver.Pod)
	}
	if old := byName[key.Name]; old != nil && podcontrol.ControllerUID(old) != podcontrol.ControllerUID(set) {
		c.enrol(key, old, false)
	}
	byName[key.Name] = set
	c.enrol(key, set, true)
	c.rosterOf(ownerOf(set)).take(set)
}

// enrol keeps account of the sets of one controller.
func (c *Controller) enrol(key apiserver.Key, set *appsv1.ReplicaSet, there bool) {
	uid := podcontrol.ControllerUID(set)
	switch family := c.families[uid]; {
	case uid == "":
	case there && family == nil:
		c.families[uid] = map[apiserver.Key]bool{key: true}
	case there:
		family[key] = true
	default:
		if delete(family, key); len(family) == 0 {
			delete(c.families, uid)
		}
	}
}

func ownerOf(set *appsv1.ReplicaSet) owner { return owner{set.Namespace, set.Name, set.UID} }

func (c *Controller) rosterOf(o owner) *roster {
	r := c.rosters[o]
	if r == nil {
		r = &roster{}
		c.rosters[o] = r
	}
	return r
}

// podOwner returns the ReplicaSet that a pod says it belongs to; free if it belongs
// to nobody.
func podOwner(pod *corev1.Pod) (o owner, owned, free bool) {
	switch ref := metav1.GetControllerOfNoCopy(pod); {
	case ref == nil:
		return owner{}, false, true
	case ref.Kind != "ReplicaSet":
		return owner{}, false, false
	default:
		return owner{pod.Namespace, ref.Name, ref.UID}, true, false
	}
}

// file takes a pod's record into the rosters.
func (c *Controller) file(rec *apiserver.Record, pod, old *corev1.Pod) {
	now, owned, free := podOwner(pod)
	gone := rec.Type == watch.Deleted
	if old != nil {
		was, had, _ := podOwner(old)
		if r := c.rosters[was]; had && r != nil && (was != now || gone) {
			if r.observe(pod.Name, nil); len(r.pods) == 0 && r.set == nil {
				delete(c.rosters, was)
			}
		}
	}
	if owned && !gone {
		c.rosterOf(now).observe(pod.Name, pod)
	}
	if byName := c.orphans[pod.Namespace]; byName != nil {
		if free && !gone {
			byName[pod.Name] = pod
		} else {
			delete(byName, pod.Name)
		}
	}
}

// resolve returns the set that a pod belongs to, or nil (resolveControllerRef).
func (c *Controller) resolve(pod *corev1.Pod) *appsv1.ReplicaSet {
	o, owned, _ := podOwner(pod)
	if !owned {
		return nil
	}
	if set := c.sets[o.namespace][o.name]; set != nil && set.UID == o.uid {
		return set
	}
	return nil
}

func (c *Controller) podAdded(env *controller.Env, pod *corev1.Pod) {
	if pod.DeletionTimestamp != nil {
		c.podGone(env, pod)
		return
	}
	if metav1.GetControllerOfNoCopy(pod) == nil {
		c.wakeAdopters(env, pod)
		return
	}
	if set := c.resolve(pod); set != nil {
		c.expectations.Created(apiserver.KeyOf(set), 1)
		c.Add(env, apiserver.KeyOf(set))
	}
}

func (c *Controller) podChanged(env *controller.Env, pod, old *corev1.Pod) {
	relabelled := !maps.Equal(pod.Labels, old.Labels)
	if pod.DeletionTimestamp != nil {
		c.podGone(env, pod)
		if relabelled {
			c.podGone(env, old)
		}
		return
	}
	ref, was := metav1.GetControllerOfNoCopy(pod), metav1.GetControllerOfNoCopy(old)
	changed := !apiequality.Semantic.DeepEqual(ref, was)
	if changed && was != nil {
		if set := c.resolve(old); set != nil {
			c.Add(env, apiserver.KeyOf(set))
		}
	}
	if ref == nil {
		if relabelled || changed {
			c.wakeAdopters(env, pod)
		}
		return
	}
	set := c.resolve(pod)
	if set == nil {
		return
	}
	c.Add(env, apiserver.KeyOf(set))
	if set.Spec.MinReadySeconds > 0 && !podcontrol.IsReady(old) && podcontrol.IsReady(pod) {
		c.AddAfter(env, apiserver.KeyOf(set), time.Duration(set.Spec.MinReadySeconds)*time.Second, engine.Progress)
	}
}

func (c *Controller) podGone(env *controller.Env, pod *corev1.Pod) {
	if set := c.resolve(pod); set != nil {
		c.expectations.Deleted(apiserver.KeyOf(set), apiserver.KeyOf(pod))
		c.Add(env, apiserver.KeyOf(set))
	}
}

// wakeAdopters asks for a sync of every set that selects a pod of nobody's
// (getPodReplicaSets); an empty selector selects none here.
func (c *Controller) wakeAdopters(env *controller.Env, pod *corev1.Pod) {
	if len(pod.Labels) == 0 {
		return
	}
	byName := c.sets[pod.Namespace]
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		r := c.rosters[ownerOf(byName[name])]
		if !r.selector.Empty() && r.selector.Matches(labels.Set(pod.Labels)) {
			c.Add(env, apiserver.Key{Namespace: pod.Namespace, Name: name})
		}
	}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) { c.Workers.Wake(env, c, arg) }

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.Workers.Respond(env, c, token, res)
}

// Waiting implements controller.Actor: the sets that fail, and those with fewer
// ready pods than replicas, in the order of their keys.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, namespace := range slices.Sorted(maps.Keys(c.sets)) {
		for _, name := range slices.Sorted(maps.Keys(c.sets[namespace])) {
			key := apiserver.Key{Namespace: namespace, Name: name}
			if reason := c.shortfall(key); reason != "" {
				ws = append(ws, controller.Wait{Kind: apiserver.ReplicaSet, Key: key, Reason: reason})
			}
		}
	}
	return ws
}

// shortfall says what a set waits for, or "".
func (c *Controller) shortfall(key apiserver.Key) string {
	set := c.sets[key.Namespace][key.Name]
	r := c.rosters[ownerOf(set)]
	want := int(*set.Spec.Replicas)
	switch {
	case c.Failure(key) != "":
		return c.Failure(key)
	case r.active > want:
		return fmt.Sprintf("waiting for %d pods to be deleted", r.active-want)
	case r.active < want:
		return fmt.Sprintf("waiting for %d of %d pods to be created", want-r.active, want)
	case r.ready < want:
		return fmt.Sprintf("waiting for %d of %d pods to be Ready", want-r.ready, want)
	}
	return ""
}
