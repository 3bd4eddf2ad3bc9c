package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// told is what the API said of pods and nodes, and when, after a moment.
type told struct {
	at   map[string]time.Duration // of the first that says it
	rows []string
}

func listen(c *sim.Cluster) *told {
	w, from := &told{at: map[string]time.Duration{}}, c.Now()
	c.OnRecord(func(rec *apiserver.Record) {
		say := func(what string) {
			w.rows = append(w.rows, what)
			if _, ok := w.at[what]; !ok {
				w.at[what] = apiserver.WallTime(rec.Time).Sub(from)
			}
		}
		switch o := rec.Object.(type) {
		case *corev1.Event:
			say(o.Reason + ": " + o.Message)
		case *corev1.Node:
			for _, t := range o.Spec.Taints {
				say(o.Name + " " + t.Key + ":" + string(t.Effect))
			}
		case *corev1.Pod:
			name := string(rec.Type) + " " + o.Name
			if o.DeletionTimestamp != nil {
				name += " terminating"
			}
			for _, cond := range o.Status.Conditions {
				if cond.Type == corev1.DisruptionTarget {
					name += " " + cond.Reason
				}
			}
			say(name + " " + string(o.Status.Phase))
		}
	})
	return w
}

// rest runs until nothing happens any more, whatever is unfinished.
func rest(t *testing.T, c *sim.Cluster) {
	t.Helper()
	_, err := c.Settle()
	require.NoError(t, err)
}

// After 300 s the pods of a silent node are deleted, first with an Event, then
// with a condition; without a kubelet they stay Terminating for ever, and there is
// no replacement (N4, N5).
func TestEviction(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	apply(t, c, fastClass, parallelSet("web", 3))
	pod, err := sim.Get[*corev1.Pod](c, "", "web-1")
	require.NoError(t, err)
	w := listen(c)
	node := pod.Spec.NodeName
	require.NoError(t, c.PartitionNode(node))
	rest(t, c)
	tainted := w.at[node+" node.kubernetes.io/unreachable:NoExecute"]
	marked := w.at["TaintManagerEviction: Marking for deletion Pod default/web-1"]
	assert.InDelta(t, 300, (marked - tainted).Seconds(), 0.1)
	assert.Greater(t, w.at["MODIFIED web-1 DeletionByTaintManager Running"], time.Duration(0))
	assert.Greater(t, w.at["MODIFIED web-1 terminating DeletionByTaintManager Running"], w.at["MODIFIED web-1 DeletionByTaintManager Running"])
	assert.NotContains(t, w.at, "DELETED web-1 terminating DeletionByTaintManager Running")
	assert.Len(t, c.Processes(), 3)

	require.NoError(t, c.ReconnectNode(node)) // N6: it ends, and is replaced
	settle(t, c)
	assert.Contains(t, w.at, "ADDED web-1 Pending")
	assert.Len(t, c.Processes(), 3)
}

// A node that is back in time keeps its pods (N4).
func TestBackInTime(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	apply(t, c, fastClass, parallelSet("web", 3))
	pod, err := sim.Get[*corev1.Pod](c, "", "web-1")
	require.NoError(t, err)
	w := listen(c)
	require.NoError(t, c.PartitionNode(pod.Spec.NodeName))
	require.NoError(t, c.Run(3*time.Minute))
	require.NoError(t, c.ReconnectNode(pod.Spec.NodeName))
	settle(t, c)
	require.NoError(t, c.Run(time.Hour))
	assert.Contains(t, w.at, "TaintManagerEviction: Cancelling deletion of Pod default/web-1")
	again, err := sim.Get[*corev1.Pod](c, "", "web-1")
	require.NoError(t, err)
	assert.Equal(t, pod.UID, again.UID)
	assert.Equal(t, corev1.ConditionTrue, podCondition(again, corev1.PodReady))
}

// The pods of a Node object that is deleted are collected: they are missed at a
// tick of 20 s and gone 40 or 60 s later, Failed first; the machine runs on until
// its kubelet sees it, and does not register its Node again before it is restarted
// (N6; recorded of a real cluster: 69 s).
func TestDeletedNode(t *testing.T) {
	for seed := range uint64(10) {
		c := sim.New(sim.Config{Provision: true, Seed: seed})
		apply(t, c, fastClass, parallelSet("web", 3))
		pod, err := sim.Get[*corev1.Pod](c, "", "web-1")
		require.NoError(t, err)
		w := listen(c)
		node := pod.Spec.NodeName
		require.NoError(t, c.Delete(apiserver.Node, "", node))
		settle(t, c)
		require.NoError(t, c.Run(time.Hour))
		failed := w.at["MODIFIED web-1 DeletionByPodGC Failed"].Seconds()
		assert.Greater(t, failed, 40.0)
		assert.Less(t, failed, 80.1)
		assert.Contains(t, w.at, "ADDED web-1 Pending")
		assert.Contains(t, w.at, "RemovingNode: Node "+node+" event: Removing Node "+node+" from Controller")
		assert.Len(t, c.Processes(), 3)
		_, err = sim.Get[*corev1.Node](c, "", node)
		require.Error(t, err)

		require.NoError(t, c.StopKubelet(node))
		require.NoError(t, c.RestartNode(node))
		settle(t, c)
		require.NoError(t, c.Run(time.Minute))
		assert.Contains(t, w.at, "RegisteredNode: Node "+node+" event: Registered Node "+node+" in Controller")
		assert.Equal(t, corev1.ConditionTrue, ready(t, c, node))
	}
}

// The taint out-of-service ends pods that are terminating on a silent node, and
// they are replaced elsewhere (N6).
func TestOutOfService(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	apply(t, c, fastClass, parallelSet("web", 3))
	pod, err := sim.Get[*corev1.Pod](c, "", "web-1")
	require.NoError(t, err)
	require.NoError(t, c.CrashNode(pod.Spec.NodeName))
	rest(t, c)
	w := listen(c)
	node, err := sim.Get[*corev1.Node](c, "", pod.Spec.NodeName)
	require.NoError(t, err)
	node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute})
	_, err = c.Update(node)
	require.NoError(t, err)
	settle(t, c)
	failed := w.at["MODIFIED web-1 terminating DeletionByTaintManager Failed"]
	assert.Greater(t, failed, time.Duration(0))
	assert.Less(t, failed, 20100*time.Millisecond)
	assert.Contains(t, w.at, "DELETED web-1 terminating DeletionByTaintManager Failed")
	assert.Contains(t, w.at, "ADDED web-1 Pending")
	assert.Len(t, c.Processes(), 3)
}
