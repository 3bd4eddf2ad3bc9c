package podcontrol

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// candidate is a running, ready pod on node n that is an hour old, changed.
func candidate(name string, change func(*corev1.Pod)) *corev1.Pod {
	at := metav1.NewTime(noon.Add(-time.Hour))
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), CreationTimestamp: at},
		Spec: corev1.PodSpec{NodeName: "n"},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at}}}}
	change(p)
	return p
}

// W3: each rule of ActivePodsWithRanks decides where those before it do not; the
// pods stand here from the first that goes to the last, as upstream's comment on
// that type lists them.
func TestW3WhichGoesFirst(t *testing.T) {
	ready := func(ago time.Duration) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.Conditions[0].LastTransitionTime = metav1.NewTime(noon.Add(-ago))
		}
	}
	pods := []*corev1.Pod{
		candidate("unassigned", func(p *corev1.Pod) { p.Spec.NodeName = "" }),
		candidate("pending", func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }),
		candidate("unready", func(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }),
		candidate("cheap", func(p *corev1.Pod) { p.Annotations = map[string]string{corev1.PodDeletionCost: "-7"} }),
		candidate("doubled", func(p *corev1.Pod) { p.Spec.NodeName = "full" }),
		candidate("ready lately", ready(time.Minute)),
		candidate("restarted", func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount = 2 }),
		candidate("young", func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(noon.Add(-time.Minute)) }),
		candidate("old", func(*corev1.Pod) {}),
		candidate("dear", func(p *corev1.Pod) { p.Annotations = map[string]string{corev1.PodDeletionCost: "7"} }),
	}
	r := Ranking{Now: noon, Costs: true, Doubled: map[string]int{"full": 2, "n": 1}}
	for i := range pods {
		for j := i + 1; j < len(pods); j++ {
			require.Equal(t, pods[i].Name, r.Worst([]*corev1.Pod{pods[j], pods[i]}, 1)[0].Name, "of %s and %s", pods[i].Name, pods[j].Name)
		}
	}
}

// W3: ages of one magnitude are told apart by UID; without Now, to the second.
func TestW3Magnitudes(t *testing.T) {
	at := func(name string, ago time.Duration) *corev1.Pod {
		return candidate(name, func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(noon.Add(-ago)) })
	}
	a, b := at("a", 5000*time.Second), at("b", 4500*time.Second)
	require.Equal(t, "a", (&Ranking{Now: noon}).Worst([]*corev1.Pod{b, a}, 1)[0].Name)
	require.Equal(t, "b", (&Ranking{}).Worst([]*corev1.Pod{a, b}, 1)[0].Name)
}

// W3: what is left open is decided by Tie alone.
func TestW3Ties(t *testing.T) {
	var pods []*corev1.Pod
	for i := range 5 {
		pods = append(pods, candidate(fmt.Sprint("p", i), func(*corev1.Pod) {}))
	}
	first := map[string]bool{}
	for tie := range uint64(50) {
		first[(&Ranking{Now: noon, Tie: tie}).Worst(pods, 1)[0].Name] = true
	}
	require.Len(t, first, len(pods))
}

// W2: batches double up to the first in which anything fails.
func TestW2SlowStart(t *testing.T) {
	var sizes []int
	done, err := SlowStart(10, func(n int) []error {
		sizes = append(sizes, n)
		return make([]error, n)
	})
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 4, 3}, sizes)
	require.Equal(t, 10, done)

	sizes = nil
	done, err = SlowStart(10, func(n int) []error {
		sizes = append(sizes, n)
		errs := make([]error, n)
		if n == 2 {
			errs[1] = ErrNoLabels
		}
		return errs
	})
	require.Equal(t, ErrNoLabels, err)
	require.Equal(t, []int{1, 2}, sizes)
	require.Equal(t, 2, done)
}
