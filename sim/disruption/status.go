package disruption

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// deletionTimeout is how long a pod whose eviction was allowed counts as gone
// without being deleted (DeletionTimeout).
const deletionTimeout = 2 * time.Minute

// tally is what a sync needs to know of a budget's pods.
type tally struct {
	pods      int
	healthy   int // those about to be evicted among them
	owners    []owner
	unmanaged bool
	evicted   []eviction // in the order of names
}

// eviction is a pod of status.disruptedPods that is not deleting yet.
type eviction struct {
	name    string
	at      metav1.Time
	healthy bool
}

// expected returns when the pod should be deleting.
func (e *eviction) expected() engine.Time {
	return apiserver.VirtualTime(e.at.Time).Add(deletionTimeout)
}

// tally counts what a budget has, at the cost of its controllers and evictions.
func (b *budget) tally(pdb *policyv1.PodDisruptionBudget) tally {
	t := tally{pods: len(b.pods), healthy: b.healthy, unmanaged: b.unmanaged > 0}
	for o := range b.owners { // sorted below
		t.owners = append(t.owners, o)
	}
	slices.SortFunc(t.owners, func(a, b owner) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind), cmp.Compare(a.apiVersion, b.apiVersion), cmp.Compare(a.uid, b.uid))
	})
	for _, name := range slices.Sorted(maps.Keys(pdb.Status.DisruptedPods)) {
		if m, ok := b.pods[name]; ok && !m.deleting {
			t.evicted = append(t.evicted, eviction{name, pdb.Status.DisruptedPods[name], m.healthy})
		}
	}
	return t
}

// wanted is what a budget asks for.
type wanted struct {
	expected, desired int32
	unmanaged         bool // pods without a controller were left out
}

