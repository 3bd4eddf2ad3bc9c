package daemonset

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
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// Name is the component that the controller writes and reports as.
const Name = "daemonset-controller"

// Controller is the DaemonSet controller. Use New.
type Controller struct {
	controller.Workers[apiserver.Key, controller.Journal]

	expectations controller.Expectations
	written      controller.Written

	sets      map[string]map[string]*appsv1.DaemonSet // namespace → name → as observed last
	rosters   map[apiserver.Key]*roster               // by the set's key: of its pods, whatever its UID
	orphans   map[string]map[string]*corev1.Pod       // pods without a controller, in namespaces with sets
	revisions map[string]map[string]*appsv1.ControllerRevision
	nodes     map[string]*corev1.Node // as observed last; see remembered
}

var _ controller.Selective = (*Controller)(nil)

// New returns a controller that has seen nothing yet.
func New() *Controller {
	return &Controller{
		Workers:   controller.Workers[apiserver.Key, controller.Journal]{ID: 1, Count: 2}, // ConcurrentDaemonSetSyncs
		sets:      map[string]map[string]*appsv1.DaemonSet{},
		rosters:   map[apiserver.Key]*roster{},
		orphans:   map[string]map[string]*corev1.Pod{},
		revisions: map[string]map[string]*appsv1.ControllerRevision{},
		nodes:     map[string]*corev1.Node{},
	}
}

// Name implements controller.Actor.
func (*Controller) Name() string { return Name }

// Watches implements controller.Actor. Sets come last: a controller that starts on a
// cluster that exists then knows the rest.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.Node, apiserver.ControllerRevision, apiserver.Pod, apiserver.DaemonSet}
}

// Heeds implements controller.Selective: DaemonSets and their pods, pods without a
// controller beside them, revisions of theirs or of nobody, and nodes when their
// labels or taints change.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	switch obj := rec.Object.(type) {
	case *corev1.Pod:
		old, changed := rec.Old.(*corev1.Pod)
		return c.heedsPod(obj) || changed && c.heedsPod(old)
	case *corev1.Node:
		old, changed := rec.Old.(*corev1.Node)
		return !changed || rec.Type == watch.Deleted || !sameForDaemons(obj, old)
	case *appsv1.ControllerRevision:
		old, changed := rec.Old.(*appsv1.ControllerRevision)
		return heedsRevision(obj) || changed && heedsRevision(old)
	}
	return true
}

func (c *Controller) heedsPod(pod *corev1.Pod) bool {
	ref := metav1.GetControllerOfNoCopy(pod)
	return ref == nil && len(c.sets[pod.Namespace]) > 0 || ref != nil && ref.Kind == "DaemonSet"
}

func heedsRevision(r *appsv1.ControllerRevision) bool {
	ref := metav1.GetControllerOfNoCopy(r)
	return ref == nil || ref.Kind == "DaemonSet"
}

// sameForDaemons reports whether a node has changed in nothing that decides where
// pods run (shouldIgnoreNodeUpdate).
func sameForDaemons(node, old *corev1.Node) bool {
	return maps.Equal(node.Labels, old.Labels) && apiequality.Semantic.DeepEqual(node.Spec.Taints, old.Spec.Taints)
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *appsv1.DaemonSet:
		c.observeSet(env, rec, obj)
	case *corev1.Pod:
		old, _ := rec.Old.(*corev1.Pod)
		c.filePod(rec, obj, old)
		switch rec.Type {
		case watch.Deleted:
			c.podGone(env, obj)
		case watch.Added:
			c.podAdded(env, obj)
		default:
			c.podChanged(env, obj, old)
		}
	case *corev1.Node:
		c.observeNode(env, rec, obj)
	case *appsv1.ControllerRevision:
		c.observeRevision(env, rec, obj)
	}
}

