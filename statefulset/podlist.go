package statefulset

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// podList answers by looking at every pod, as upstream does. It serves the sets
// that have odd pods, and is the oracle of the rosters: by it any replica may
// need work.
type podList struct {
	d                   *draft
	replicas, condemned []*corev1.Pod
}

// agendaOfList makes the agenda from a set's pods.
func agendaOfList(d *draft, pods []*corev1.Pod) agenda {
	a := agenda{tally: count(d, pods), next: nextAvailability(d, pods)}
	for _, pod := range pods {
		a.live = append(a.live, revisionOf(pod))
	}
	slices.Sort(a.live)
	a.live = slices.Compact(a.live)
	if d.set.DeletionTimestamp != nil {
		return a
	}
	l := podList{d: d}
	l.replicas, l.condemned = partition(d.set, pods)
	a.tally = count(d, slices.Concat(l.replicas, l.condemned))
	a.decide(d, &l)
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

// has reports whether a pod has a property; nil is the missing replica of that
// index.
func (l *podList) has(pod *corev1.Pod, i int, p property) bool {
	d := l.d
	if pod == nil {
		return p == mayNeedWork || p == isDown || p == isOldUnavailable && d.revisionFor(startOf(d.set)+i) != d.update
	}
	down := isUnavailable(pod, d.set.Spec.MinReadySeconds, d.now)
	old := revisionOf(pod) != d.update && !isTerminating(pod)
	switch p {
	case isBlocked:
		return down || !isRunningAndReady(pod)
	case isStaying:
		return !isTerminating(pod)
	case isOldStaying:
		return old
	case isOldAvailable:
		return old && !down
	case isOldUnavailable:
		return old && down
	case isDown:
		return down
	}
	return true
}

// pod returns a replica, or nil. Those beyond the bound of an agenda are taken
// as missing.
func (l *podList) pod(i int) *corev1.Pod {
	if i < len(l.replicas) {
		return l.replicas[i]
	}
	return nil
}

func (l *podList) replica(i int) target { return target{i, startOf(l.d.set) + i, l.pod(i)} }

func (l *podList) next(i int, p property) int {
	n := replicasOf(l.d.set)
	for ; i < n && !l.has(l.pod(i), i, p); i++ {
		if i >= len(l.replicas) { // no other is missing otherwise
			return n
		}
	}
	return min(i, n)
}

func (l *podList) prev(i int, p property) int {
	for ; i >= 0 && !l.has(l.pod(i), i, p); i-- {
		i = min(i, len(l.replicas))
	}
	return i
}

func (l *podList) unavailable() int {
	n := replicasOf(l.d.set)
	for i, pod := range l.replicas {
		if !l.has(pod, i, isDown) {
			n--
		}
	}
	return n
}

func (l *podList) anyOld() bool {
	old := func(pod *corev1.Pod) bool { return pod != nil && revisionOf(pod) != l.d.update }
	return slices.ContainsFunc(l.replicas, old) || slices.ContainsFunc(l.condemned, old)
}

func (l *podList) visitCondemned(p property, visit func(target) bool) {
	for i, pod := range l.condemned {
		if l.has(pod, 0, p) && !visit(target{i, ordinalOf(pod.Name), pod}) {
			return
		}
	}
}

func (l *podList) highest(p property) int {
	return slices.IndexFunc(l.condemned, func(pod *corev1.Pod) bool { return l.has(pod, 0, p) })
}

func (l *podList) lowestUnavailable() int {
	for i := len(l.condemned) - 1; i >= 0; i-- {
		if l.has(l.condemned[i], 0, isDown) {
			return i
		}
	}
	return -1
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
