package statefulset

import (
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Step is one step of a sync of the set with that key (S2): from its beginning
// or from the answers to its last requests up to its next requests, or its end.
func (c *Controller) Step(v controller.View, key apiserver.Key, m memo, results [][]apiserver.Result) (controller.Plan, memo) {
	c.view = v
	plan, next := c.step(&c.view, key, m, results)
	c.view = controller.View{}
	return plan, next
}

func (c *Controller) step(l lister, key apiserver.Key, m memo, results [][]apiserver.Result) (controller.Plan, memo) {
	p := pass{c: c, l: l, memo: m}
	var first []apiserver.Result // of the steps that send one chain
	if len(results) > 0 {
		first = results[0]
	}
	switch p.stage {
	case syncStart:
		p.start(key)
	case revisionsChecked:
		p.adoptRevisions(first[0])
	case revisionsAdopted:
		if err := first[len(first)-1].Err; err != nil {
			p.plan.Err = err
		} else {
			p.claimPods()
		}
	case podsReleased:
		p.podsReleased(first)
	case podsChecked:
		p.adoptPods(recheck(p.set, first[0]))
	case podsAdopted:
		p.podsAdopted(first)
	case revisionRaised:
		p.revisionRaised(first[0])
	case revisionCreated:
		p.revisionCreated(first[0])
	case revisionFound:
		p.revisionFound(first[0])
	case inRollout:
		p.rolledOut(first)
	case statusWritten:
		p.statusWritten(first[0])
	case historyTruncated:
		p.end(first[len(first)-1].Err)
	default:
		p.phases(results)
	}
	return p.plan, p.memo
}

// start is S2 up to the first request.
func (p *pass) start(key apiserver.Key) {
	if err := p.c.seesOwnWrites(p.l, key); err != nil {
		p.plan.Err = err
		return
	}
	set := p.l.StatefulSet(key)
	if set == nil {
		delete(p.c.writes, key)
		return
	}
	p.set = set
	if r := p.c.rosters[ownerOf(set)]; r != nil && r.derived(set) {
		p.selector = r.selector
	} else if selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector); err == nil {
		p.selector = selector
	} else {
		return // it would not be better next time
	}
	p.revisions = p.c.listRevisions(set, p.selector)
	if len(p.c.freeRevisions[set.Namespace]) > 0 && slices.ContainsFunc(p.revisions, isOrphan) {
		p.send(revisionsChecked, p.liveRead())
		return
	}
	p.claimPods()
}

// phases goes through updateStatefulSet's phases (S15–S28) as far as they lead.
func (p *pass) phases(results [][]apiserver.Result) {
	ordered := !isParallel(p.set)
	for p.stage < inRollout {
		var list []target
		var work job
		batched := !ordered
		switch p.stage {
		case inRecreate: // S20: in batches whatever the policy
			list, work, batched = p.agenda.recreate, deletePod, true
		case inReplicas:
			list, work = p.agenda.replicas, tendReplica
		case inRepairs:
			list, work = p.agenda.repairs, repairClaims
		case inExcess:
			list, work = p.agenda.excess, deletePod
		}
		open, exit, err := p.run(list, work, batched, results)
		if open {
			return
		}
		results = nil
		if err != nil || exit || p.stage == inReplicas && p.agenda.waits || p.stage == inExcess && p.agenda.shrinks {
			p.writeStatus(err)
			return
		}
		if p.stage == inRecreate && p.recreated() {
			p.writeStatus(nil)
			return
		}
		p.stage++
		p.next = 0
	}
	p.rollOut()
}

// run works through a list of pods, one by one or in slow-start batches (S20).
// It reports that requests are open, that an OrderedReady set goes no further,
// or what failed.
func (p *pass) run(list []target, work job, batched bool, results [][]apiserver.Result) (open, exit bool, err error) {
	for {
		if p.tasks = slices.Clone(p.tasks); len(p.tasks) == 0 {
			if p.next >= len(list) {
				return false, false, nil
			}
			p.tasks = newBatch(list[p.next:], work, batched)
			p.next += len(p.tasks)
		}
		if chains := p.advanceAll(results); chains != nil {
			p.plan.Chains = chains
			return true, false, nil
		}
		results = nil
		var errs []error
		for i := range p.tasks {
			if t := &p.tasks[i]; t.err != nil {
				errs = append(errs, t.err)
			} else if t.exit && !batched {
				exit = true
			}
		}
		p.tasks = nil
		switch {
		case len(errs) > 0 && batched:
			return false, true, utilerrors.NewAggregate(errs)
		case len(errs) > 0:
			return false, true, errs[0]
		case exit:
			return false, true, nil
		}
	}
}

// newBatch makes the tasks of the next batch of a list.
func newBatch(list []target, work job, batched bool) []task {
	n := 1
	if batched {
		for end := batchEnd(list[0].index); n < len(list) && list[n].index < end; n++ {
		}
	}
	tasks := make([]task, n)
	for i := range tasks {
		tasks[i] = task{target: list[i], job: work}
	}
	return tasks
}

// advanceAll moves all tasks of a batch on and returns their requests, one
// chain for each task, or nil if all are done.
func (p *pass) advanceAll(results [][]apiserver.Result) [][]apiserver.Request {
	var chains [][]apiserver.Request
	for i := range p.tasks {
		var answers []apiserver.Result
		if i < len(results) {
			answers = results[i]
		}
		chain := p.advance(&p.tasks[i], answers)
		if chain != nil && chains == nil {
			chains = make([][]apiserver.Request, len(p.tasks))
		}
		if chain != nil {
			chains[i] = chain
		}
	}
	return chains
}

