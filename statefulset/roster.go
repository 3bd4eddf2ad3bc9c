package statefulset

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
)

// names is a set of pod names under one parent: those that are exactly
// <parent>-<ordinal> by their ordinals, the odd ones ("web-007", "web-99999999999",
// and anything of another parent) one by one, sorted.
type names struct {
	regular ordinals
	odd     []string
}

func (n *names) put(parent, name string, in bool) {
	if p, o := splitName(name); p == parent && canonical(name, p, o) {
		n.regular.put(o, in)
		return
	}
	i, found := slices.BinarySearch(n.odd, name)
	switch {
	case in && !found:
		n.odd = slices.Insert(n.odd, i, name)
	case !in && found:
		n.odd = slices.Delete(n.odd, i, i+1)
	}
}

func (n *names) empty() bool { return n.regular.n == 0 && len(n.odd) == 0 }

func (n *names) clone() names { return names{n.regular.clone(), slices.Clone(n.odd)} }

// all calls f with every name, odd ones first, regular ones ascending.
func (n *names) all(parent string, f func(name string)) {
	for _, name := range n.odd {
		f(name)
	}
	for _, s := range n.regular.spans {
		for o := s.lo; o <= s.hi; o++ {
			f(podName(parent, o))
		}
	}
}

// roster is what is known of the pods that one StatefulSet controls, in the
// shape in which syncs ask for it. Every change of a pod or a claim costs
// O(log n); a change of the set's spec, O(n).
//
// All ordinals here are of owned pods with regular names. If a pod is owned but
// odd, does not match the selector or has no phase, the roster steps aside:
// see plain.
type roster struct {
	owned names

	// What follows is derived, for the generation of this spec; nil means that
	// nothing is.
	set      *appsv1.StatefulSet
	selector labels.Selector

	strange     ordinals // not matched by the selector, or without a phase
	ready       ordinals // Running and Ready
	unavailable ordinals // S13, as of the last sync
	blocked     ordinals // an OrderedReady set may not go on past them (S18)
	tend        ordinals // a replica that S15, S17 or S19 finds something to do for; a condemned pod whose claims S21 repairs
	young       []youth  // ready, but perhaps not yet for minReadySeconds; soonest first
	minors      ordinals // those in young
	cohorts     []cohort // by revision label

	named []string // the last answer of live
}

// youth is a pod that becomes available at a time if it stays ready.
type youth struct {
	at      time.Time // zero: never
	ordinal int
	running bool
}

func compareYouth(a, b youth) int {
	switch { // "never" comes last
	case a.at.IsZero() != b.at.IsZero():
		if a.at.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.ordinal, b.ordinal))
}

// cohort is the pods that name one revision.
type cohort struct {
	revision string
	up, down ordinals // not terminating; available or not, as of the last sync
	going    ordinals // terminating
}

// forget drops what is derived.
func (r *roster) forget() { *r = roster{owned: r.owned} }

// derived reports whether the roster holds for set's spec.
func (r *roster) derived(set *appsv1.StatefulSet) bool {
	return r.set != nil && r.set.Generation == set.Generation
}

// plain reports whether the rosters tell all there is to know: no owned pod is
// odd in any way.
func (r *roster) plain() bool { return len(r.owned.odd) == 0 && r.strange.n == 0 }

// derive walks all owned pods, for a new spec.
func (c *Controller) derive(l lister, r *roster, set *appsv1.StatefulSet, selector labels.Selector) {
	r.forget()
	r.set, r.selector = set, selector
	for _, s := range r.owned.regular.spans {
		for o := s.lo; o <= s.hi; o++ {
			c.refresh(l, r, o, nil, l.Pod(podKey(set, o)))
		}
	}
}

// adapt derives anew only what depends on how many replicas a new spec asks
// for: the pods that it condemns, or spares. It returns false if the spec says
// anything else that a roster depends on.
func (c *Controller) adapt(l lister, r *roster, set *appsv1.StatefulSet) bool {
	old := r.set
	if old == nil || old.UID != set.UID || set.DeletionTimestamp != nil || old.DeletionTimestamp != nil || startOf(old) != startOf(set) {
		return false
	}
	a, b := &old.Spec, &set.Spec
	if a.MinReadySeconds != b.MinReadySeconds || retentionOf(old) != retentionOf(set) ||
		!equality.Semantic.DeepEqual(a.Selector, b.Selector) || !equality.Semantic.DeepEqual(a.VolumeClaimTemplates, b.VolumeClaimTemplates) {
		return false
	}
	r.set = set
	lo, hi := min(endOf(old), endOf(set))+1, max(endOf(old), endOf(set))
	for o, ok := r.owned.regular.next(lo); ok && o <= hi; o, ok = r.owned.regular.next(o + 1) {
		c.refresh(l, r, o, nil, l.Pod(podKey(set, o)))
	}
	return true
}

