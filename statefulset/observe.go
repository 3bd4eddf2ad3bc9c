package statefulset

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// retryPause is upstream's sleep before it tries again after a conflict
// (client-go retry: 10 ms, and up to a tenth more).
var retryPause = controller.Range{Min: 10 * time.Millisecond, Max: 11 * time.Millisecond}

// Observe implements controller.Actor. It keeps the indices, and asks for syncs:
// sets and pods do, claims and revisions do not (S1).
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch rec.Kind {
	case apiserver.StatefulSet:
		old, set := change[*appsv1.StatefulSet](rec)
		c.placeSet(old, set)
		c.Add(env, rec.Key)
	case apiserver.Pod:
		old, pod := change[*corev1.Pod](rec)
		c.placePod(env, old, pod)
		switch {
		case pod == nil:
			c.podDeleted(env, old)
		case old == nil:
			c.podAdded(env, pod)
		default:
			c.podUpdated(env, old, pod)
		}
	case apiserver.PersistentVolumeClaim:
		old, claim := change[*corev1.PersistentVolumeClaim](rec)
		c.placeClaim(env, old, claim)
	case apiserver.ControllerRevision:
		c.placeRevision(change[*appsv1.ControllerRevision](rec))
	}
}

// change returns the states of an object before and after a record; nil if there
// is none.
func change[T apiserver.Object](rec *apiserver.Record) (old, obj T) {
	if rec.Old != nil {
		old = rec.Old.(T)
	}
	if rec.Type == watch.Deleted {
		return rec.Object.(T), obj
	}
	return old, rec.Object.(T)
}

// podAdded is SS, addPod.
func (c *Controller) podAdded(env *controller.Env, pod *corev1.Pod) {
	switch {
	case isTerminating(pod):
		c.podDeleted(env, pod)
	case controllerRef(pod) != nil:
		c.addOwner(env, pod)
	default:
		c.addMatching(env, pod)
	}
}

// podUpdated is SS, updatePod.
func (c *Controller) podUpdated(env *controller.Env, old, pod *corev1.Pod) {
	before, after := controllerRef(old), controllerRef(pod)
	changed := !sameRef(before, after)
	if changed && before != nil {
		c.addOwner(env, old)
	}
	if after != nil {
		set := c.addOwner(env, pod)
		if set != nil && !isReady(old) && isReady(pod) && set.Spec.MinReadySeconds > 0 { // S33
			c.AddAfter(env, apiserver.KeyOf(set), time.Duration(set.Spec.MinReadySeconds)*time.Second, engine.Progress)
		}
		return
	}
	if changed || !shared.Equal(old.Labels, pod.Labels) {
		c.addMatching(env, pod)
	}
}

func sameRef(a, b *metav1.OwnerReference) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.UID == b.UID && a.Name == b.Name && a.Kind == b.Kind && a.APIVersion == b.APIVersion &&
		sameFlag(a.Controller, b.Controller) && sameFlag(a.BlockOwnerDeletion, b.BlockOwnerDeletion)
}

func sameFlag(a, b *bool) bool { return a == b || a != nil && b != nil && *a == *b }

// podDeleted is SS, deletePod.
func (c *Controller) podDeleted(env *controller.Env, pod *corev1.Pod) {
	if controllerRef(pod) != nil {
		c.addOwner(env, pod)
	}
}

// addOwner asks for a sync of the set that controls a pod, and returns it.
func (c *Controller) addOwner(env *controller.Env, pod *corev1.Pod) *appsv1.StatefulSet {
	o, owned, _ := setOwner(pod)
	if !owned {
		return nil
	}
	key := apiserver.Key{Namespace: o.namespace, Name: o.name}
	set := env.StatefulSet(key)
	if set == nil || set.UID != o.uid {
		return nil
	}
	c.Add(env, key)
	return set
}

// addMatching asks for a sync of every set that might adopt a pod: the label
// selector decides, not the name.
func (c *Controller) addMatching(env *controller.Env, pod *corev1.Pod) {
	if len(pod.Labels) == 0 {
		return
	}
	for _, name := range c.sets[pod.Namespace] {
		key := apiserver.Key{Namespace: pod.Namespace, Name: name}
		set := env.StatefulSet(key)
		if set == nil {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(pod.Labels)) {
			c.Add(env, key)
		}
	}
}
