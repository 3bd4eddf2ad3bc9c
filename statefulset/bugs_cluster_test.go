package statefulset_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const nginx = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 1
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: nginx, image: "nginx:1"}]}
`

func settle(t *testing.T, c *sim.Cluster) {
	t.Helper()
	_, err := c.Settle()
	require.NoError(t, err)
}

func apply(t *testing.T, c *sim.Cluster, manifests ...string) {
	t.Helper()
	_, err := c.Apply(manifests...)
	require.NoError(t, err)
	settle(t, c)
}

func podOf(t *testing.T, c *sim.Cluster, name string) *corev1.Pod {
	t.Helper()
	pod, err := sim.Get[*corev1.Pod](c, "", name)
	require.NoError(t, err)
	return pod
}

// TestBug59848 (kubernetes#59848): a kubelet that starts again and lists from a
// stale cache sees a pod that is gone, and runs it beside the one that has
// replaced it: two processes, one identity.
func TestBug59848(t *testing.T) {
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}}})
	apply(t, c, nginx)
	node := podOf(t, c, "web-0").Spec.NodeName
	require.NoError(t, c.CrashNode(node))
	require.NoError(t, c.Hold("kubelet/"+node, apiserver.Pod, time.Hour)) // what it will list
	require.NoError(t, c.Cordon(node, true))
	old := podOf(t, c, "web-0").UID
	require.NoError(t, c.Delete(apiserver.Pod, "", "web-0", sim.DeleteOptions{GracePeriodSeconds: new(int64)}))
	require.NoError(t, c.Run(time.Minute))
	fresh := podOf(t, c, "web-0")
	require.NotEqual(t, old, fresh.UID)
	require.NotEqual(t, node, fresh.Spec.NodeName)
	require.Len(t, c.Processes(), 1)

	require.NoError(t, c.RestartNode(node))
	require.NoError(t, c.Run(time.Minute))
	nodes := map[string]bool{}
	for _, p := range c.Processes() {
		nodes[p.Node] = true
	}
	require.Len(t, nodes, 2, "web-0 runs on both nodes: %v", c.Processes())

	require.NoError(t, c.Heal()) // the cache has caught up
	settle(t, c)
	require.Len(t, c.Processes(), 1)
}