// observeSet is addDaemonset, updateDaemonset and deleteDaemonset.
func (c *Controller) observeSet(env *controller.Env, rec *apiserver.Record, set *appsv1.DaemonSet) {
	key, byName := rec.Key, c.sets[rec.Key.Namespace]
	if rec.Type == watch.Deleted {
		c.written.Clear(key, set.UID)
		c.expectations.Drop(key)
		if delete(byName, key.Name); len(byName) == 0 {
			delete(c.sets, key.Namespace)
			delete(c.orphans, key.Namespace)
		}
		if r := c.rosters[key]; r != nil {
			if r.forget(); r.isEmpty() {
				delete(c.rosters, key)
			}
		}
		c.Add(env, key)
		return
	}
	if byName == nil {
		byName = map[string]*appsv1.DaemonSet{}
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
	byName[key.Name] = set
	c.rosterOf(key).take(set, c.nodes)
	c.Add(env, key)
}

func (c *Controller) rosterOf(key apiserver.Key) *roster {
	r := c.rosters[key]
	if r == nil {
		r = &roster{}
		c.rosters[key] = r
	}
	return r
}

// daemonOf returns the key of the DaemonSet that a pod says it belongs to.
func daemonOf(pod *corev1.Pod) (key apiserver.Key, owned bool) {
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil || ref.Kind != "DaemonSet" {
		return apiserver.Key{}, false
	}
	return apiserver.Key{Namespace: pod.Namespace, Name: ref.Name}, true
}

// filePod takes a pod's record into the rosters.
func (c *Controller) filePod(rec *apiserver.Record, pod, old *corev1.Pod) {
	gone := rec.Type == watch.Deleted
	now, owned := daemonOf(pod)
	if old != nil {
		was, had := daemonOf(old)
		if r := c.rosters[was]; had && r != nil && (was != now || gone) {
			if r.observe(pod.Name, nil); r.isEmpty() {
				delete(c.rosters, was)
			}
		}
	}
	if owned && !gone {
		c.rosterOf(now).observe(pod.Name, pod)
	}
	if byName := c.orphans[pod.Namespace]; byName != nil {
		if metav1.GetControllerOfNoCopy(pod) == nil && !gone {
			byName[pod.Name] = pod
		} else {
			delete(byName, pod.Name)
		}
	}
}

// resolve returns the set that controls something, or nil (resolveControllerRef).
func (c *Controller) resolve(obj metav1.Object) *appsv1.DaemonSet {
	ref := metav1.GetControllerOfNoCopy(obj)
	if ref == nil || ref.Kind != "DaemonSet" {
		return nil
	}
	if set := c.sets[obj.GetNamespace()][ref.Name]; set != nil && set.UID == ref.UID {
		return set
	}
	return nil
}

func (c *Controller) wake(env *controller.Env, set *appsv1.DaemonSet) {
	if set != nil {
		c.Add(env, apiserver.KeyOf(set))
	}
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
		c.wake(env, set)
	}
}

func (c *Controller) podChanged(env *controller.Env, pod, old *corev1.Pod) {
	if pod.DeletionTimestamp != nil {
		c.podGone(env, pod)
		return
	}
	ref, was := metav1.GetControllerOfNoCopy(pod), metav1.GetControllerOfNoCopy(old)
	changed := !apiequality.Semantic.DeepEqual(ref, was)
	if changed && was != nil {
		c.wake(env, c.resolve(old))
	}
	if ref == nil {
		if changed || !maps.Equal(pod.Labels, old.Labels) {
			c.wakeAdopters(env, pod)
		}
		return
	}
	set := c.resolve(pod)
	if set == nil {
		return
	}
	c.wake(env, set)
	if set.Spec.MinReadySeconds > 0 && !podcontrol.IsReady(old) && podcontrol.IsReady(pod) {
		c.AddAfter(env, apiserver.KeyOf(set), time.Duration(set.Spec.MinReadySeconds)*time.Second+time.Second, engine.Progress)
	}
}

// podGone counts a deletion, of which there may be several records.
func (c *Controller) podGone(env *controller.Env, pod *corev1.Pod) {
	if set := c.resolve(pod); set != nil {
		c.expectations.DeletedAny(apiserver.KeyOf(set), 1)
		c.wake(env, set)
	}
}

// wakeAdopters asks for a sync of every set that selects something of nobody's
// (GetPodDaemonSets, GetHistoryDaemonSets); an empty selector selects none here.
func (c *Controller) wakeAdopters(env *controller.Env, obj metav1.Object) {
	if len(obj.GetLabels()) == 0 {
		return
	}
	byName := c.sets[obj.GetNamespace()]
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		selector := selectorOf(byName[name])
		if !selector.Empty() && selector.Matches(labels.Set(obj.GetLabels())) {
			c.wake(env, byName[name])
		}
	}
}

func selectorOf(set *appsv1.DaemonSet) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return labels.Nothing()
	}
	return selector
}

