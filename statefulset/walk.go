package statefulset

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// walk makes the agenda by looking at every pod, as upstream does. It serves
// the sets that have odd pods, and as the oracle of the rosters: it leaves
// nothing out, so that replicas that need nothing are on it too.
func walk(d *draft, pods []*corev1.Pod) agenda {
	set := d.set
	min := set.Spec.MinReadySeconds
	a := agenda{tally: count(d, pods), next: nextAvailability(d, pods)}
	for _, pod := range pods {
		a.live = append(a.live, revisionOf(pod))
	}
	slices.Sort(a.live)
	a.live = slices.Compact(a.live)

	replicas, condemned := partition(set, pods)
	if set.DeletionTimestamp != nil {
		return a
	}
	a.tally = count(d, slices.Concat(replicas, condemned))
	if isRecreate(set) {
		for i, pod := range slices.Concat(replicas, condemned) {
			if pod == nil || revisionOf(pod) == d.update {
				continue
			}
			a.recreating = true
			if !isTerminating(pod) {
				a.recreate = append(a.recreate, target{i, ordinalOf(pod.Name), pod})
			}
		}
		if a.recreating {
			return a
		}
	}
	for i, pod := range replicas {
		a.replicas = append(a.replicas, target{i, startOf(set) + i, pod})
		if d.ordered() && (pod == nil || isTerminal(pod) || isTerminating(pod) || !isRunningAndReady(pod) || !isAvailable(pod, min, d.now)) {
			a.waits = true
			return a
		}
	}
	first := -1 // firstUnavailable, if no replica is
	for i, pod := range condemned {
		a.repairs = append(a.repairs, target{i, ordinalOf(pod.Name), pod})
		if isUnavailable(pod, min, d.now) {
			first = i // the last found is the lowest
		}
	}
	for i, pod := range condemned {
		switch {
		case d.ordered() && i > 0:
			// S22: one at a time.
		case isTerminating(pod):
		case d.ordered() && !(isRunningAndReady(pod) && isAvailable(pod, min, d.now)) && i != first:
		default:
			a.excess = append(a.excess, target{i, ordinalOf(pod.Name), pod})
		}
	}
	if a.shrinks = d.ordered() && len(condemned) > 0; a.shrinks || !d.rolls() {
		return a
	}
	a.rollout, a.rollFail = walkRollout(d, replicas)
	return a
}

// partition is S10's: replicas by index, nil where there is no pod, and the
// condemned, highest first. Of two pods with one ordinal the last is taken.
func partition(set *appsv1.StatefulSet, pods []*corev1.Pod) (replicas, condemned []*corev1.Pod) {
	replicas = make([]*corev1.Pod, min(replicasOf(set), maxAgenda))
	for _, pod := range pods {
		o := ordinalOf(pod.Name)
		switch i := o - startOf(set); {
		case inRange(set, pod.Name):
			if i < len(replicas) && isCreated(pod) {
				replicas[i] = pod
			}
		case o >= 0:
			condemned = append(condemned, pod)
		}
	}
	slices.SortStableFunc(condemned, func(a, b *corev1.Pod) int { return ordinalOf(b.Name) - ordinalOf(a.Name) })
	return replicas, condemned
}

// count is S30.
func count(d *draft, pods []*corev1.Pod) tally {
	var t tally
	for _, pod := range pods {
		if pod == nil || !isCreated(pod) {
			continue
		}
		t.replicas++
		if isRunningAndReady(pod) {
			t.ready++
			if isAvailable(pod, d.set.Spec.MinReadySeconds, d.now) {
				t.available++
			}
		}
		if isTerminating(pod) {
			continue
		}
		if revisionOf(pod) == d.current {
			t.current++
		}
		if revisionOf(pod) == d.update {
			t.updated++
		}
	}
	return t
}

// nextAvailability is S33: how long until the next ready pod has been so for
// minReadySeconds, or 0.
func nextAvailability(d *draft, pods []*corev1.Pod) time.Duration {
	var next time.Duration
	for _, pod := range pods {
		at, ok := availableAt(pod, d.set.Spec.MinReadySeconds)
		if wait := at.Sub(d.now); ok && wait > 0 && (next == 0 || wait < next) {
			next = wait
		}
	}
	return next
}

// walkRollout is the update phase (S25–S27).
func walkRollout(d *draft, replicas []*corev1.Pod) ([]target, error) {
	start, low := startOf(d.set), partitionOf(d.set)
	gone := func(i int) bool { return replicas[i] != nil && isTerminating(replicas[i]) }
	old := func(i int) bool { // not at the update revision, and still there
		if replicas[i] == nil {
			return d.revisionFor(start+i) != d.update
		}
		return revisionOf(replicas[i]) != d.update
	}
	down := func(i int) bool {
		return replicas[i] == nil || isUnavailable(replicas[i], d.set.Spec.MinReadySeconds, d.now)
	}
	var ts []target
	take := func(i int) { ts = append(ts, target{i, start + i, replicas[i]}) }
	if d.gates.NoMaxUnavailable {
		for i := len(replicas) - 1; i >= low; i-- {
			if old(i) && !gone(i) {
				take(i)
				return ts, nil
			}
			if down(i) {
				return nil, nil
			}
		}
		return nil, nil
	}
	budget, err := maxUnavailableOf(d.set)
	if err != nil {
		return nil, err
	}
	stuck := false
	for i := range replicas {
		if down(i) {
			budget--
			stuck = stuck || !d.ordered() && old(i) && !gone(i)
		}
	}
	if budget <= 0 && !stuck {
		return nil, nil
	}
	if !d.ordered() {
		for i := len(replicas) - 1; i >= low; i-- {
			if old(i) && down(i) && !gone(i) {
				take(i)
			}
		}
	}
	for i := len(replicas) - 1; i >= low && budget > 0; i-- {
		if old(i) && !gone(i) && (d.ordered() || !down(i)) {
			take(i)
			budget--
		}
	}
	return ts, nil
}
