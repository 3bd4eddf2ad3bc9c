package daemonset_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/simtest"
)

// agent is a DaemonSet with further lines of its spec, and of its template's.
func agent(spec, template string) string {
	return `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
` + spec + `
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers: [{name: agent, image: "agent:1"}]
` + template
}

func set(t *testing.T, c *simtest.T) *appsv1.DaemonSet {
	d, err := sim.Get[*appsv1.DaemonSet](c.Cluster, "default", "agent")
	require.NoError(t, err)
	return d
}

// pods are the set's that are not being deleted, by node.
func pods(t *testing.T, c *simtest.T) map[string]*corev1.Pod {
	list, err := sim.List[*corev1.Pod](c.Cluster, "default", "app=agent")
	require.NoError(t, err)
	byNode := map[string]*corev1.Pod{}
	for _, pod := range list {
		if pod.DeletionTimestamp == nil {
			byNode[pod.Spec.NodeName] = pod
		}
	}
	return byNode
}

func patch(t *testing.T, c *simtest.T, kind apiserver.Kind, name, text string) {
	t.Helper()
	_, _, err := c.Patch(kind, map[bool]string{true: "default"}[kind.Namespaced()], name, types.MergePatchType, text)
	require.NoError(t, err)
}

// W17: a taint NoSchedule keeps pods away and lets those go on that are there, a taint
// NoExecute does not; a node selector decides, too (nodeShouldRunDaemonPod; the counts
// are those of conformance's histories).
func TestW17Places(t *testing.T) {
	c := simtest.New(t, sim.Config{})
	c.MustApply(agent("", ""))
	c.MustSettle()
	require.Len(t, pods(t, c), 3)
	patch(t, c, apiserver.Node, "node-1", `{"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}}`)
	c.MustSettle()
	require.Len(t, pods(t, c), 3)
	patch(t, c, apiserver.Node, "node-1", `{"spec":{"taints":[{"key":"k","effect":"NoExecute"}]}}`)
	c.MustSettle()
	require.Len(t, pods(t, c), 2)
	require.EqualValues(t, 2, set(t, c).Status.DesiredNumberScheduled)
	patch(t, c, apiserver.Node, "node-2", `{"spec":{"unschedulable":true}}`) // every daemon tolerates that
	patch(t, c, apiserver.Node, "node-3", `{"metadata":{"labels":{"disk":"ssd"}}}`)
	patch(t, c, apiserver.DaemonSet, "agent", `{"spec":{"template":{"spec":{"nodeSelector":{"disk":"ssd"}}}}}`)
	c.MustSettle()
	require.Len(t, pods(t, c), 1)
	require.Contains(t, pods(t, c), "node-3")
}

// W18: a pod is bound by the name of its node, in the place of what the template asks
// of nodes, and tolerates what daemons do (CreatePodTemplate).
func TestW18Pods(t *testing.T) {
	c := simtest.New(t, sim.Config{})
	c.MustApply(agent("", `
      hostNetwork: true
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-2]}]}]}}}
      tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 3}]
`))
	c.MustSettle()
	pod := pods(t, c)["node-2"]
	require.NotNil(t, pod)
	terms := pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	require.Equal(t, []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: "In", Values: []string{"node-2"}}}}}, terms)
	var keys []string
	for _, tol := range pod.Spec.Tolerations {
		require.Nil(t, tol.TolerationSeconds)
		keys = append(keys, fmt.Sprint(tol.Key, ":", tol.Effect))
	}
	const p = "node.kubernetes.io/"
	require.Equal(t, []string{p + "not-ready:NoExecute", p + "unreachable:NoExecute", p + "disk-pressure:NoSchedule", p + "memory-pressure:NoSchedule",
		p + "pid-pressure:NoSchedule", p + "unschedulable:NoSchedule", p + "network-unavailable:NoSchedule"}, keys)
	require.Equal(t, "1", pod.Labels["pod-template-generation"])
	require.NotEmpty(t, pod.Labels["controller-revision-hash"])
}

// W19: pods that fail are deleted at once, then after 1, 2, 4 seconds and so on
// (flowcontrol.Backoff with 1 s and 15 min).
func TestW19FailedPods(t *testing.T) {
	c := simtest.New(t, sim.Config{Nodes: []sim.Node{{Name: "a"}}})
	c.MustApply(agent("", ""))
	var ends []time.Time
	c.OnRecord(func(rec *apiserver.Record) {
		if pod, ok := rec.Object.(*corev1.Pod); ok && rec.Type == "DELETED" && pod.Labels["app"] == "agent" {
			ends = append(ends, c.Now())
		}
	})
	var fell []time.Time
	for range 3 {
		require.NoError(t, c.RunUntil(func() bool { p := pods(t, c)["a"]; return p != nil && p.Status.Phase == corev1.PodRunning }))
		pod := pods(t, c)["a"].DeepCopy()
		pod.Status.Phase = corev1.PodFailed
		_, err := c.UpdateStatus(pod)
		require.NoError(t, err)
		fell = append(fell, c.Now())
		require.NoError(t, c.RunUntil(func() bool { p := pods(t, c)["a"]; return p == nil || p.Name != pod.Name }))
	}
	require.Less(t, ends[0].Sub(fell[0]), time.Second)
	require.GreaterOrEqual(t, ends[2].Sub(ends[1]), 2*time.Second)
}

