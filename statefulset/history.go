package statefulset

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// listRevisions returns the revisions that the set or nobody controls and that
// its selector matches, oldest first. The list is shared; it is made anew only
// when one of the two it is made from is another: those are replaced, never
// changed, and the selector is immutable.
func (c *Controller) listRevisions(set *appsv1.StatefulSet, selector labels.Selector) []*appsv1.ControllerRevision {
	o := ownerOf(set)
	owned, free := c.revisions[o], c.freeRevisions[set.Namespace]
	b := c.blueprints[o]
	if b != nil && b.listed != nil && shared.List(b.owned, owned) && shared.List(b.free, free) {
		return b.listed
	}
	list := make([]*appsv1.ControllerRevision, 0, len(owned)+len(free))
	for _, rs := range [][]*appsv1.ControllerRevision{owned, free} {
		for _, r := range rs {
			if selector.Matches(labels.Set(r.Labels)) {
				list = append(list, r)
			}
		}
	}
	slices.SortStableFunc(list, compareRevisions)
	list = slices.Clip(list)
	if b != nil {
		b.owned, b.free, b.listed = owned, free, list
	}
	return list
}

// chooseRevision is S7.
func (p *pass) chooseRevision() {
	if p.stage != syncStart { // adoption has taken a while
		p.revisions = p.c.listRevisions(p.set, p.selector)
	}
	b, err := p.blueprint()
	if err != nil {
		p.revisionFailed(err)
		return
	}
	if n := p.set.Status.CollisionCount; n != nil {
		p.collisions = *n
	}
	var newest, equal *appsv1.ControllerRevision
	for _, r := range p.revisions {
		newest = r
		if bytes.Equal(r.Data.Raw, b.data) {
			equal = r
		}
	}
	number := int64(1)
	if newest != nil {
		number = newest.Revision + 1
	}
	switch {
	case equal != nil && sameData(newest, equal):
		p.revisionChosen(newest)
	case equal != nil: // a rollback
		raised := *equal
		raised.Revision = number
		p.wanted = &raised
		sent := raised
		p.send(revisionRaised, apiserver.Request{Verb: apiserver.Update, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(equal), Object: &sent})
	case newest != nil && b.equals(p.set, newest):
		p.revisionChosen(newest)
	default:
		p.wanted = newRevision(p.set, b.data, number, p.collisions)
		p.createRevision()
	}
}

// equals is equalOnceDefaulted, remembered.
func (b *blueprint) equals(set *appsv1.StatefulSet, r *appsv1.ControllerRevision) bool {
	id := r.Name + "/" + r.ResourceVersion
	if b.equal != id && equalOnceDefaulted(set, b.data, r) {
		b.equal = id
	}
	return b.equal == id
}

func (p *pass) createRevision() {
	sent := renamed(p.wanted, p.set.Name, p.collisions)
	p.send(revisionCreated, apiserver.Request{Verb: apiserver.Create, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(sent), Object: sent})
}

func (p *pass) revisionCreated(res apiserver.Result) {
	switch {
	case res.Err == nil:
		p.revisionChosen(res.Object.(*appsv1.ControllerRevision))
	case apierrors.IsAlreadyExists(res.Err):
		name := renamed(p.wanted, p.set.Name, p.collisions).Name
		p.send(revisionFound, apiserver.Request{Verb: apiserver.Get, Kind: apiserver.ControllerRevision,
			Key: apiserver.Key{Namespace: p.set.Namespace, Name: name}})
	default:
		p.revisionFailed(res.Err)
	}
}

// revisionFound looks at what bears the name already: if it is not the same,
// the name is a collision.
func (p *pass) revisionFound(res apiserver.Result) {
	if res.Err != nil {
		p.revisionFailed(res.Err)
		return
	}
	if found := res.Object.(*appsv1.ControllerRevision); sameData(found, p.wanted) {
		p.revisionChosen(found)
		return
	}
	p.collisions++
	p.createRevision()
}

func (p *pass) revisionRaised(res apiserver.Result) {
	switch {
	case res.Err == nil:
		p.revisionChosen(p.wanted)
	case isConflict(res.Err):
		// Upstream tries again with the empty object that its client returns
		// beside an error, and fails on that.
		p.revisionFailed(errors.New("resource name may not be empty"))
	default:
		p.revisionFailed(res.Err)
	}
}

// revisionFailed ends the sync; the history is truncated all the same.
func (p *pass) revisionFailed(err error) {
	p.failure = err
	p.truncate(p.liveRevisions())
}

// revisionChosen is S8, and the beginning of updateStatefulSet: it settles what
// the sync has to do.
func (p *pass) revisionChosen(update *appsv1.ControllerRevision) {
	current := update
	for _, r := range p.revisions {
		if r.Name == p.set.Status.CurrentRevision {
			current = r
			break
		}
	}
	b, err := p.blueprint()
	if err == nil {
		p.current, err = p.c.editionOf(p.set, b, current)
	}
	if err == nil {
		p.update, err = p.c.editionOf(p.set, b, update)
	}
	p.current.revision, p.update.revision = current.Name, update.Name
	if err != nil {
		p.revisionFailed(err)
		return
	}
	if isRecreate(p.set) && !p.c.gates.Recreate { // S28
		err := fmt.Errorf("statefulset %s/%s uses Recreate strategy but feature gate StatefulSetRecreateStrategy is disabled", p.set.Namespace, p.set.Name)
		p.note(warning(p.set, "UnknownStrategy", err.Error()))
		p.revisionFailed(err)
		return
	}
	p.agenda = p.c.agendaOf(p)
	p.status = newStatus(p.set, current.Name, update.Name, p.collisions, p.agenda.tally)
	if p.set.DeletionTimestamp != nil { // S14
		p.writeStatus(nil)
		return
	}
	p.stage, p.next = inRecreate, 0
	p.phases(nil)
}

// truncate is S9. Live are the revisions that pods name, and the current and
// the update revision as far as they are known.
func (p *pass) truncate(onPods []string) {
	var dead []*appsv1.ControllerRevision
	for _, r := range p.revisions {
		if r.Name != p.current.revision && r.Name != p.update.revision && !slices.Contains(onPods, r.Name) {
			dead = append(dead, r)
		}
	}
	limit := 10
	if n := p.set.Spec.RevisionHistoryLimit; n != nil {
		limit = int(*n)
	}
	if limit < 0 || len(dead) <= limit {
		p.end(nil)
		return
	}
	chain := make([]apiserver.Request, len(dead)-limit)
	for i := range chain {
		chain[i] = apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(dead[i])}
	}
	p.send(historyTruncated, chain...)
}
