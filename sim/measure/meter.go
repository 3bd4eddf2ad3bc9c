package measure

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Measures are the spans that ended between two calls of Take.
type Measures struct {
	Placement Spans // a pod's creation to its binding to a node
	PodStart  Spans // a pod's creation to its being Ready
	PodStop   Spans // a pod's deletion, asked for, to the end of its object
	Binding   Spans // a claim's creation to its being Bound
	Rollout   Spans // a change of a set's spec to every replica being new and Ready
}

// Meter gathers spans. The zero Meter is ready; it belongs to one cluster.
type Meter struct {
	pods   map[types.UID]pod
	claims map[types.UID]engine.Time
	sets   map[types.UID]engine.Time // under way since
	ready  int
	got    Measures
}

// pod is what is known of a pod that exists.
type pod struct {
	created, deleted         engine.Time
	placed, started, stopped bool // each span is measured once
	ready                    bool
}

// Observe takes a record, in the order of the watch log.
func (m *Meter) Observe(rec *apiserver.Record) {
	if m.pods == nil {
		m.pods, m.claims, m.sets = map[types.UID]pod{}, map[types.UID]engine.Time{}, map[types.UID]engine.Time{}
	}
	switch obj := rec.Object.(type) {
	case *corev1.Pod:
		m.observePod(rec, obj)
	case *corev1.PersistentVolumeClaim:
		m.observeClaim(rec, obj)
	case *appsv1.StatefulSet:
		m.observeSet(rec, obj)
	}
}

// Ready returns how many pods are Ready and not being deleted now.
func (m *Meter) Ready() int { return m.ready }

// Pods returns how many of the pods exist that were created under observation.
func (m *Meter) Pods() int { return len(m.pods) }

// Take returns what has ended since the last call. What is under way is left to
// the next. The caller owns the answer.
func (m *Meter) Take() Measures {
	got := m.got
	m.got = Measures{}
	return got
}

func (m *Meter) observePod(rec *apiserver.Record, obj *corev1.Pod) {
	if old, ok := rec.Old.(*corev1.Pod); ok && rec.Type == watch.Modified && isAlike(old, obj) {
		return
	}
	p, known := m.pods[obj.UID]
	if rec.Type == watch.Added {
		p, known = pod{created: rec.Time}, true
	}
	if !known { // older than the meter
		return
	}
	if !p.placed && obj.Spec.NodeName != "" {
		p.placed = true
		m.got.Placement.add(rec.Time.Sub(p.created))
	}
	ready := rec.Type != watch.Deleted && obj.DeletionTimestamp == nil && isReady(obj)
	if ready && !p.started {
		p.started = true
		m.got.PodStart.add(rec.Time.Sub(p.created))
	}
	switch {
	case ready && !p.ready:
		m.ready++
	case !ready && p.ready:
		m.ready--
	}
	p.ready = ready
	if obj.DeletionTimestamp != nil && !p.stopped {
		p.stopped, p.deleted = true, rec.Time
	}
	if rec.Type == watch.Deleted {
		if p.stopped {
			m.got.PodStop.add(rec.Time.Sub(p.deleted))
		}
		delete(m.pods, obj.UID)
		return
	}
	m.pods[obj.UID] = p
}

// isAlike reports whether two states of a pod are the same to the meter, as
// most changes of its status are.
func isAlike(a, b *corev1.Pod) bool {
	return (a.Spec.NodeName == "") == (b.Spec.NodeName == "") && a.DeletionTimestamp == b.DeletionTimestamp && isReady(a) == isReady(b)
}

func isReady(p *corev1.Pod) bool {
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func (m *Meter) observeClaim(rec *apiserver.Record, claim *corev1.PersistentVolumeClaim) {
	if rec.Type == watch.Added {
		m.claims[claim.UID] = rec.Time
	}
	since, ok := m.claims[claim.UID]
	switch {
	case !ok:
	case rec.Type == watch.Deleted:
		delete(m.claims, claim.UID)
	case claim.Status.Phase == corev1.ClaimBound:
		m.got.Binding.add(rec.Time.Sub(since))
		delete(m.claims, claim.UID)
	}
}

// observeSet begins a rollout at a new generation, and ends it as the status
// says. A change during a rollout prolongs it.
func (m *Meter) observeSet(rec *apiserver.Record, set *appsv1.StatefulSet) {
	if rec.Type == watch.Deleted || set.DeletionTimestamp != nil {
		delete(m.sets, set.UID)
		return
	}
	since, running := m.sets[set.UID]
	old, _ := rec.Old.(*appsv1.StatefulSet)
	if !running && (old == nil || old.Generation != set.Generation) {
		m.sets[set.UID] = rec.Time
		return
	}
	if running && isRolledOut(set) {
		m.got.Rollout.add(rec.Time.Sub(since))
		delete(m.sets, set.UID)
	}
}

// isRolledOut reports whether a set has what its spec asks for: replicas that
// are Ready, and new ones down to the partition.
func isRolledOut(set *appsv1.StatefulSet) bool {
	var want, partition int32 = 1, 0
	if set.Spec.Replicas != nil {
		want = *set.Spec.Replicas
	}
	if r := set.Spec.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		partition = *r.Partition
	}
	s := &set.Status
	return s.ObservedGeneration >= set.Generation && s.Replicas == want && s.ReadyReplicas == want &&
		(set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType || s.UpdatedReplicas >= want-partition)
}
