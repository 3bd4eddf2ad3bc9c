package statefulset

// podIndex is what a sync asks of its set's pods: replicas by their index, from
// 0 to one below the set's size, whether they exist or not, and the condemned,
// highest ordinal first (S10). The rosters answer at a cost that does not grow
// with the set; a list of pods looks at each.
type podIndex interface {
	// replica returns a replica, whose pod is nil if it does not exist.
	replica(i int) target
	// next returns the lowest replica from i on that has a property, or the
	// set's size.
	next(i int, p property) int
	// prev returns the highest replica up to i that has a property, or -1.
	prev(i int, p property) int
	// unavailable returns how many replicas are missing or unavailable (S13).
	unavailable() int
	// anyOld reports whether a pod, terminating or not, is of another revision
	// than the update's.
	anyOld() bool
	// visitCondemned calls visit with the condemned pods that have a property, highest
	// first, until it returns false. Their index counts all that are condemned.
	visitCondemned(p property, visit func(target) bool)
	// highest returns the index among the condemned of the first that has a
	// property, or -1.
	highest(p property) int
	// lowestUnavailable returns the index of the last that is unavailable, or -1
	// (S13).
	lowestUnavailable() int
}

// property is what a decision asks of a pod.
type property uint8

const (
	// isAny: it exists.
	isAny property = iota
	// mayNeedWork: it is missing, or S15, S17 or S19 may find something to do for
	// it; of a condemned pod, S21 for its claims.
	mayNeedWork
	// isBlocked: it exists, and an OrderedReady set may not go past it (S18).
	isBlocked
	// isStaying: it exists and is not terminating.
	isStaying
	// isOldStaying: it is staying, and of another revision than the update's.
	isOldStaying
	// isOldAvailable: it is staying, old and available.
	isOldAvailable
	// isOldUnavailable: it is staying, old and unavailable, or is missing and
	// would come at another revision than the update's (S11).
	isOldUnavailable
	// isDown: it is missing or unavailable (S13).
	isDown
)

// decide fills the agenda with what is to be done about a set's pods (S21–S28).
func (a *agenda) decide(d *draft, pods podIndex) {
	if isRecreate(d.set) {
		if a.recreating = pods.anyOld(); a.recreating {
			a.recreate = recreation(d, pods)
			return
		}
	}
	if d.ordered() {
		a.orderedReplicas(d, pods)
	} else {
		a.parallelReplicas(d, pods)
	}
	if a.waits {
		return
	}
	a.scaleDown(d, pods)
	if a.shrinks || !d.rolls() {
		return
	}
	a.rollout, a.rollFail = rollout(d, pods)
}

// orderedReplicas lists the replicas up to the first that an OrderedReady set
// has to wait for (S18).
func (a *agenda) orderedReplicas(d *draft, pods podIndex) {
	n := replicasOf(d.set)
	for i := 0; ; i++ {
		work := pods.next(i, mayNeedWork)
		if pods.next(i, isBlocked) < work {
			a.waits = true
			return
		}
		if work >= n {
			return
		}
		i = work
		t := pods.replica(i)
		a.replicas = append(a.replicas, t)
		if t.pod == nil || pods.next(i, isBlocked) == i {
			a.waits = true
			return
		}
	}
}

// parallelReplicas lists all replicas that may need something.
func (a *agenda) parallelReplicas(d *draft, pods podIndex) {
	n := replicasOf(d.set)
	for i := pods.next(0, mayNeedWork); i < n; i = pods.next(i+1, mayNeedWork) {
		if len(a.replicas) == maxAgenda {
			a.waits = true
			return
		}
		a.replicas = append(a.replicas, pods.replica(i))
	}
}

// scaleDown is S21–S23.
func (a *agenda) scaleDown(d *draft, pods podIndex) {
	pods.visitCondemned(mayNeedWork, func(t target) bool {
		a.repairs = append(a.repairs, t)
		return true
	})
	if !d.ordered() {
		pods.visitCondemned(isStaying, func(t target) bool {
			a.excess = append(a.excess, t)
			return true
		})
		return
	}
	if a.shrinks = pods.highest(isAny) == 0; !a.shrinks {
		return
	}
	if pods.highest(isStaying) == 0 && (pods.highest(isBlocked) != 0 || pods.lowestUnavailable() == 0) { // S22: one at a time
		pods.visitCondemned(isAny, func(t target) bool {
			a.excess = append(a.excess, t)
			return false
		})
	}
}

// recreation is S28's first half: the old pods, replicas first.
func recreation(d *draft, pods podIndex) []target {
	n := replicasOf(d.set)
	var ts []target
	for i := pods.next(0, isOldStaying); i < n; i = pods.next(i+1, isOldStaying) {
		ts = append(ts, pods.replica(i))
	}
	pods.visitCondemned(isOldStaying, func(t target) bool {
		t.index += n
		ts = append(ts, t)
		return true
	})
	return ts
}

// rollout is the update phase (S25–S27): the pods that go for the update.
func rollout(d *draft, pods podIndex) ([]target, error) {
	last, low := replicasOf(d.set)-1, partitionOf(d.set)
	var ts []target
	if d.gates.NoMaxUnavailable {
		old := max(pods.prev(last, isOldAvailable), pods.prev(last, isOldUnavailable))
		if old >= low && old >= pods.prev(last, isDown) {
			ts = append(ts, pods.replica(old))
		}
		return ts, nil
	}
	budget, err := maxUnavailableOf(d.set)
	if err != nil {
		return nil, err
	}
	budget -= pods.unavailable()
	if budget <= 0 && (d.ordered() || pods.prev(last, isOldUnavailable) < 0) {
		return nil, nil
	}
	if !d.ordered() { // S27: those that are down go whatever the budget
		for i := pods.prev(last, isOldUnavailable); i >= low; i = pods.prev(i-1, isOldUnavailable) {
			ts = append(ts, pods.replica(i))
		}
	}
	for i := pods.prev(last, isOldAvailable); i >= low && budget > 0; i = pods.prev(i-1, isOldAvailable) {
		ts = append(ts, pods.replica(i))
		budget--
	}
	return ts, nil
}
