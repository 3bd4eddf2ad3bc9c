package garbagecollector

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Heeds implements controller.Selective: what comes and goes, and changes of
// owners, finalizers and the deletion; of an object with twin references every
// change (see update).
func (c *Collector) Heeds(rec *apiserver.Record) bool {
	if rec.Type != watch.Modified || rec.Old == nil {
		return true
	}
	return rec.Kind == definitionKind || (rec.Old.GetDeletionTimestamp() == nil) != (rec.Object.GetDeletionTimestamp() == nil) ||
		!slices.Equal(rec.Old.GetFinalizers(), rec.Object.GetFinalizers()) ||
		!sameOwners(rec.Old.GetOwnerReferences(), rec.Object.GetOwnerReferences()) ||
		hasTwins(rec.Object.GetOwnerReferences())
}

// observe brings the graph up to date with a record and queues what it concerns
// (processGraphChanges).
func (c *Collector) observe(env *controller.Env, rec *apiserver.Record) {
	obj := rec.Object
	n := c.graph.nodes[obj.GetUID()]
	if n != nil && n.virtual {
		c.identify(env, n, refOf(rec.Kind, obj))
	}
	switch {
	case rec.Type == watch.Deleted:
		if n != nil {
			c.vanish(env, n, n.ref)
		}
		return
	case n == nil:
		n = &node{
			ref:                refOf(rec.Kind, obj),
			owners:             obj.GetOwnerReferences(),
			beingDeleted:       isBeingDeleted(obj),
			deletingDependents: isWaitingFor(obj, metav1.FinalizerDeleteDependents),
		}
		c.graph.add(n)
		c.addToOwners(env, n, n.owners)
	default:
		c.update(env, n, obj)
	}
	if isBeingDeleted(obj) {
		c.transit(env, n, rec.Old, obj)
	}
}

// identify turns a virtual node into an observed one. The dependents that knew
// it by another name are looked at: their reference may be wrong.
func (c *Collector) identify(env *controller.Env, n *node, observed ref) {
	if n.ref != observed {
		_, doubtful := c.partition(n, observed)
		for _, r := range shuffled(env.View, observed, doubtful) {
			if observed.namespace != "" && r.namespace != observed.namespace {
				c.reportNamespace(env, c.graph.nodes[r.uid], observed.uid)
			}
			c.deletes.Add(env, r)
		}
		n.ref = observed
	}
	n.virtual = false
}

// update handles the changes of an object's references. Twins, references of
// one UID, count as changed whatever the write did: upstream compares the first
// of them with the last, and takes the others for added (referencesDiffs).
func (c *Collector) update(env *controller.Env, n *node, obj metav1.Object) {
	old, now := n.owners, obj.GetOwnerReferences()
	if !sameOwners(old, now) || hasTwins(now) {
		added, removed := c.unblock(env, old, now)
		n.owners = now
		for _, o := range old {
			if owner := c.graph.nodes[o.UID]; owner != nil {
				c.graph.link(owner, n) // whether it blocks may have changed
			}
		}
		for _, o := range removed {
			c.graph.unlink(o.UID, n)
		}
		c.addToOwners(env, n, added)
	}
	if isBeingDeleted(obj) {
		c.graph.markBeingDeleted(n)
	}
}

// unblock queues the owners that an object's new references do not block any
// more, and returns the references that came and went (referencesDiffs,
// addUnblockedOwnersToDeleteQueue). Upstream knows references by their UIDs: of
// twins, the last one stands for all that were there, and the first one for all
// that are. An owner that only another twin blocked waits for ever.
func (c *Collector) unblock(env *controller.Env, old, now []metav1.OwnerReference) (added, removed []metav1.OwnerReference) {
	lastOf := func(uid types.UID) int {
		for i := len(old) - 1; i >= 0; i-- {
			if old[i].UID == uid {
				return i
			}
		}
		return -1
	}
	firstIn := func(uid types.UID) int {
		return slices.IndexFunc(now, func(o metav1.OwnerReference) bool { return o.UID == uid })
	}
	for i, o := range old {
		if lastOf(o.UID) == i && firstIn(o.UID) < 0 {
			removed = append(removed, o)
			if isBlocking(o) {
				c.addOwner(env, o.UID)
			}
		}
	}
	for i, o := range now {
		was := lastOf(o.UID)
		switch {
		case was < 0 || firstIn(o.UID) != i:
			added = append(added, o)
		case isBlocking(old[was]) && !isBlocking(o):
			c.addOwner(env, o.UID) // it may be free to go
		}
	}
	return added, removed
}

func (c *Collector) addOwner(env *controller.Env, uid types.UID) {
	if owner := c.graph.nodes[uid]; owner != nil {
		c.deletes.Add(env, owner.ref)
	}
}

// transit queues an object whose deletion begins to wait for the collector
// (processTransitions): to orphan its dependents (S40), or to delete them first
// (S39).
func (c *Collector) transit(env *controller.Env, n *node, old, obj apiserver.Object) {
	starts := func(finalizer string) bool {
		return isWaitingFor(obj, finalizer) && (old == nil || !isWaitingFor(old, finalizer))
	}
	switch {
	case starts(metav1.FinalizerOrphanDependents):
		c.orphans.Add(env, n.ref)
	case starts(metav1.FinalizerDeleteDependents):
		c.graph.markDeletingDependents(n)
		c.addAll(env, n.ref, c.graph.dependents(n))
		c.deletes.Add(env, n.ref)
	}
}

