package statefulset

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

func (p *pass) adoption(kind apiserver.Kind, obj metav1.Object) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Patch, Kind: kind, Key: apiserver.KeyOf(obj), UID: obj.GetUID(),
		Patch: controller.Adopt{Owner: *metav1.NewControllerRef(p.set, setKind)}}
}

// adoptRevisions takes over the revisions that nobody controls, one after the
// other, up to the first failure (S2).
func (p *pass) adoptRevisions(live apiserver.Result) {
	if err := recheck(p.set, live); err != nil {
		p.plan.Err = fmt.Errorf("can't adopt ControllerRevisions: %v", err)
		return
	}
	var chain []apiserver.Request
	for _, r := range p.revisions {
		if isOrphan(r) {
			chain = append(chain, p.adoption(apiserver.ControllerRevision, r))
		}
	}
	p.send(revisionsAdopted, chain...)
}

// claimPods is S3: it releases the owned pods that do not match, and adopts the
// orphans that do. A set that is being deleted does neither.
func (p *pass) claimPods() {
	if p.set.DeletionTimestamp == nil {
		if p.orphans = p.c.misfits(p.l, p.set, p.selector); len(p.orphans) > 0 {
			p.next = 0
			p.releasePods()
			return
		}
	}
	p.seekOrphans()
}

// claims reports whether the set wants a pod: selector and name match.
func claims(set *appsv1.StatefulSet, selector labels.Selector, pod *corev1.Pod) bool {
	return selector.Matches(labels.Set(pod.Labels)) && isMember(set, pod)
}

func (p *pass) releasePods() {
	var chain []apiserver.Request
	for _, pod := range p.orphans[p.next:] {
		chain = append(chain, apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Pod,
			Key: apiserver.KeyOf(pod), UID: pod.UID, Patch: controller.Release{Owner: p.set.UID}})
	}
	p.send(podsReleased, chain...)
}

// podsReleased goes on with the pods that a failure cut off. That a pod is gone,
// or another one, is no failure.
func (p *pass) podsReleased(results []apiserver.Result) {
	for _, res := range results {
		if res.Err != nil && !isGone(res.Err) && !apierrors.IsInvalid(res.Err) {
			p.errs = append(slices.Clip(p.errs), res.Err)
		}
	}
	if p.next += len(results); p.next < len(p.orphans) {
		p.releasePods()
		return
	}
	p.seekOrphans()
}

func (p *pass) seekOrphans() {
	p.orphans, p.next = nil, 0
	if p.set.DeletionTimestamp == nil {
		p.orphans = p.c.adoptable(p.l, p.set, p.selector)
	}
	if len(p.orphans) == 0 {
		p.claimed()
		return
	}
	p.send(podsChecked, p.liveRead())
}

func (p *pass) adoptPods(refused error) {
	if refused != nil {
		p.errs = slices.Clip(p.errs)
		for _, pod := range p.orphans {
			p.errs = append(p.errs, fmt.Errorf("can't adopt Pod %v/%v (%v): %v", pod.Namespace, pod.Name, pod.UID, refused))
		}
		p.claimed()
		return
	}
	p.sendAdoptions()
}

func (p *pass) sendAdoptions() {
	var chain []apiserver.Request
	for _, pod := range p.orphans[p.next:] {
		chain = append(chain, p.adoption(apiserver.Pod, pod))
	}
	p.send(podsAdopted, chain...)
}

func (p *pass) podsAdopted(results []apiserver.Result) {
	p.adopted = slices.Clip(p.adopted)
	for i, res := range results {
		switch pod := p.orphans[p.next+i]; {
		case res.Err == nil:
			p.c.wrote(p.set, res.Object)
			p.adopted = append(p.adopted, pod)
		case !isGone(res.Err):
			p.errs = append(slices.Clip(p.errs), res.Err)
		}
	}
	if p.next += len(results); p.next < len(p.orphans) {
		p.sendAdoptions()
		return
	}
	p.claimed()
}

// claimed goes on to UpdateStatefulSet, at whose beginning the clock is read.
func (p *pass) claimed() {
	p.orphans, p.next = nil, 0
	if len(p.errs) > 0 {
		p.plan.Err = utilerrors.NewAggregate(p.errs)
		return
	}
	p.now = p.l.Now()
	p.chooseRevision()
}

// isOrphan reports whether nobody controls a revision.
func isOrphan(r *appsv1.ControllerRevision) bool { return controllerRef(r) == nil }
