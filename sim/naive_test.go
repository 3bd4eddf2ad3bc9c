package sim_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/trace"
)

// On so many nodes that not all are looked at, and in zones, the scheduler, the
// sets and the slices decide as they do when they look at everything.
func TestNaiveOnManyNodes(t *testing.T) {
	history := func(naive bool) string {
		nodes := make([]sim.Node, 150)
		for i := range nodes {
			nodes[i] = sim.Node{Name: fmt.Sprintf("node-%d", i), Pods: 3}
			if i%4 > 0 {
				nodes[i].Labels = map[string]string{corev1.LabelTopologyZone: fmt.Sprintf("zone-%d", i%4)}
			}
		}
		c := sim.New(sim.Config{Seed: 3, Nodes: nodes, Provision: true, Naive: naive})
		service := `{apiVersion: v1, kind: Service, metadata: {name: %[1]s}, spec: {clusterIP: None, selector: {app: %[1]s}}}`
		apply(t, c, parallelSet("a", 120), parallelSet("b", 90), fmt.Sprintf(service, "a"), fmt.Sprintf(service, "b"))
		require.NoError(t, c.SetImage("", "b", "c", "nginx:2"))
		require.NoError(t, c.Scale("", "a", 60))
		settle(t, c)
		require.NoError(t, c.Scale("", "a", 140))
		settle(t, c)
		var b bytes.Buffer
		w := trace.NewWriter(&b)
		for _, rec := range c.History() {
			require.NoError(t, w.Write(rec))
		}
		return b.String()
	}
	fast, slow := history(false), history(true)
	require.NotEmpty(t, fast)
	require.True(t, fast == slow, "the naive cluster has another history")
}
