package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A cluster at rest has nothing pending, and its Leases are renewed all the same:
// each 10 to 10.4 s (N1, JitterUntil in component-helpers' lease).
func TestLeasesAreComputed(t *testing.T) {
	for seed := range uint64(5) {
		c := sim.New(sim.Config{Seed: seed})
		var last time.Time
		renewals := 0
		for range 10_000 {
			require.NoError(t, c.Run(100*time.Millisecond))
			lease, err := sim.Get[*coordinationv1.Lease](c, "kube-node-lease", "node-1")
			require.NoError(t, err)
			renewed := lease.Spec.RenewTime.Time
			if !last.IsZero() && renewed != last {
				assert.GreaterOrEqual(t, renewed.Sub(last), 10*time.Second-time.Microsecond)
				assert.LessOrEqual(t, renewed.Sub(last), 10400*time.Millisecond+time.Microsecond)
				renewals++
			}
			last = renewed
		}
		assert.Greater(t, renewals, 90)
		assert.False(t, c.Step(), "an event is pending")
	}
}

// A silent node is Unknown 50 to 55 s after its last renewal (N1; recorded of a
// real cluster: 50.1 to 54.9 s), however it fell silent.
func TestSilence(t *testing.T) {
	type fall func(c *sim.Cluster, node string) error
	for name, fall := range map[string]fall{
		"crash": (*sim.Cluster).CrashNode, "stop": (*sim.Cluster).StopKubelet, "partition": (*sim.Cluster).PartitionNode,
	} {
		for seed := range uint64(20) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				c := sim.New(sim.Config{Seed: seed})
				require.NoError(t, c.Run(time.Duration(seed)*1700*time.Millisecond))
				require.NoError(t, fall(c, "node-2"))
				lease, err := sim.Get[*coordinationv1.Lease](c, "kube-node-lease", "node-2")
				require.NoError(t, err)
				assert.InDelta(t, 5.2, c.Now().Sub(lease.Spec.RenewTime.Time).Seconds(), 5.21)
				require.NoError(t, c.RunUntil(func() bool { return ready(t, c, "node-2") == corev1.ConditionUnknown }))
				after := c.Now().Sub(lease.Spec.RenewTime.Time)
				assert.Greater(t, after, 50*time.Second)
				assert.Less(t, after, 55100*time.Millisecond)
				settle(t, c)
				require.NoError(t, c.Heal())
				settle(t, c)
				node, err := sim.Get[*corev1.Node](c, "", "node-2")
				require.NoError(t, err)
				assert.Equal(t, corev1.ConditionTrue, ready(t, c, "node-2"))
				assert.Empty(t, node.Spec.Taints)
				require.NoError(t, c.Run(time.Hour))
				assert.Equal(t, corev1.ConditionTrue, ready(t, c, "node-2"))
			})
		}
	}
}

func ready(t *testing.T, c *sim.Cluster, name string) corev1.ConditionStatus {
	t.Helper()
	node, err := sim.Get[*corev1.Node](c, "", name)
	require.NoError(t, err)
	for _, cond := range node.Status.Conditions {
		if cond.Type == corev1.NodeReady {
			return cond.Status
		}
	}
	return ""
}

// kubectl cordon brings a taint, and uncordon takes it away (N3).
func TestCordonTaints(t *testing.T) {
	c := sim.New(sim.Config{})
	taints := func() []corev1.Taint {
		settle(t, c)
		node, err := sim.Get[*corev1.Node](c, "", "node-1")
		require.NoError(t, err)
		return node.Spec.Taints
	}
	require.NoError(t, c.Cordon("node-1", true))
	require.Len(t, taints(), 1)
	assert.Equal(t, "node.kubernetes.io/unschedulable:NoSchedule", fmt.Sprint(taints()[0].Key, ":", taints()[0].Effect))
	require.NoError(t, c.Cordon("node-1", false))
	assert.Empty(t, taints())
}

// A Node that is created has a taint against pods until it is ready (the plugin
// TaintNodesByCondition), however it is created.
func TestNewNodeIsTainted(t *testing.T) {
	c := sim.New(sim.Config{})
	obj, err := c.Create(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-9"}, Status: corev1.NodeStatus{
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse}}}})
	require.NoError(t, err)
	unready := []corev1.Taint{{Key: "node.kubernetes.io/not-ready", Effect: corev1.TaintEffectNoSchedule}}
	assert.Equal(t, unready, obj.(*corev1.Node).Spec.Taints)

	require.NoError(t, c.Delete(apiserver.Node, "", "node-1"))
	require.NoError(t, c.CrashNode("node-1"))
	var taints [][]corev1.Taint
	defer c.OnRecord(func(rec *apiserver.Record) {
		if node, ok := rec.Object.(*corev1.Node); ok && node.Name == "node-1" {
			taints = append(taints, node.Spec.Taints)
		}
	})()
	require.NoError(t, c.RestartNode("node-1")) // registers it again (N6)
	rest(t, c)
	require.NotEmpty(t, taints)
	assert.Equal(t, unready, taints[0])
	assert.Empty(t, taints[len(taints)-1])
}