// W20: one node at a time is without a pod, as maxUnavailable says; with maxSurge none
// is; OnDelete waits (rollingUpdate).
func TestW20Rollouts(t *testing.T) {
	for _, tc := range []struct {
		strategy          string
		least, most, done int
	}{
		{"", 2, 3, 3},
		{"  updateStrategy: {rollingUpdate: {maxUnavailable: 2}}", 1, 3, 3},
		{"  updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", 3, 4, 3},
		{"  updateStrategy: {type: OnDelete}", 3, 3, 0},
	} {
		c := simtest.New(t, sim.Config{})
		c.MustApply(agent(tc.strategy, ""))
		c.MustSettle()
		least, most := 3, 3
		c.OnRecord(func(rec *apiserver.Record) {
			if rec.Kind != apiserver.Pod {
				return
			}
			list, err := sim.List[*corev1.Pod](c.Cluster, "default", "app=agent")
			require.NoError(t, err)
			list = slices.DeleteFunc(list, func(p *corev1.Pod) bool { return p.DeletionTimestamp != nil })
			ready := 0
			for _, pod := range list {
				for _, cond := range pod.Status.Conditions {
					if cond.Type == corev1.PodReady && cond.Status == corev1.ConditionTrue {
						ready++
					}
				}
			}
			least, most = min(least, ready), max(most, len(list))
		})
		patch(t, c, apiserver.DaemonSet, "agent", `{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}`)
		c.MustSettle()
		require.Equal(t, []int{tc.least, tc.most, tc.done}, []int{least, most, int(set(t, c).Status.UpdatedNumberScheduled)}, tc.strategy)
	}
}

// W21: a template that comes back gets its former revision with the highest number,
// and what is beyond the limit goes (constructHistory, cleanupHistory).
func TestW21History(t *testing.T) {
	c := simtest.New(t, sim.Config{})
	c.MustApply(agent("  revisionHistoryLimit: 1", ""))
	for _, image := range []string{"1", "2", "1", "3"} {
		patch(t, c, apiserver.DaemonSet, "agent", `{"spec":{"template":{"spec":{"containers":[{"name":"agent","image":"agent:`+image+`"}]}}}}`)
		c.MustSettle()
	}
	list, err := sim.List[*appsv1.ControllerRevision](c.Cluster, "default", "app=agent")
	require.NoError(t, err)
	var numbers []int64
	for _, r := range list {
		numbers = append(numbers, r.Revision)
	}
	slices.Sort(numbers)
	require.Equal(t, []int64{3, 4}, numbers)
}

// W22: what runs where it should not is counted apart, and minReadySeconds are waited
// for (updateDaemonSetStatus).
func TestW22Status(t *testing.T) {
	c := simtest.New(t, sim.Config{})
	c.MustApply(agent("  minReadySeconds: 30", ""))
	require.NoError(t, c.RunUntil(func() bool { return set(t, c).Status.NumberReady == 3 }))
	require.Zero(t, set(t, c).Status.NumberAvailable)
	c.MustSettle()
	require.EqualValues(t, 3, set(t, c).Status.NumberAvailable)
	patch(t, c, apiserver.Node, "node-1", `{"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}}`)
	patch(t, c, apiserver.DaemonSet, "agent", `{"metadata":{"annotations":{"seen":"yes"}}}`)
	c.MustSettle()
	s := set(t, c).Status
	require.Equal(t, []int32{2, 2, 1, 2}, []int32{s.DesiredNumberScheduled, s.CurrentNumberScheduled, s.NumberMisscheduled, s.NumberAvailable})
}

// A cluster with a DaemonSet at rest has no events, and forks agree.
func TestRestsAndForks(t *testing.T) {
	c := simtest.New(t, sim.Config{})
	c.MustApply(agent("", ""))
	c.MustSettle()
	for _, e := range c.Pending() {
		require.Greater(t, e.At, c.Now().Add(24*time.Hour), "%v", e)
	}
	f := c.Fork()
	require.Equal(t, c.Hash(), f.Hash())
	_, _, err := f.Patch(apiserver.DaemonSet, "default", "agent", types.MergePatchType, `{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}`)
	require.NoError(t, err)
	_, err = f.Settle()
	require.NoError(t, err)
	require.NotEqual(t, c.Hash(), f.Hash())
	patch(t, c, apiserver.DaemonSet, "agent", `{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}`)
	c.MustSettle()
	require.Equal(t, f.Hash(), c.Hash())
}
