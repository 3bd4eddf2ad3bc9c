package garbagecollector

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// deleter decides whether an object is to be deleted (attemptToDeleteItem). It
// reads the collector's graph, and leaves there what it finds out.
type deleter struct{ *Collector }

// attempt is the memo of one attempt to delete an object.
type attempt struct {
	stage stage
	// latest is the object as the server has it.
	latest apiserver.Object
	// next is the reference being classified, of those of latest.
	next int
	// solid, dangling and waiting count the references classified: to owners
	// that exist, that do not, and that wait for their dependents.
	solid, dangling, waiting int
	// loose are the owners that dangle or wait.
	loose uids
	// foreground says that the object waited for its dependents when the
	// attempt began.
	foreground bool
	// policy is how the object is being deleted.
	policy    metav1.DeletionPropagation
	finalizer removal
}

type stage uint8

const (
	beginning   stage = iota
	fetched           // the object was asked for
	classifying       // an owner was asked for
	unblocking        // its references were made not to block
	deleting          // its deletion was asked for
	rechecking        // the deletion met a conflict, and the object was asked for again
	redeleting        // the deletion was asked for again, of whatever version
	stripping         // references were taken off
	releasing         // its finalizer is being removed
)

// Step implements controller.Machine.
func (d deleter) Step(v controller.View, item ref, m attempt, results [][]apiserver.Result) (controller.Plan, attempt) {
	n, virtual := d.lookup(item)
	switch {
	case n == nil && m.stage == beginning:
		return controller.Plan{}, m // it is gone, or known by another name
	case n == nil: // since the attempt began, which goes on
		n = &node{ref: item, deletingDependents: m.foreground}
	}
	if m.stage == beginning {
		if n.beingDeleted && !n.deletingDependents {
			return controller.Plan{}, m // deletion is a one-way trip
		}
		f, err := d.resource(item)
		if err != nil {
			return controller.Plan{Err: err}, m
		}
		if f.namespaced && f.key.Namespace == "" {
			return controller.Plan{}, m // a cluster-wide object cannot have such an owner
		}
		m.stage, m.foreground = fetched, n.deletingDependents
		return get(f), m
	}
	res := results[0][0]
	switch m.stage {
	case fetched:
		return d.fetched(v, n, item, m, res)
	case classifying:
		return d.classified(n, item, m, res)
	case unblocking:
		if res.Err != nil {
			return controller.Plan{Err: res.Err}, m
		}
		return d.remove(item, m, metav1.DeletePropagationForeground)
	case deleting:
		if apierrors.IsConflict(res.Err) {
			m.stage = rechecking
			return d.get(item), m
		}
	case rechecking:
		return d.recheck(item, m, res)
	case releasing:
		plan, fin := m.finalizer.step(d.defined, item, metav1.FinalizerDeleteDependents, res)
		m.finalizer = fin
		if plan.Err != nil || len(plan.Chains) > 0 {
			return plan, m
		}
		return d.done(item, virtual), m
	}
	return d.ended(item, virtual, m, res)
}

// ended finishes an attempt after its last request. Of an object that was to be
// deleted and does not exist the graph must learn.
func (d deleter) ended(item ref, virtual bool, m attempt, res apiserver.Result) (controller.Plan, attempt) {
	switch {
	case apierrors.IsNotFound(res.Err) && m.stage != stripping:
		d.gone = append(d.gone, item)
		return controller.Plan{}, m
	case res.Err != nil:
		return controller.Plan{Err: res.Err}, m
	}
	return d.done(item, virtual), m
}

// done ends an attempt. A virtual node is looked at again until it is observed
// or gone.
func (d deleter) done(item ref, virtual bool) controller.Plan {
	if virtual && d.isPolled(item) {
		return controller.Plan{Err: errUnobserved}
	}
	return controller.Plan{}
}

// fetched goes on with the live object: its deletion in the foreground (S39),
// or the question who owns it.
func (d deleter) fetched(v controller.View, n *node, item ref, m attempt, res apiserver.Result) (controller.Plan, attempt) {
	switch {
	case apierrors.IsNotFound(res.Err), res.Err == nil && res.Object.GetUID() != item.uid:
		d.gone = append(d.gone, item)
		return controller.Plan{}, m
	case res.Err != nil:
		return controller.Plan{Err: res.Err}, m
	case n.deletingDependents:
		if n.blocking == 0 {
			m.stage = releasing
			return d.get(item), m
		}
		d.again = append(d.again, shuffled(v, item, d.graph.restingDependents(n))...)
		return d.done(item, n.virtual), m
	}
	m.latest = res.Object
	return d.classify(n, item, m)
}

