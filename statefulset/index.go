package statefulset

import (
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
)

// rosterOf returns the roster of an owner, making one if need be.
func (c *Controller) rosterOf(o owner) *roster {
	r := c.rosters[o]
	if r == nil {
		r = &roster{}
		c.rosters[o] = r
	}
	return r
}

// placePod brings the indices up to date with a change of a pod: old is nil if
// it is new, pod if it is gone.
func (c *Controller) placePod(l lister, old, pod *corev1.Pod) {
	before, wasOwned, wasFree := placeOf(old)
	after, isOwned, isFree := placeOf(pod)
	any := pod
	if any == nil {
		any = old
	}
	parent, o := splitName(any.Name)
	key := apiserver.Key{Namespace: any.Namespace, Name: parent}
	if wasFree != isFree {
		n := c.orphans[key]
		n.put(parent, any.Name, isFree)
		if n.empty() {
			delete(c.orphans, key)
		} else {
			c.orphans[key] = n
		}
	}
	if wasOwned && (!isOwned || before != after) {
		r := c.rosterOf(before)
		r.owned.put(before.name, any.Name, false)
		if parent == before.name && canonical(any.Name, parent, o) {
			c.refresh(l, r, o, old, nil)
		}
		if r.owned.empty() && r.set == nil {
			delete(c.rosters, before)
		}
	}
	if isOwned {
		r := c.rosterOf(after)
		r.owned.put(after.name, any.Name, true)
		if !wasOwned || before != after {
			old = nil // the roster does not know it
		}
		if parent == after.name && canonical(any.Name, parent, o) {
			c.refresh(l, r, o, old, pod)
		}
	}
}

func placeOf(pod *corev1.Pod) (o owner, owned, free bool) {
	if pod == nil {
		return owner{}, false, false
	}
	return setOwner(pod)
}

// placeSet brings the indices up to date with a change of a set.
func (c *Controller) placeSet(old, set *appsv1.StatefulSet) {
	if old != nil && set != nil && old.UID == set.UID && old.Generation == set.Generation {
		return // a change of the status
	}
	for _, s := range []*appsv1.StatefulSet{old, set} {
		if s == nil {
			continue
		}
		in := s == set
		c.sets[s.Namespace] = placed(c.sets[s.Namespace], s.Name, in)
		for i := range s.Spec.VolumeClaimTemplates {
			key := apiserver.Key{Namespace: s.Namespace, Name: s.Spec.VolumeClaimTemplates[i].Name + "-" + s.Name}
			c.claimants[key] = placed(c.claimants[key], s.Name, in)
			if len(c.claimants[key]) == 0 {
				delete(c.claimants, key)
			}
		}
	}
	if old != nil && (set == nil || old.UID != set.UID) {
		o := ownerOf(old)
		if r := c.rosters[o]; r != nil {
			if r.forget(); r.owned.empty() {
				delete(c.rosters, o)
			}
		}
		delete(c.blueprints, o)
	}
}

// placed returns the sorted list with or without name.
func placed(list []string, name string, in bool) []string {
	i, found := slices.BinarySearch(list, name)
	switch {
	case in && !found:
		return slices.Insert(list, i, name)
	case !in && found:
		return slices.Delete(list, i, i+1)
	}
	return list
}

// placeClaim brings the rosters up to date with a change of a claim, of which
// they know existence, deletion and owners.
func (c *Controller) placeClaim(l lister, old, claim *corev1.PersistentVolumeClaim) {
	if old != nil && claim != nil && (old.DeletionTimestamp == nil) == (claim.DeletionTimestamp == nil) &&
		sameOwners(old, claim) {
		return
	}
	any := claim
	if any == nil {
		any = old
	}
	i := strings.LastIndexByte(any.Name, '-')
	if i < 0 {
		return
	}
	o := ordinalOf(any.Name)
	for _, name := range c.claimants[apiserver.Key{Namespace: any.Namespace, Name: any.Name[:i]}] {
		set := l.StatefulSet(apiserver.Key{Namespace: any.Namespace, Name: name})
		if set == nil {
			continue
		}
		if r := c.rosters[ownerOf(set)]; r != nil && r.owned.regular.has(o) {
			c.refresh(l, r, o, nil, l.Pod(podKey(set, o)))
		}
	}
}

func sameOwners(a, b *corev1.PersistentVolumeClaim) bool {
	if len(a.OwnerReferences) != len(b.OwnerReferences) {
		return false
	}
	for i := range a.OwnerReferences {
		x, y := &a.OwnerReferences[i], &b.OwnerReferences[i]
		if x.UID != y.UID || x.Name != y.Name || x.Kind != y.Kind || x.APIVersion != y.APIVersion ||
			(x.Controller != nil && *x.Controller) != (y.Controller != nil && *y.Controller) {
			return false
		}
	}
	return true
}

// placeRevision brings the indices up to date with a change of a revision.
func (c *Controller) placeRevision(old, rev *appsv1.ControllerRevision) {
	for _, r := range []*appsv1.ControllerRevision{old, rev} {
		if r == nil {
			continue
		}
		in := r == rev
		switch o, owned, free := setOwner(r); {
		case owned:
			if list := replaced(c.revisions[o], r, in); len(list) > 0 {
				c.revisions[o] = list
			} else {
				delete(c.revisions, o)
			}
		case free:
			if list := replaced(c.freeRevisions[r.Namespace], r, in); len(list) > 0 {
				c.freeRevisions[r.Namespace] = list
			} else {
				delete(c.freeRevisions, r.Namespace)
			}
		}
	}
}