// refresh brings everything derived about one ordinal up to date. The pod is
// nil if it is gone or owned by somebody else; old is what the roster knows it
// as, or nil if something else than the pod has changed.
func (c *Controller) refresh(l lister, r *roster, o int, old, pod *corev1.Pod) {
	if r.set == nil {
		return
	}
	c.examined++
	set := r.set
	in := pod != nil
	strange := in && (!isCreated(pod) || !r.selector.Matches(labels.Set(pod.Labels)))
	in = in && !strange
	var at time.Time
	var can bool
	if in {
		at, can = availableAt(pod, set.Spec.MinReadySeconds)
	}
	young := in && isReady(pod) && set.Spec.MinReadySeconds > 0
	unavailable := in && (!can || young || isTerminating(pod))
	idle := old != nil && !r.strange.has(o) && !r.tend.has(o) && staysIdle(old, pod)
	r.strange.put(o, strange)
	r.ready.put(o, in && isRunningAndReady(pod))
	r.unavailable.put(o, unavailable)
	r.blocked.put(o, in && (unavailable || !isRunningAndReady(pod)))
	r.tend.put(o, in && !idle && needsTending(l, set, pod))
	r.rejuvenate(o, young, youth{at, o, in && isRunningAndReady(pod)})
	for i := range r.cohorts {
		r.cohorts[i].put(o, false, false, false)
	}
	if in {
		r.cohort(revisionOf(pod)).put(o, !unavailable, unavailable && !isTerminating(pod), isTerminating(pod))
	}
}

func (c *cohort) put(o int, up, down, going bool) {
	c.up.put(o, up)
	c.down.put(o, down)
	c.going.put(o, going)
}

func (c *cohort) empty() bool { return c.up.n == 0 && c.down.n == 0 && c.going.n == 0 }

// cohort returns the cohort of a revision. Empty ones are cleared away when a
// new one comes.
func (r *roster) cohort(revision string) *cohort {
	find := func(c cohort, s string) int { return cmp.Compare(c.revision, s) }
	i, found := slices.BinarySearchFunc(r.cohorts, revision, find)
	if !found {
		r.cohorts = slices.DeleteFunc(r.cohorts, func(c cohort) bool { return c.empty() })
		i, _ = slices.BinarySearchFunc(r.cohorts, revision, find)
		r.cohorts = slices.Insert(r.cohorts, i, cohort{revision: revision})
	}
	return &r.cohorts[i]
}

// live returns the revisions that pods name, sorted. The slice is shared: it is
// replaced when the answer is another, never changed.
func (r *roster) live() []string {
	n, same := 0, true
	for i := range r.cohorts { // they are sorted
		if !r.cohorts[i].empty() {
			same = same && n < len(r.named) && r.named[n] == r.cohorts[i].revision
			n++
		}
	}
	if same && n == len(r.named) {
		return r.named
	}
	r.named = make([]string, 0, n)
	for i := range r.cohorts {
		if !r.cohorts[i].empty() {
			r.named = append(r.named, r.cohorts[i].revision)
		}
	}
	return r.named
}

// rejuvenate puts an ordinal among the young, or takes it away.
func (r *roster) rejuvenate(o int, young bool, y youth) {
	if r.minors.has(o) {
		// It stands under its old time: a walk over those that are not yet
		// available is the price of not keeping that anywhere.
		i := slices.IndexFunc(r.young, func(y youth) bool { return y.ordinal == o })
		r.young = slices.Delete(r.young, i, i+1)
	}
	r.minors.put(o, young)
	if young {
		i, _ := slices.BinarySearchFunc(r.young, y, compareYouth)
		r.young = slices.Insert(r.young, i, y)
	}
}

// mature moves the pods that have become available by now out of the young.
func (c *Controller) mature(l lister, r *roster, now time.Time) {
	for len(r.young) > 0 && !r.young[0].at.IsZero() && !r.young[0].at.After(now) {
		y := r.young[0]
		r.young = slices.Delete(r.young, 0, 1)
		r.minors.remove(y.ordinal)
		pod := l.Pod(podKey(r.set, y.ordinal))
		c.examined++
		if pod == nil || isTerminating(pod) {
			continue
		}
		r.unavailable.remove(y.ordinal)
		r.blocked.put(y.ordinal, !y.running)
		r.cohort(revisionOf(pod)).put(y.ordinal, true, false, false)
	}
}

// needsTending reports whether a sync would find something to do for a pod: a
// replica by S15, S17 and S19, a condemned pod by S21.
func needsTending(l lister, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	switch {
	case !inRange(set, pod.Name):
		return !claimsMatch(l, set, pod)
	case isTerminal(pod):
		return !isTerminating(pod)
	case !identityMatches(set, pod) || !storageMatches(set, pod):
		return true
	case isPending(pod): // claims that are complete match
		return !claimsComplete(l, set, pod)
	}
	return !claimsMatch(l, set, pod)
}

// staysIdle reports whether a pod that needed no tending does not need it now
// for what has changed of it, so that no claim has to be looked at: as a rule
// that is its status.
func staysIdle(old, pod *corev1.Pod) bool {
	return pod != nil && !isTerminal(old) && !isTerminal(pod) && (isPending(old) || !isPending(pod)) &&
		old.UID == pod.UID && old.Labels[appsv1.StatefulSetPodNameLabel] == pod.Labels[appsv1.StatefulSetPodNameLabel] &&
		shared.List(old.Spec.Volumes, pod.Spec.Volumes)
}