// observeNode is addNode and updateNode, with syncNodeUpdate: it asks for a sync of
// the sets that have something to do there.
func (c *Controller) observeNode(env *controller.Env, rec *apiserver.Record, node *corev1.Node) {
	name := rec.Key.Name
	gone := rec.Type == watch.Deleted
	if gone {
		delete(c.nodes, name)
	} else {
		node = remembered(node)
		c.nodes[name] = node
	}
	for _, key := range slices.SortedFunc(maps.Keys(c.rosters), apiserver.Key.Compare) {
		r := c.rosters[key]
		if r.set == nil {
			continue
		}
		if gone {
			r.touch(name, nil)
			continue
		}
		r.touch(name, node)
		run, stay := r.fit(node)
		here := r.hasBound(name)
		if run && !here || !stay && here || here && r.set.Status.NumberMisscheduled > 0 {
			c.Add(env, key)
		}
	}
}

// remembered is what counts of a node that is kept for long: what sameForDaemons
// compares, so that it is the same node as long as no change is heeded.
func remembered(node *corev1.Node) *corev1.Node {
	next := &corev1.Node{}
	next.Name, next.Labels, next.Spec.Taints = node.Name, node.Labels, node.Spec.Taints
	return next
}

// observeRevision is addHistory, updateHistory and deleteHistory.
func (c *Controller) observeRevision(env *controller.Env, rec *apiserver.Record, r *appsv1.ControllerRevision) {
	c.fileRevision(rec, r)
	ref := metav1.GetControllerOfNoCopy(r)
	switch {
	case rec.Type == watch.Deleted, rec.Type == watch.Added && r.DeletionTimestamp != nil:
		c.wake(env, c.resolve(r))
	case rec.Type == watch.Added:
		if ref == nil {
			c.wakeAdopters(env, r)
		}
	default:
		old := rec.Old.(*appsv1.ControllerRevision)
		changed := !apiequality.Semantic.DeepEqual(ref, metav1.GetControllerOfNoCopy(old))
		if changed {
			c.wake(env, c.resolve(old))
		}
		if ref != nil {
			c.wake(env, c.resolve(r))
		} else if changed || !maps.Equal(r.Labels, old.Labels) {
			c.wakeAdopters(env, r)
		}
	}
}

// fileRevision keeps account of the revisions that are a DaemonSet's or nobody's.
func (c *Controller) fileRevision(rec *apiserver.Record, r *appsv1.ControllerRevision) {
	byName := c.revisions[rec.Key.Namespace]
	if rec.Type == watch.Deleted || !heedsRevision(r) {
		if delete(byName, rec.Key.Name); len(byName) == 0 {
			delete(c.revisions, rec.Key.Namespace)
		}
		return
	}
	if byName == nil {
		byName = map[string]*appsv1.ControllerRevision{}
		c.revisions[rec.Key.Namespace] = byName
	}
	byName[rec.Key.Name] = r
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) { c.Workers.Wake(env, c, arg) }

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.Workers.Respond(env, c, token, res)
}

// Waiting implements controller.Actor: the sets that fail, and those that are not
// available on all their nodes or have pods of an old template, in the order of their
// keys.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, namespace := range slices.Sorted(maps.Keys(c.sets)) {
		for _, name := range slices.Sorted(maps.Keys(c.sets[namespace])) {
			key := apiserver.Key{Namespace: namespace, Name: name}
			reason := c.Failure(key)
			if reason == "" {
				reason = unfinished(c.sets[namespace][name])
			}
			if reason != "" {
				ws = append(ws, controller.Wait{Kind: apiserver.DaemonSet, Key: key, Reason: reason})
			}
		}
	}
	return ws
}

// unfinished says what a set waits for, or "".
func unfinished(set *appsv1.DaemonSet) string {
	s := &set.Status
	want := s.DesiredNumberScheduled
	switch {
	case set.DeletionTimestamp != nil:
		return ""
	case s.ObservedGeneration < set.Generation:
		return "waiting for the controller to observe it"
	case s.CurrentNumberScheduled < want:
		return fmt.Sprintf("waiting for %d of %d pods to be created", want-s.CurrentNumberScheduled, want)
	case s.NumberAvailable < want:
		return fmt.Sprintf("%d of %d pods are available", s.NumberAvailable, want)
	case s.UpdatedNumberScheduled < want && set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType:
		return fmt.Sprintf("%d of %d pods have been updated", s.UpdatedNumberScheduled, want)
	}
	return ""
}