// classify asks for the next owner that is not known to be absent
// (isDangling); when there is none left, it decides.
func (d deleter) classify(n *node, item ref, m attempt) (controller.Plan, attempt) {
	owners := m.latest.GetOwnerReferences()
	for ; m.next < len(owners); m.next++ {
		owner := ownerRef(owners[m.next], "")
		there := ownerRef(owners[m.next], item.namespace)
		if d.absent.has(owner) || d.absent.has(there) {
			m.dangle(owners[m.next])
			continue
		}
		f, err := d.resource(there)
		if err != nil {
			return controller.Plan{Err: err}, m
		}
		if item.namespace == "" && f.namespaced {
			return controller.Plan{}, m // invalid, and no retry would mend it
		}
		m.stage = classifying
		return get(f), m
	}
	return d.decide(n, item, m)
}

// classified takes the answer about one owner.
func (d deleter) classified(n *node, item ref, m attempt, res apiserver.Result) (controller.Plan, attempt) {
	o := m.latest.GetOwnerReferences()[m.next]
	switch {
	case apierrors.IsNotFound(res.Err), res.Err == nil && res.Object.GetUID() != o.UID:
		where := ownerRef(o, item.namespace)
		if f, _ := d.resource(where); !f.namespaced {
			where.namespace = ""
		}
		d.absent.add(where)
		m.dangle(o)
	case res.Err != nil:
		return controller.Plan{Err: res.Err}, m
	case isWaitingFor(res.Object, metav1.FinalizerDeleteDependents):
		m.waiting++
		m.loose = m.loose.with(o.UID)
	default:
		m.solid++
	}
	m.next++
	return d.classify(n, item, m)
}

func (m *attempt) dangle(o metav1.OwnerReference) {
	m.dangling++
	m.loose = m.loose.with(o.UID)
}

// decide chooses what becomes of an object whose references are classified.
func (d deleter) decide(n *node, item ref, m attempt) (controller.Plan, attempt) {
	switch {
	case len(m.latest.GetOwnerReferences()) == 0, m.solid > 0 && len(m.loose) == 0:
		return d.done(item, n.virtual), m
	case m.solid > 0:
		// It stays. References to owners that are gone, or that wait for it,
		// would keep those for ever.
		m.stage = stripping
		return d.patch(item, dropOwners{m.loose}), m
	case m.waiting > 0 && len(n.dependents) > 0:
		// Its owner waits, and it has dependents of its own: they go first. If
		// one of these waits already, there may be a circle, which the owner's
		// references must not hold up.
		if d.graph.isForegroundInside(n) {
			m.stage = unblocking
			return d.patch(item, unblockOwners{}), m
		}
		return d.remove(item, m, metav1.DeletePropagationForeground)
	case isKept(m.latest, metav1.FinalizerOrphanDependents):
		return d.remove(item, m, metav1.DeletePropagationOrphan)
	case isKept(m.latest, metav1.FinalizerDeleteDependents):
		return d.remove(item, m, metav1.DeletePropagationForeground)
	}
	return d.remove(item, m, metav1.DeletePropagationBackground) // S38
}

// remove asks for the deletion of the object as it was seen.
func (d deleter) remove(item ref, m attempt, policy metav1.DeletionPropagation) (controller.Plan, attempt) {
	m.stage, m.policy = deleting, policy
	return d.delete(item, m.latest.GetResourceVersion(), policy), m
}

// recheck looks at an object that changed before it could be deleted: if its
// references are as they were, the change was about something else, and must
// not save it (deleteObject).
func (d deleter) recheck(item ref, m attempt, res apiserver.Result) (controller.Plan, attempt) {
	switch {
	case apierrors.IsNotFound(res.Err):
		d.gone = append(d.gone, item)
		return controller.Plan{}, m
	case res.Err == nil && res.Object.GetUID() == item.uid &&
		res.Object.GetResourceVersion() != m.latest.GetResourceVersion() &&
		sameOwners(res.Object.GetOwnerReferences(), m.latest.GetOwnerReferences()):
		m.stage = redeleting
		return d.delete(item, "", m.policy), m
	}
	f, _ := d.resource(item) // known: it was asked for before
	return controller.Plan{Err: apierrors.NewConflict(f.kind.GroupResource(), f.key.Name, errChanged)}, m
}

func (d deleter) get(item ref) controller.Plan {
	f, _ := d.resource(item) // known: the first stage has checked it
	return get(f)
}

func (d deleter) patch(item ref, p apiserver.Patcher) controller.Plan {
	f, _ := d.resource(item)
	return controller.Send(apiserver.Request{Verb: apiserver.Patch, Kind: f.kind, Key: f.key, UID: item.uid, Patch: p})
}

func (d deleter) delete(item ref, version string, policy metav1.DeletionPropagation) controller.Plan {
	f, _ := d.resource(item)
	return controller.Send(apiserver.Request{
		Verb: apiserver.Delete, Kind: f.kind, Key: f.key, UID: item.uid, ResourceVersion: version, Propagation: policy,
	})
}

func get(f found) controller.Plan {
	return controller.Send(apiserver.Request{Verb: apiserver.Get, Kind: f.kind, Key: f.key})
}
