package statefulset

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// stage is where a sync stands.
type stage uint8

const (
	syncStart stage = iota
	// Adoption of revisions: the live read, then the patches.
	revisionsChecked
	revisionsAdopted
	// Claiming pods: releases, the live read, adoptions.
	podsReleased
	podsChecked
	podsAdopted
	// The update revision: made newest again, created, or found on a collision.
	revisionRaised
	revisionCreated
	revisionFound
	// The phases of updateStatefulSet.
	inRecreate
	inReplicas
	inRepairs
	inExcess
	inRollout
	// The end.
	statusWritten
	historyTruncated
)

// memo is what a sync remembers between its steps: plain data. What its
// pointers and slices refer to is never changed, because a forked cluster
// shares it; a step puts new values in their places.
type memo struct {
	stage    stage
	set      *appsv1.StatefulSet // as of the beginning
	selector labels.Selector
	now      engine.Time // at which availability is judged

	orphans []*corev1.Pod // to be released or adopted, in order
	next    int           // of a list that is being worked through
	adopted []*corev1.Pod // as they were before
	errs    []error

	revisions  []*appsv1.ControllerRevision `state:"immutable"` // of the set, oldest first
	wanted     *appsv1.ControllerRevision   // to be created or made newest
	collisions int32
	current    edition
	update     edition

	agenda agenda
	tasks  []task // the batch under way

	status  appsv1.StatefulSetStatus
	writing *appsv1.StatefulSet // the base of the status write
	tries   int
	failure error // of the sync, as far as it is known
}

// pass is one step of a sync.
type pass struct {
	c *Controller
	l lister
	memo
	plan controller.Plan
	kept *blueprint // of blueprint
}

// maxStatusTries is how often the status is written on conflicts
// (retry.DefaultRetry).
const maxStatusTries = 5

// pause is what upstream sleeps after a conflict in a chain of requests before it
// tries again; none if it does not (retry.RetryOnConflict). A revision that was to
// be made newest is tried again too, to no avail (see revisionRaised).
func (m *memo) pause(chain int) controller.Range {
	switch m.stage {
	case revisionRaised:
		return retryPause
	case statusWritten: // retry.DefaultRetry
		if m.tries+1 < maxStatusTries {
			return retryPause
		}
	case inReplicas, inRepairs, inExcess, inRecreate: // a rollout's deletions are sent once
		return m.tasks[chain].pause()
	}
	return controller.Range{}
}

func (p *pass) note(n controller.Note) { p.plan.Notes = append(p.plan.Notes, n) }

// send ends the step with requests, after which the sync goes on at a stage.
func (p *pass) send(next stage, chain ...apiserver.Request) {
	p.stage = next
	p.plan.Chains = [][]apiserver.Request{chain}
}

func (p *pass) draft() draft {
	return draft{set: p.set, current: p.current.revision, update: p.update.revision,
		now: apiserver.WallTime(p.now), gates: p.c.gates}
}

func (p *pass) key() apiserver.Key { return apiserver.KeyOf(p.set) }