// addToOwners makes n a dependent of owners (addDependentToOwners). An owner
// that is not in the graph enters it as a virtual node, to be looked up. A
// reference that disagrees with what is known of its owner has n looked at.
func (c *Collector) addToOwners(env *controller.Env, n *node, owners []metav1.OwnerReference) {
	doubtful := false
	for _, o := range owners {
		owner := c.graph.nodes[o.UID]
		if owner == nil {
			owner = &node{ref: ownerRef(o, n.ref.namespace), virtual: true}
			c.graph.add(owner)
			c.graph.link(owner, n)
			c.deletes.Add(env, owner.ref)
			continue
		}
		c.graph.link(owner, n)
		if doubtful {
			continue
		}
		switch elsewhere := owner.ref.namespace != n.ref.namespace; {
		case owner.ref.namespace != "" && elsewhere:
			if !owner.virtual {
				c.reportNamespace(env, n, o.UID)
			}
			doubtful = true
		case !owner.ref.matches(o):
			doubtful = true
		case elsewhere && owner.virtual:
			// The owner seems to be cluster-wide, by the word of a cluster-wide
			// dependent that may be wrong.
			doubtful = true
		}
	}
	if doubtful {
		c.deletes.Add(env, n.ref)
	}
}

// vanish takes a node out of the graph: its dependents are looked at (S38), and
// its owners, if they wait for it (S39).
func (c *Collector) vanish(env *controller.Env, n *node, as ref) {
	c.graph.remove(n)
	if len(n.dependents) > 0 {
		c.absent.add(as)
	}
	c.addAll(env, n.ref, c.graph.dependents(n))
	for _, o := range n.owners {
		if owner := c.graph.nodes[o.UID]; owner != nil && owner.deletingDependents {
			c.deletes.Add(env, owner.ref)
		}
	}
}

// confirmAbsent handles the news that no object r exists: the virtual delete
// event of upstream. A node that goes by other names too is not to be removed
// by it.
func (c *Collector) confirmAbsent(env *controller.Env, r ref) {
	n := c.graph.nodes[r.uid]
	if n == nil {
		return
	}
	matching, others := c.partition(n, r)
	if n.virtual && len(others) == 0 || !n.virtual && n.ref == r {
		c.vanish(env, n, r)
		return
	}
	if len(matching) > 0 {
		c.absent.add(r)
		c.addAll(env, r, matching)
	}
	if n.virtual && n.ref == r {
		if next, ok := c.alternative(r, others); ok {
			n.ref = next
			c.deletes.AddRateLimited(env, next, errUnobserved)
		}
	}
}

// partition divides the dependents of a node into those that refer to it as r
// and those that refer to it by another name or from another namespace; one
// with two references can be both.
func (c *Collector) partition(n *node, r ref) (matching, others []ref) {
	for uid := range n.dependents { // the callers sort
		dep := c.graph.nodes[uid]
		if r.namespace != "" && r.namespace != dep.ref.namespace {
			others = append(others, dep.ref)
			continue
		}
		match, mismatch := false, false
		for _, o := range dep.owners {
			if o.UID == r.uid {
				match = match || r.matches(o)
				mismatch = mismatch || !r.matches(o)
			}
		}
		if match {
			matching = append(matching, dep.ref)
		}
		if mismatch {
			others = append(others, dep.ref)
		}
	}
	return matching, others
}

// alternative returns the name after the absent one, in the order of refs and
// round its end, among the names by which dependents know the owner
// (getAlternateOwnerIdentity).
func (c *Collector) alternative(absent ref, deps []ref) (ref, bool) {
	var names []ref
	for _, dep := range deps {
		for _, o := range c.graph.nodes[dep.uid].owners {
			if o.UID != absent.uid {
				continue
			}
			if absent.matches(o) && (absent.namespace == "" || absent.namespace == dep.namespace) {
				continue
			}
			name := ownerRef(o, dep.namespace)
			if absent.namespace == "" && name.apiVersion == absent.apiVersion && name.kind == absent.kind {
				name.namespace = "" // a cluster-wide kind
			}
			if name != absent {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return ref{}, false
	}
	slices.SortFunc(names, ref.compare)
	if i := slices.IndexFunc(names, func(r ref) bool { return absent.compare(r) < 0 }); i >= 0 {
		return names[i], true
	}
	return names[0], true
}

func (c *Collector) addAll(env *controller.Env, owner ref, refs []ref) {
	for _, r := range shuffled(env.View, owner, refs) {
		c.deletes.Add(env, r)
	}
}

// errUnobserved sends a virtual node back until its object is observed or
// found absent.
var errUnobserved = errors.New("the object exists and was not observed yet")

// reportNamespace warns that an object refers to an owner in another namespace.
func (c *Collector) reportNamespace(env *controller.Env, n *node, owner types.UID) {
	i := slices.IndexFunc(n.owners, func(o metav1.OwnerReference) bool { return o.UID == owner })
	f, err := c.resource(n.ref)
	if i < 0 || err != nil {
		return
	}
	about := f.kind.New() // upstream refers to it without a version
	if u, ok := about.(*unstructured.Unstructured); ok {
		u.SetGroupVersionKind(schema.FromAPIVersionAndKind(n.ref.apiVersion, n.ref.kind))
	}
	about.SetNamespace(n.ref.namespace)
	about.SetName(n.ref.name)
	about.SetUID(n.ref.uid)
	env.Note(controller.Note{
		About:  about,
		Type:   corev1.EventTypeWarning,
		Reason: "OwnerRefInvalidNamespace",
		Message: fmt.Sprintf("ownerRef %s does not exist in namespace %q",
			ownerRef(n.owners[i], n.ref.namespace), n.ref.namespace),
	})
}
