package statefulset

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// task is what a sync does about one pod: a small machine of its own, because
// upstream reads again after some of its writes. It is plain data; a step of
// the sync works on a copy.
type task struct {
	target
	job  job
	at   point
	work *corev1.Pod // the pod as it is built, or repaired
	why  purpose     // of the claims that are created or repaired

	todo  []int   // templates whose claims have been asked for, in order
	errs  []error // of the claims that could not be created
	whole bool    // the pod's creation ends the chain
	claim int     // the next template whose claim's owners are looked at

	tries   int  // of an update, for conflicts
	dirty   bool // the update has something to write
	tried   bool // it was sent at least once
	failure error

	done bool
	exit bool // an OrderedReady set goes no further
	err  error
}

// job is what a task is for.
type job uint8

const (
	tendReplica  job = iota // S15–S19
	repairClaims            // S21
	deletePod               // S22, S23, S28
)

// point is where a task stands.
type point uint8

const (
	atBegin point = iota
	atDeleted
	atClaims // claims, perhaps with the pod, were asked for
	atOwners
	atOwner // an update of a claim's owners was asked for
	atCheck
	atRepair
	atStorage
	atWrite
	atWritten
)

// purpose is why claims are created, or their owners repaired.
type purpose uint8

const (
	toCreate purpose = iota
	toComplete
	toUpdate
	toCondemn
)

// updateTries is how often an update is tried on conflicts (retry.DefaultBackoff).
const updateTries = 4

func (t *task) finish(exit bool, err error) {
	t.done, t.exit, t.err = true, exit || err != nil, err
}

// advance moves a task on with the answers to its last requests, until it has
// new ones or is done.
func (p *pass) advance(t *task, results []apiserver.Result) []apiserver.Request {
	for !t.done {
		if chain := p.move(t, results); len(chain) > 0 {
			return chain
		}
		results = nil
	}
	return nil
}

func (p *pass) move(t *task, results []apiserver.Result) []apiserver.Request {
	switch t.at {
	case atBegin:
		return p.begin(t)
	case atDeleted:
		t.finish(true, p.deleted(p.deletion(t).Key.Name, results[0].Err))
	case atClaims:
		return p.claimsAnswered(t, results)
	case atOwners:
		return p.nextOwner(t)
	case atOwner:
		p.ownerAnswered(t, results[0])
	case atCheck:
		p.check(t)
	case atRepair:
		return p.repair(t)
	case atStorage:
		p.repairOwners(t)
	case atWrite:
		return p.write(t)
	case atWritten:
		p.written(t, results[0])
	}
	return nil
}

// begin is the first half of processReplica, and the beginning of other jobs.
func (p *pass) begin(t *task) []apiserver.Request {
	pod := t.pod
	switch {
	case t.job == repairClaims:
		if claimsMatch(p.l, p.set, pod) {
			t.finish(false, nil)
			return nil
		}
		p.own(t, pod, toCondemn)
		return nil
	case t.job == deletePod:
		t.at = atDeleted
		return []apiserver.Request{p.deletion(t)}
	case pod != nil && isTerminal(pod): // S15; no Event of its own (§0.10)
		if isTerminating(pod) {
			t.finish(true, nil)
			return nil
		}
		t.at = atDeleted
		return []apiserver.Request{p.deletion(t)}
	case pod == nil: // S16
		t.work = p.build(t.ordinal)
		if claimsStale(p.l, p.set, t.work) {
			t.finish(true, nil)
			return nil
		}
		return p.createClaims(t, toCreate)
	case isPending(pod): // S17
		t.work = pod
		return p.createClaims(t, toComplete)
	}
	t.work, t.at = pod, atCheck
	return nil
}

// build makes the pod of a missing ordinal at the revision of S11.
func (p *pass) build(o int) *corev1.Pod {
	d := p.draft()
	e := &p.update
	if o < d.currentBelow() {
		e = &p.current
	}
	order := templateOrder(p.l, "claim-volumes", p.set, o)
	return newPod(p.set, e, o, claimVolumes(p.set, order, e.spec.Template.Spec.Volumes, o))
}

// createClaims asks for the claims that are missing (SPC,
// createPersistentVolumeClaims) and, to create a pod, for the pod after them.
func (p *pass) createClaims(t *task, why purpose) []apiserver.Request {
	t.why, t.todo, t.errs, t.whole = why, nil, nil, why == toCreate
	var chain []apiserver.Request
	var order []int
	if !claimsExist(p.l, p.set, t.work) { // else it cannot matter, and is not drawn
		order = templateOrder(p.l, "claim-creation", p.set, t.ordinal)
	}
	if n := len(order); n > 0 || t.whole {
		chain = make([]apiserver.Request, 0, n+1)
	}
	for _, i := range order {
		key := claimKeyOf(p.set, i, t.work)
		claim := p.l.Claim(key)
		switch {
		case claim == nil:
			t.todo = append(t.todo, i)
			chain = append(chain, p.claimCreation(i, t.ordinal))
		case claim.DeletionTimestamp != nil: // S35
			t.errs = append(t.errs, fmt.Errorf("pvc %s is being deleted", key.Name))
			t.whole = false
		}
	}
	if t.whole {
		chain = append(chain, apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Key: apiserver.KeyOf(t.work), Object: t.work, Given: true})
		// The server takes over what it is sent, and the machine still needs it.
		sent := *t.work
		t.work = &sent
	}
	if len(chain) == 0 {
		p.claimsDone(t)
		return nil
	}
	t.at = atClaims
	return chain
}