// want computes what a budget asks for (N8, getExpectedPodCount).
func (t *tally) want(spec *policyv1.PodDisruptionBudgetSpec, f *finder) (w wanted, err error) {
	switch most, least := spec.MaxUnavailable, spec.MinAvailable; {
	case most != nil:
		if w.expected, err = t.scale(f); err != nil {
			return w, err
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(most, int(w.expected), true)
		if err != nil {
			return w, err
		}
		w.desired, w.unmanaged = max(w.expected-int32(n), 0), t.unmanaged
	case least != nil && least.Type == intstr.Int:
		w.expected, w.desired = int32(t.pods), least.IntVal
	case least != nil:
		if w.expected, err = t.scale(f); err != nil {
			return w, err
		}
		n, err := intstr.GetScaledValueFromIntOrPercent(least, int(w.expected), true)
		if err != nil {
			return w, err
		}
		w.desired, w.unmanaged = int32(n), t.unmanaged
	}
	return w, nil
}

// scale is the sum of the scales of the pods' controllers (getExpectedScale).
func (t *tally) scale(f *finder) (int32, error) {
	counted := map[types.UID]bool{}
	var sum int32
	absent := absentError{owners: map[owner]error{}}
	for _, o := range t.owners {
		asks := f.asks
		f.asks = nil // what others have asked does not matter to this one
		found, err := f.of(o)
		f.asks = append(asks, f.asks...)
		switch {
		case err != nil || found == nil:
			absent.owners[o] = err
		case !counted[found.uid]:
			counted[found.uid] = true
			sum += found.replicas
		}
	}
	if len(absent.owners) > 0 {
		return 0, &absent
	}
	return sum, nil
}

// absentError lists the controllers that cannot be counted, with the reason if
// it is other than that they are not there.
type absentError struct{ owners map[owner]error }

func (e *absentError) Error() string { return fmt.Sprintf("no scale of %d controllers", len(e.owners)) }

// notDeleted returns the Events about the pods that should be gone and are not
// (buildDisruptedPodMap). Upstream names the budget's namespace where the name
// of the budget is meant.
func (t *tally) notDeleted(pdb *policyv1.PodDisruptionBudget, v controller.View) []controller.Note {
	var notes []controller.Note
	for i := range t.evicted {
		pod := v.Pod(apiserver.Key{Namespace: pdb.Namespace, Name: t.evicted[i].name})
		if t.evicted[i].expected() < v.Now() && pod != nil {
			notes = append(notes, warning(pod, "NotDeleted",
				fmt.Sprintf("Pod was expected by PDB %s/%s to be deleted but it wasn't", pdb.Namespace, pdb.Namespace)))
		}
	}
	return notes
}

// recheck returns the span until the first of the evicted pods should be gone.
func (t *tally) recheck(now engine.Time) (time.Duration, bool) {
	first := engine.Never
	for i := range t.evicted {
		if at := t.evicted[i].expected(); at >= now {
			first = min(first, at)
		}
	}
	return first.Sub(now), first != engine.Never
}

// statusOf returns the budget with its new status, or nil if that is the old one
// (updatePdbStatus).
func statusOf(pdb *policyv1.PodDisruptionBudget, t *tally, w wanted, v controller.View) *policyv1.PodDisruptionBudget {
	healthy := t.healthy
	var left map[string]metav1.Time // nil and empty are one
	for _, e := range t.evicted {
		if e.healthy && e.expected() > v.Now() {
			healthy--
		}
		if e.expected() >= v.Now() {
			if left == nil {
				left = map[string]metav1.Time{}
			}
			left[e.name] = e.at
		}
	}
	allowed := max(int32(healthy)-w.desired, 0)
	if w.expected <= 0 {
		// The first pods may be there before their count is.
		allowed = 0
	}
	next := *pdb
	next.Status = policyv1.PodDisruptionBudgetStatus{
		ObservedGeneration: pdb.Generation, DisruptedPods: left, DisruptionsAllowed: allowed,
		CurrentHealthy: int32(healthy), DesiredHealthy: w.desired, ExpectedPods: w.expected, Conditions: pdb.Status.Conditions,
	}
	if isCurrent(&pdb.Status, &next.Status) {
		return nil
	}
	reason := policyv1.InsufficientPodsReason
	if allowed > 0 {
		reason = policyv1.SufficientPodsReason
	}
	setCondition(&next, v, reason, "")
	return &next
}

// isCurrent reports whether a status says all that the next one would.
func isCurrent(old, next *policyv1.PodDisruptionBudgetStatus) bool {
	same := old.CurrentHealthy == next.CurrentHealthy && old.DesiredHealthy == next.DesiredHealthy &&
		old.ExpectedPods == next.ExpectedPods && old.DisruptionsAllowed == next.DisruptionsAllowed &&
		old.ObservedGeneration == next.ObservedGeneration &&
		maps.EqualFunc(old.DisruptedPods, next.DisruptedPods, func(a, b metav1.Time) bool { return a.Equal(&b) })
	cond := meta.FindStatusCondition(old.Conditions, policyv1.DisruptionAllowedCondition)
	if !same || cond == nil {
		return false
	}
	if old.DisruptionsAllowed > 0 { // ConditionsAreUpToDate
		return cond.Status == metav1.ConditionTrue && cond.Reason == policyv1.SufficientPodsReason
	}
	return cond.Status == metav1.ConditionFalse && cond.Reason == policyv1.InsufficientPodsReason
}

// setCondition sets DisruptionAllowed as the reason says
// (UpdateDisruptionAllowedCondition).
func setCondition(pdb *policyv1.PodDisruptionBudget, v controller.View, reason, message string) {
	cond := metav1.Condition{
		Type: policyv1.DisruptionAllowedCondition, Status: metav1.ConditionFalse, Reason: reason, Message: message,
		ObservedGeneration: pdb.Status.ObservedGeneration, LastTransitionTime: apiserver.Stamp(v.Now()),
	}
	if reason == policyv1.SufficientPodsReason {
		cond.Status = metav1.ConditionTrue
	}
	pdb.Status.Conditions = slices.Clone(pdb.Status.Conditions)
	meta.SetStatusCondition(&pdb.Status.Conditions, cond)
}
