package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const budgeted = `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: nginx, image: "nginx:1"}]}}
`

// newBudgeted returns a cluster at rest with three pods, of which two must stay.
func newBudgeted(t *testing.T, cfg sim.Config) *sim.Cluster {
	c := sim.New(cfg)
	_, err := c.Apply(budgeted)
	require.NoError(t, err)
	settle(t, c)
	return c
}

func budgetOf(t *testing.T, c *sim.Cluster) policyv1.PodDisruptionBudgetStatus {
	b, err := sim.Get[*policyv1.PodDisruptionBudget](c, "", "web")
	require.NoError(t, err)
	return b.Status
}

// A drain of two pods (N7, N8): the second is refused until the first one's
// replacement is ready, however often it is asked for, and no moment has fewer
// healthy pods than the budget wants.
func TestN7N8DrainWaitsForTheReplacement(t *testing.T) {
	for seed := range uint64(20) {
		c := newBudgeted(t, sim.Config{Seed: seed})
		require.EqualValues(t, 1, budgetOf(t, c).DisruptionsAllowed)
		first, err := sim.Get[*corev1.Pod](c, "", "web-1")
		require.NoError(t, err)

		stop := c.OnStep(func() {
			ready := 0
			pods, err := sim.List[*corev1.Pod](c, "default", "app=web")
			require.NoError(t, err)
			for _, p := range pods {
				if p.DeletionTimestamp == nil && isReady(p) {
					ready++
				}
			}
			require.GreaterOrEqual(t, ready, 2, "seed %d", seed)
		})
		require.NoError(t, c.Evict("", "web-1"))
		refused := 0
		for {
			err := c.Evict("", "web-2")
			if err == nil {
				break
			}
			require.True(t, apierrors.IsTooManyRequests(err), "%v", err)
			require.True(t, apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause))
			refused++
			require.NoError(t, c.Run(200*time.Millisecond))
		}
		stop()
		assert.Positive(t, refused)
		again, err := sim.Get[*corev1.Pod](c, "", "web-1")
		require.NoError(t, err)
		assert.NotEqual(t, first.UID, again.UID)
		assert.True(t, isReady(again))
		settle(t, c)
		assert.EqualValues(t, 1, budgetOf(t, c).DisruptionsAllowed)
		assert.Empty(t, budgetOf(t, c).DisruptedPods)
	}
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// An evicted pod says why it goes, before it goes.
func TestEvictedPodsHaveACondition(t *testing.T) {
	c := newBudgeted(t, sim.Config{})
	var seen []string
	defer c.OnRecord(func(rec *apiserver.Record) {
		pod, ok := rec.Object.(*corev1.Pod)
		if !ok || rec.Key.Name != "web-0" || rec.By != apiserver.User {
			return
		}
		for _, cond := range pod.Status.Conditions {
			if cond.Type == corev1.DisruptionTarget {
				seen = append(seen, cond.Reason+" "+string(cond.Status))
			}
		}
	})()
	require.NoError(t, c.Evict("default", "web-0"))
	assert.Equal(t, []string{"EvictionByEvictionAPI True", "EvictionByEvictionAPI True"}, seen)
}

// A pod whose eviction was allowed and that is not deleted counts as gone for two
// minutes; then the budget has it back, and says so.
func TestAnEvictionThatDoesNotHappen(t *testing.T) {
	c := newBudgeted(t, sim.Config{})
	b, err := sim.Get[*policyv1.PodDisruptionBudget](c, "", "web")
	require.NoError(t, err)
	b.Status.DisruptedPods = map[string]metav1.Time{"web-0": apiserver.Stamp(apiserver.VirtualTime(c.Now()))}
	_, err = c.UpdateStatus(b)
	require.NoError(t, err)
	require.NoError(t, c.Run(time.Second))
	assert.EqualValues(t, 2, budgetOf(t, c).CurrentHealthy)
	assert.EqualValues(t, 0, budgetOf(t, c).DisruptionsAllowed)
	require.NoError(t, c.Run(118*time.Second))
	assert.Len(t, budgetOf(t, c).DisruptedPods, 1)
	require.NoError(t, c.Run(2*time.Second))
	assert.Empty(t, budgetOf(t, c).DisruptedPods)
	assert.EqualValues(t, 3, budgetOf(t, c).CurrentHealthy)
	assert.EqualValues(t, 1, budgetOf(t, c).DisruptionsAllowed)
	assert.Contains(t, messages(t, c), "Pod was expected by PDB default/default to be deleted but it wasn't")
}