// replaced returns a new list without the revision of that name, or with r in
// its place.
func replaced(list []*appsv1.ControllerRevision, r *appsv1.ControllerRevision, in bool) []*appsv1.ControllerRevision {
	out := make([]*appsv1.ControllerRevision, 0, len(list)+1)
	for _, have := range list {
		if have.Name != r.Name {
			out = append(out, have)
		}
	}
	if in {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *appsv1.ControllerRevision) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// misfits returns the pods that the set controls but does not want.
func (c *Controller) misfits(l lister, set *appsv1.StatefulSet, selector labels.Selector) []*corev1.Pod {
	r := c.ready(l, set, selector)
	if r.plain() {
		return nil
	}
	var pods []*corev1.Pod
	for _, pod := range c.ownedPods(l, r, set) {
		if !claims(set, selector, pod) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// adoptable returns the pods that nobody controls and the set wants.
func (c *Controller) adoptable(l lister, set *appsv1.StatefulSet, selector labels.Selector) []*corev1.Pod {
	n, ok := c.orphans[apiserver.KeyOf(set)]
	if !ok {
		return nil
	}
	var pods []*corev1.Pod
	n.all(set.Name, func(name string) {
		c.examined++
		pod := l.Pod(apiserver.Key{Namespace: set.Namespace, Name: name})
		if pod != nil && pod.DeletionTimestamp == nil && claims(set, selector, pod) {
			pods = append(pods, pod)
		}
	})
	return pods
}

// ownedPods returns the pods that the set controls, wanted or not.
func (c *Controller) ownedPods(l lister, r *roster, set *appsv1.StatefulSet) []*corev1.Pod {
	var pods []*corev1.Pod
	r.owned.all(set.Name, func(name string) {
		c.examined++
		if pod := l.Pod(apiserver.Key{Namespace: set.Namespace, Name: name}); pod != nil {
			pods = append(pods, pod)
		}
	})
	return pods
}

// ready returns the set's roster, derived for the spec that the sync began with.
func (c *Controller) ready(l lister, set *appsv1.StatefulSet, selector labels.Selector) *roster {
	r := c.rosters[ownerOf(set)]
	if r != nil && r.derived(set) {
		return r
	}
	if now := l.StatefulSet(apiserver.KeyOf(set)); now == nil || now.UID != set.UID {
		// The set vanished in the middle of the sync: its roster is not kept up.
		gone := &roster{}
		if r != nil {
			gone.owned = r.owned.clone()
		}
		r = gone
	} else if r == nil {
		r = c.rosterOf(ownerOf(set))
	} else if c.adapt(l, r, set) {
		return r
	}
	c.derive(l, r, set, selector)
	return r
}

// blueprint is blueprintOf the set, asked once a step.
func (p *pass) blueprint() (*blueprint, error) {
	var err error
	if p.kept == nil {
		p.kept, err = p.c.blueprintOf(p.l, p.set)
	}
	return p.kept, err
}

// blueprintOf returns what the set's spec gives for revisions. It is kept as
// long as the set exists and its template stays as it is: most changes of a set
// are of its size.
func (c *Controller) blueprintOf(l lister, set *appsv1.StatefulSet) (*blueprint, error) {
	o := ownerOf(set)
	b := c.blueprints[o]
	switch {
	case b == nil:
	case b.generation == set.Generation:
		return b, nil
	case reflect.DeepEqual(b.template, &set.Spec.Template): // a look at a few pointers, if it was shared
		b.generation = set.Generation
		return b, nil
	}
	data, err := podcontrol.RevisionData(&set.Spec.Template)
	if err != nil {
		return nil, err
	}
	b = &blueprint{generation: set.Generation, template: &set.Spec.Template, data: data, meta: podMeta(set)}
	if now := l.StatefulSet(apiserver.KeyOf(set)); now != nil && now.UID == set.UID {
		c.blueprints[o] = b
	}
	return b, nil
}

// agendaOf makes a sync's agenda: from the roster, or from a list of all pods if
// some are odd or have just been adopted, so that the roster does not know them.
func (c *Controller) agendaOf(p *pass) agenda {
	d := p.draft()
	r := c.ready(p.l, p.set, p.selector)
	if r.plain() && len(p.adopted) == 0 && !c.naive {
		return c.agendaOfRoster(p.l, &d, r)
	}
	return agendaOfList(&d, p.pods(r))
}

// pods returns the pods of a sync, as a list. Upstream knows those that it has
// just adopted as they were before, whatever its cache says by now: an update of
// one in the same sync is a conflict (PodControllerRefManager, ClaimPods).
func (p *pass) pods(r *roster) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, pod := range p.c.ownedPods(p.l, r, p.set) {
		isAdopted := slices.ContainsFunc(p.adopted, func(a *corev1.Pod) bool { return a.Name == pod.Name })
		if !isAdopted && claims(p.set, p.selector, pod) {
			pods = append(pods, pod)
		}
	}
	return append(pods, p.adopted...)
}

// liveRevisions returns the revisions that the set's pods name.
func (p *pass) liveRevisions() []string {
	r := p.c.ready(p.l, p.set, p.selector)
	if r.plain() && len(p.adopted) == 0 {
		return r.live()
	}
	var live []string
	for _, pod := range p.pods(r) {
		live = append(live, revisionOf(pod))
	}
	return live
}