// recreated is what S28 does after the deletions; it reports that old pods
// remain.
func (p *pass) recreated() bool {
	if !isRecreate(p.set) {
		return false
	}
	now := apiserver.Stamp(p.l.Now())
	switch {
	case p.agenda.recreating:
		p.status.Conditions = withProgressing(p.status.Conditions, corev1.ConditionTrue, recreateInProgress, "Deleting old revision pods", now)
		return true
	case p.current.revision != p.update.revision:
		p.status.Conditions = withProgressing(p.status.Conditions, corev1.ConditionTrue, recreateInProgress, "Waiting for new-revision pods to be created", now)
	}
	return false
}

// rollOut deletes pods for the update, one after the other (S20, S24–S27).
func (p *pass) rollOut() {
	if len(p.agenda.rollout) == 0 {
		p.writeStatus(p.agenda.rollFail)
		return
	}
	p.next = 0
	p.sendRollout()
}

func (p *pass) sendRollout() {
	rest := p.agenda.rollout[p.next:]
	chain := make([]apiserver.Request, len(rest))
	for i := range rest {
		chain[i] = apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: p.targetKey(&rest[i])}
	}
	p.send(inRollout, chain...)
}

func (p *pass) targetKey(t *target) apiserver.Key {
	if t.pod != nil {
		return apiserver.KeyOf(t.pod)
	}
	return podKey(p.set, t.ordinal)
}

func (p *pass) rolledOut(results []apiserver.Result) {
	for i := range results {
		name := p.targetKey(&p.agenda.rollout[p.next]).Name
		p.next++
		if err := p.deleted(name, results[i].Err); err != nil {
			p.writeStatus(err)
			return
		}
		p.status.CurrentReplicas-- // S30
	}
	if p.next < len(p.agenda.rollout) { // a pod was gone already
		p.sendRollout()
		return
	}
	p.writeStatus(nil)
}

// writeStatus is S31 and S32, after the phases ended with err.
func (p *pass) writeStatus(err error) {
	p.failure = err
	p.status = completed(p.set, p.status, p.c.gates.Recreate, apiserver.Stamp(p.l.Now()))
	if _, bad := maxUnavailableOf(p.set); bad != nil && !p.c.gates.NoMaxUnavailable {
		p.statusDone(bad)
		return
	}
	if !statusDiffers(&p.set.Status, &p.status) {
		p.statusDone(nil)
		return
	}
	p.writing, p.tries = p.set, 0
	p.sendStatus()
}

func (p *pass) sendStatus() {
	set := *p.writing
	set.Status = p.status
	p.send(statusWritten, apiserver.Request{Verb: apiserver.Update, Kind: apiserver.StatefulSet,
		Subresource: apiserver.Status, Key: p.key(), Object: &set, Given: true})
}

func (p *pass) statusWritten(res apiserver.Result) {
	if res.Err == nil {
		p.c.wrote(p.set, res.Object)
		p.statusDone(nil)
		return
	}
	if set := p.l.StatefulSet(p.key()); set != nil {
		p.writing = set
	}
	if p.tries++; isConflict(res.Err) && p.tries < maxStatusTries {
		p.sendStatus()
		return
	}
	p.statusDone(res.Err)
}

func (p *pass) statusDone(err error) {
	if p.failure == nil { // a failure of the status is lost beside another
		p.failure = err
	}
	p.truncate(p.agenda.live)
}

// end closes the sync with what the truncation of the history came to. Failures
// are reported together (SSC, UpdateStatefulSet).
func (p *pass) end(truncation error) {
	if p.failure != nil {
		errs := []error{p.failure}
		var agg utilerrors.Aggregate
		if errors.As(p.failure, &agg) {
			errs = agg.Errors()
		}
		p.plan.Err = utilerrors.NewAggregate(append(slices.Clone(errs), truncation))
		return
	}
	if p.plan.Err = truncation; truncation != nil {
		return
	}
	if min := p.set.Spec.MinReadySeconds; min > 0 && p.status.ReadyReplicas != p.status.AvailableReplicas { // S33
		p.plan.After = time.Duration(min) * time.Second
		if next := p.agenda.next; next > 0 {
			p.plan.After = max(next-p.l.Now().Sub(p.now), 1)
		}
	}
}

// liveRead reads the set from the server itself.
func (p *pass) liveRead() apiserver.Request {
	return apiserver.Request{Verb: apiserver.Get, Kind: apiserver.StatefulSet, Key: p.key()}
}

// recheck is S3's guard: is the set that wants to adopt still there?
func recheck(set metav1.Object, res apiserver.Result) error {
	if res.Err != nil {
		return fmt.Errorf("can't recheck DeletionTimestamp: %v", res.Err)
	}
	fresh := res.Object
	if fresh.GetUID() != set.GetUID() {
		return fmt.Errorf("can't recheck DeletionTimestamp: original StatefulSet %v/%v is gone: got uid %v, wanted %v",
			set.GetNamespace(), set.GetName(), fresh.GetUID(), set.GetUID())
	}
	if fresh.GetDeletionTimestamp() != nil {
		return fmt.Errorf("%v/%v has just been deleted at %v", fresh.GetNamespace(), fresh.GetName(), fresh.GetDeletionTimestamp())
	}
	return nil
}

func isGone(err error) bool { return apierrors.IsNotFound(err) }