func (p *pass) claimCreation(template, o int) apiserver.Request {
	claim := newClaim(p.set, template, o)
	return apiserver.Request{Verb: apiserver.Create, Kind: apiserver.PersistentVolumeClaim, Key: apiserver.KeyOf(claim), Object: claim, Given: true}
}

// claimsAnswered notes what became of the claims, and goes on with those that a
// failure cut off, but without the pod.
func (p *pass) claimsAnswered(t *task, results []apiserver.Result) []apiserver.Request {
	todo := t.todo
	n := min(len(results), len(todo))
	for i, res := range results[:n] {
		name := claimKeyOf(p.set, todo[i], t.work).Name
		if res.Err != nil {
			t.errs = append(t.errs[:len(t.errs):len(t.errs)], fmt.Errorf("failed to create PVC %s: %w", name, res.Err))
		} else {
			p.c.wrote(p.set, res.Object)
		}
		if res.Err == nil || !apierrors.IsAlreadyExists(res.Err) {
			p.note(claimNote(p.set, name, t.work.Name, res.Err))
		}
	}
	t.todo = todo[n:]
	if len(t.todo) > 0 {
		t.whole = false
		chain := make([]apiserver.Request, len(t.todo))
		for i, template := range t.todo {
			chain[i] = p.claimCreation(template, t.ordinal)
		}
		return chain
	}
	if t.whole && len(results) > n {
		if t.failure = results[n].Err; t.failure == nil {
			p.c.wrote(p.set, results[n].Object)
		}
	}
	p.claimsDone(t)
	return nil
}

// claimsDone goes on after the claims, and the pod, have been asked for.
func (p *pass) claimsDone(t *task) {
	err := error(utilerrors.NewAggregate(t.errs))
	switch {
	case t.why == toCreate && len(t.errs) > 0:
		p.note(podNote(p.set, "Create", t.work.Name, err))
		t.finish(true, err)
	case t.why == toCreate && apierrors.IsAlreadyExists(t.failure): // S4: no event
		t.finish(true, t.failure)
	case t.why == toComplete && len(t.errs) > 0:
		t.finish(true, err)
	case t.why == toUpdate && len(t.errs) > 0:
		p.note(podNote(p.set, "Update", t.work.Name, err))
		p.retry(t, err)
	case t.why == toUpdate:
		t.at = atStorage
	default:
		p.own(t, t.work, t.why)
	}
}

// own begins to repair the owners of a pod's claims (SPC,
// UpdatePodClaimForRetentionPolicy).
func (p *pass) own(t *task, pod *corev1.Pod, why purpose) {
	t.work, t.why, t.claim, t.at = pod, why, 0, atOwners
}

// nextOwner goes through the claims in order; each is read when it is its turn.
func (p *pass) nextOwner(t *task) []apiserver.Request {
	for ; t.claim < len(p.set.Spec.VolumeClaimTemplates); t.claim++ {
		key := claimKeyOf(p.set, t.claim, t.work)
		claim := p.l.Claim(key)
		if claim == nil {
			continue
		}
		if hasForeignController(claim, p.set, t.work) {
			p.note(warning(p.set, "ConflictingController", conflictingController(key.Name)))
		}
		if !ownersMatch(claim, p.set, t.work) {
			t.at = atOwner
			return []apiserver.Request{{Verb: apiserver.Update, Kind: apiserver.PersistentVolumeClaim, Key: key, Object: withOwners(claim, p.set, t.work)}}
		}
	}
	p.ownersDone(t, nil)
	return nil
}

func (p *pass) ownerAnswered(t *task, res apiserver.Result) {
	if res.Err != nil {
		p.ownersDone(t, fmt.Errorf("could not update claim %s for delete policy ownerRefs: %w", claimKey(p.set, t.claim, t.ordinal).Name, res.Err))
		return
	}
	p.c.wrote(p.set, res.Object)
	t.claim++
	t.at = atOwners
}

func (p *pass) ownersDone(t *task, err error) {
	if err != nil && t.why != toCondemn {
		p.note(podNote(p.set, "Update", t.work.Name, err))
	}
	switch {
	case t.why == toUpdate && err != nil:
		p.retry(t, err)
	case t.why == toUpdate:
		t.dirty, t.at = true, atWrite
	case t.why == toCondemn || err != nil:
		t.finish(false, err)
	case t.why == toCreate:
		// A creation that failed has its claims' owners repaired all the same.
		p.note(podNote(p.set, "Create", t.work.Name, t.failure))
		if t.failure != nil || !isParallel(p.set) { // S16: one pod a sync
			t.finish(true, t.failure)
			return
		}
		t.at = atCheck
	default:
		t.at = atCheck
	}
}

// check is the second half of processReplica: S18, then S19.
func (p *pass) check(t *task) {
	d := p.draft()
	pod := t.work
	if d.ordered() && (isTerminating(pod) || !isRunningAndReady(pod) || !isAvailable(pod, p.set.Spec.MinReadySeconds, d.now)) {
		t.finish(true, nil)
		return
	}
	if identityMatches(p.set, pod) && storageMatches(p.set, pod) && claimsMatch(p.l, p.set, pod) {
		t.finish(false, nil)
		return
	}
	t.at = atRepair
}
