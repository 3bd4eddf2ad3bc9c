package statefulset

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// repair is one try of S19 (SPC, UpdateStatefulPod): identity, then storage with
// its claims, then the owners of the claims, then the write.
func (p *pass) repair(t *task) []apiserver.Request {
	t.dirty = false
	if !identityMatches(p.set, t.work) {
		t.work, t.dirty = withIdentity(p.set, t.work), true
	}
	if !storageMatches(p.set, t.work) {
		pod := *t.work
		order := templateOrder(p.l, "claim-volumes", p.set, t.ordinal)
		pod.Spec.Volumes = claimVolumes(p.set, order, t.work.Spec.Volumes, t.ordinal)
		t.work, t.dirty = &pod, true
		return p.createClaims(t, toUpdate)
	}
	t.at = atStorage
	return nil
}

func (p *pass) repairOwners(t *task) {
	if claimsMatch(p.l, p.set, t.work) {
		t.at = atWrite
		return
	}
	p.own(t, t.work, toUpdate)
}

func (p *pass) write(t *task) []apiserver.Request {
	if !t.dirty {
		p.repaired(t, nil)
		return nil
	}
	t.tried, t.at = true, atWritten
	sent := *t.work
	return []apiserver.Request{{Verb: apiserver.Update, Kind: apiserver.Pod, Key: apiserver.KeyOf(t.work), Object: &sent, Given: true}}
}

func (p *pass) written(t *task, res apiserver.Result) {
	if res.Err == nil {
		p.c.wrote(p.set, res.Object)
		p.repaired(t, nil)
		return
	}
	if pod := p.l.Pod(apiserver.KeyOf(t.work)); pod != nil {
		t.work = pod
	}
	p.retry(t, res.Err)
}

// retry begins another try after a conflict, if there are tries left.
func (p *pass) retry(t *task, err error) {
	if t.tries++; isConflict(err) && t.tries < updateTries {
		t.at = atRepair
		return
	}
	p.repaired(t, err)
}

// pause is upstream's between the tries of an update (UpdateStatefulPod): five
// times as long after each (retry.DefaultBackoff).
func (t *task) pause() controller.Range {
	if t.at != atWritten && (t.at != atOwner || t.why != toUpdate) || t.tries+1 >= updateTries {
		return controller.Range{}
	}
	span := retryPause
	for range t.tries {
		span.Min, span.Max = 5*span.Min, 5*span.Max
	}
	return span
}

func (p *pass) repaired(t *task, err error) {
	if t.tried {
		p.note(podNote(p.set, "Update", t.work.Name, err))
	}
	t.finish(false, err)
}

// deletion asks for the deletion of a pod: by name alone, as upstream does.
func (p *pass) deletion(t *task) apiserver.Request {
	key := podKey(p.set, t.ordinal)
	if t.pod != nil {
		key.Name = t.pod.Name
	}
	return apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: key}
}

// deleted notes the end of a deletion. That the pod is gone already is success
// (S37).
func (p *pass) deleted(name string, err error) error {
	if apierrors.IsNotFound(err) {
		err = nil
	}
	p.note(podNote(p.set, "Delete", name, err))
	return err
}
