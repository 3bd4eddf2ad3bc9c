package statefulset

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// agenda is everything that one sync has to do about pods, settled when the
// sync looks at them: upstream too works through the list that it took at its
// beginning. Only what can be reached is listed.
type agenda struct {
	tally tally
	next  time.Duration // until the next pod becomes available (S33); 0 if none will
	live  []string      // revisions named on pods, sorted, for S9

	recreate   []target // S28: pods of old revisions to be deleted
	recreating bool     // pods of old revisions still exist: nothing else happens

	replicas []target // pods that processReplica attends to, ascending
	waits    bool     // after them an OrderedReady set waits for a pod (S18)

	repairs  []target // condemned pods whose claims' owners are repaired, descending
	excess   []target // condemned pods to be deleted
	shrinks  bool     // an OrderedReady set with condemned pods goes no further
	rollout  []target // pods to be deleted for the update, in this order
	rollFail error    // what the update phase fails with before it does anything
}

// target is a pod on the agenda.
type target struct {
	index   int // its place in upstream's list, by which batches are cut
	ordinal int
	pod     *corev1.Pod // as of the sync's beginning; nil if it does not exist
}

// tally is what a set's status counts (S30).
type tally struct{ replicas, ready, available, current, updated int32 }

// draft is what an agenda is made for.
type draft struct {
	set             *appsv1.StatefulSet
	current, update string // names of revisions
	now             time.Time
	gates           apiserver.Gates
}

func (d *draft) ordered() bool { return !isParallel(d.set) }

// currentBelow is S11: missing pods with ordinals below it come at the current
// revision, the others at the update revision.
func (d *draft) currentBelow() int {
	s := &d.set.Spec.UpdateStrategy
	switch {
	case s.RollingUpdate != nil:
		// Whatever the type: upstream's && binds tighter than its ||.
		return startOf(d.set) + partitionOf(d.set)
	case s.Type == appsv1.RollingUpdateStatefulSetStrategyType:
		return startOf(d.set) + int(d.set.Status.CurrentReplicas)
	}
	return startOf(d.set)
}

// revisionFor returns the revision at which a missing pod is built.
func (d *draft) revisionFor(o int) string {
	if o < d.currentBelow() {
		return d.current
	}
	return d.update
}

// rolls reports whether there is an update phase at all (S24).
func (d *draft) rolls() bool {
	t := d.set.Spec.UpdateStrategy.Type
	return t != appsv1.OnDeleteStatefulSetStrategyType && t != appsv1.RecreateStatefulSetStrategyType
}

func partitionOf(set *appsv1.StatefulSet) int {
	if r := set.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		return int(*r.Partition)
	}
	return 0
}

// maxUnavailableOf is S25: an int or a percentage of the replicas, rounded down,
// and at least 1.
func maxUnavailableOf(set *appsv1.StatefulSet) (int, error) {
	r := set.Spec.UpdateStrategy.RollingUpdate
	if r == nil || r.MaxUnavailable == nil {
		return 1, nil
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(r.MaxUnavailable, replicasOf(set), false)
	return max(n, 1), err
}

// batchEnd returns the end of the slow-start batch that contains index i (S20).
func batchEnd(i int) int {
	end := 0
	for size := 1; ; size = min(2*size, maxBatch) {
		if end += size; i < end {
			return end
		}
	}
}

// maxAgenda bounds the replicas of one sync, so that a slip of the pen
// (replicas: 2147483647) is a long rollout and not the end of memory.
const maxAgenda = 1 << 20

// maxBatch is the most requests that a Parallel set has under way.
const maxBatch = 500
