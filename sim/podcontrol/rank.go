package podcontrol

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Ranking orders pods by how soon they are deleted (W3, ActivePodsWithRanks).
type Ranking struct {
	// Doubled counts the active pods of the family on a node.
	Doubled map[string]int
	// Now is the time on which the logarithms of ages depend; the zero time has
	// ages compared exactly (ActivePods).
	Now time.Time
	// Costs says that the annotation of the deletion cost counts.
	Costs bool
	// Tie is what breaks ties: another number, another order among equals.
	Tie uint64
}

// Worst returns the n pods that are deleted first, in that order.
func (r *Ranking) Worst(pods []*corev1.Pod, n int) []*corev1.Pod {
	pods = slices.Clone(pods)
	if n < len(pods) {
		slices.SortStableFunc(pods, r.compare)
	}
	return pods[:n]
}

// Sorted returns pods in the order in which they are deleted.
func (r *Ranking) Sorted(pods []*corev1.Pod) []*corev1.Pod {
	pods = slices.Clone(pods)
	slices.SortStableFunc(pods, r.compare)
	return pods
}

var phases = map[corev1.PodPhase]int{corev1.PodPending: 0, corev1.PodUnknown: 1, corev1.PodRunning: 2}

func (r *Ranking) compare(a, b *corev1.Pod) int {
	if c := order(a.Spec.NodeName != "", b.Spec.NodeName != ""); c != 0 {
		return c
	}
	if c := cmp.Compare(phases[a.Status.Phase], phases[b.Status.Phase]); c != 0 {
		return c
	}
	if c := order(IsReady(a), IsReady(b)); c != 0 {
		return c
	}
	if r.Costs {
		if c := cmp.Compare(deletionCost(a), deletionCost(b)); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(r.Doubled[b.Spec.NodeName], r.Doubled[a.Spec.NodeName]); c != 0 {
		return c
	}
	if ra := readySince(a); ra != nil {
		if rb := readySince(b); !ra.LastTransitionTime.Equal(&rb.LastTransitionTime) {
			return r.younger(a, b, ra.LastTransitionTime, rb.LastTransitionTime)
		}
	}
	if c := compareRestarts(b, a); c != 0 {
		return c
	}
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return r.younger(a, b, a.CreationTimestamp, b.CreationTimestamp)
	}
	return cmp.Or(cmp.Compare(r.mixed(a), r.mixed(b)), cmp.Compare(a.Name, b.Name))
}

// order puts false before true.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// younger puts first what is of a later time, as far as logarithms tell the ages
// apart, and no time before any.
func (r *Ranking) younger(a, b *corev1.Pod, ta, tb metav1.Time) int {
	if r.Now.IsZero() || ta.IsZero() || tb.IsZero() {
		if ta.IsZero() != tb.IsZero() {
			return order(!ta.IsZero(), !tb.IsZero())
		}
		return tb.Compare(ta.Time)
	}
	return cmp.Or(cmp.Compare(r.magnitude(ta), r.magnitude(tb)), cmp.Compare(a.UID, b.UID))
}

// magnitude is the logarithm of an age (logarithmicRankDiff).
func (r *Ranking) magnitude(t metav1.Time) int64 {
	d := r.Now.Sub(t.Time)
	if d <= 0 {
		return -1
	}
	return int64(math.Log2(float64(d)))
}

// mixed is a number by which equals are ordered.
func (r *Ranking) mixed(pod *corev1.Pod) uint64 {
	if r.Tie == 0 {
		return 0
	}
	h := r.Tie
	for i := range len(pod.UID) {
		h = (h ^ uint64(pod.UID[i])) * 1099511628211
	}
	return h
}

// deletionCost is the annotation's number, or 0 (GetDeletionCostFromPodAnnotations).
func deletionCost(pod *corev1.Pod) int64 {
	text := pod.Annotations[corev1.PodDeletionCost]
	if text == "" || text[0] != '-' && text != "0" && (text[0] < '1' || text[0] > '9') {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0
	}
	return n
}

// compareRestarts compares the most restarts of a container, and then those of a
// sidecar (compareMaxContainerRestarts).
func compareRestarts(a, b *corev1.Pod) int {
	return cmp.Or(cmp.Compare(restarts(a), restarts(b)), cmp.Compare(sidecarRestarts(a), sidecarRestarts(b)))
}

func restarts(pod *corev1.Pod) (most int32) {
	for i := range pod.Status.ContainerStatuses {
		most = max(most, pod.Status.ContainerStatuses[i].RestartCount)
	}
	return most
}

func sidecarRestarts(pod *corev1.Pod) (most int32) {
	for i := range pod.Status.InitContainerStatuses {
		s := &pod.Status.InitContainerStatuses[i]
		isSidecar := slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
			return c.Name == s.Name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		})
		if isSidecar {
			most = max(most, s.RestartCount)
		}
	}
	return most
}