func messages(t *testing.T, c *sim.Cluster) []string {
	events, err := sim.List[*corev1.Event](c, "default", "")
	require.NoError(t, err)
	var list []string
	for _, e := range events {
		list = append(list, e.Message)
	}
	return list
}

// A pod that was to be preempted, and was not, is no target two minutes later.
func TestAStaleConditionIsTakenBack(t *testing.T) {
	c := newBudgeted(t, sim.Config{})
	pod, err := sim.Get[*corev1.Pod](c, "", "web-0")
	require.NoError(t, err)
	target := func() corev1.PodCondition {
		pod, err := sim.Get[*corev1.Pod](c, "", "web-0")
		require.NoError(t, err)
		for _, cond := range pod.Status.Conditions {
			if cond.Type == corev1.DisruptionTarget {
				return cond
			}
		}
		return corev1.PodCondition{}
	}
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue,
		Reason: corev1.PodReasonPreemptionByScheduler, LastTransitionTime: apiserver.Stamp(apiserver.VirtualTime(c.Now()))})
	_, err = c.UpdateStatus(pod)
	require.NoError(t, err)
	require.NoError(t, c.Run(118*time.Second))
	assert.Equal(t, corev1.ConditionTrue, target().Status)
	require.NoError(t, c.Run(3*time.Second))
	assert.Equal(t, corev1.ConditionFalse, target().Status)
	assert.Empty(t, target().Reason)
}

// The budget that the scheduler sees is the one that the controller writes: of
// two nodes it preempts where the budget allows it (C12).
func TestC12PreemptionSeesTheBudget(t *testing.T) {
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "a", CPU: "2"}, {Name: "b", CPU: "2"}}})
	_, err := c.Apply(`
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 1000
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: Pod
metadata: {name: guarded, labels: {app: web}}
spec: {nodeSelector: {kubernetes.io/hostname: a}, containers: [{name: c, image: "i:1", resources: {requests: {cpu: 1500m}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: free, labels: {app: other}}
spec: {nodeSelector: {kubernetes.io/hostname: b}, containers: [{name: c, image: "i:1", resources: {requests: {cpu: 1500m}}}]}
`)
	require.NoError(t, err)
	settle(t, c)
	require.EqualValues(t, 1, budgetOf(t, c).CurrentHealthy)
	_, err = c.Apply(`
apiVersion: v1
kind: Pod
metadata: {name: urgent}
spec: {priorityClassName: high, containers: [{name: c, image: "i:1", resources: {requests: {cpu: 1500m}}}]}
`)
	require.NoError(t, err)
	settle(t, c)
	urgent, err := sim.Get[*corev1.Pod](c, "", "urgent")
	require.NoError(t, err)
	assert.Equal(t, "b", urgent.Spec.NodeName)
	_, err = sim.Get[*corev1.Pod](c, "", "guarded")
	assert.NoError(t, err)
}

// A fork goes on as the cluster that it was forked from, and neither sees the
// other's evictions.
func TestForksHaveBudgetsOfTheirOwn(t *testing.T) {
	c := newBudgeted(t, sim.Config{Seed: 3})
	f := c.Fork()
	require.NoError(t, c.Evict("", "web-0"))
	settle(t, c)
	assert.EqualValues(t, 1, budgetOf(t, f).DisruptionsAllowed)
	assert.Empty(t, budgetOf(t, f).DisruptedPods)
	require.NoError(t, f.Evict("", "web-0"))
	settle(t, f)
	assert.Equal(t, budgetOf(t, c), budgetOf(t, f))
	assert.Equal(t, c.Hash(), f.Hash())
}
