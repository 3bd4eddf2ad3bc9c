package shell_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/shell"
)

// settled runs a cluster until nothing is unfinished.
func settled(t *testing.T, c *sim.Cluster) {
	t.Helper()
	status, err := c.Settle()
	require.NoError(t, err)
	require.Empty(t, status.Waiting)
}

func answered(t *testing.T, sh *shell.Shell, line string) string {
	t.Helper()
	out := sh.Run(line)
	require.Zero(t, out.Code, "%s: %s", line, out.Text)
	return out.Text
}

// A cordoned node has a taint, so that constraints which honor taints leave its
// zone out: all pods run, on the other two (N3; node_lifecycle_controller.go:561,
// podtopologyspread's nodeTaintsPolicy). It is the same if somebody has given it
// that taint by hand before.
func TestCordonedZoneIsLeftOut(t *testing.T) {
	for _, by := range []string{"controller", "hand"} {
		t.Run(by, func(t *testing.T) {
			var nodes []sim.Node
			for _, zone := range []string{"a", "b", "c"} {
				nodes = append(nodes, sim.Node{Name: zone + "1", Labels: map[string]string{corev1.LabelTopologyZone: zone}})
			}
			c := sim.New(sim.Config{Nodes: nodes})
			sh := shell.New(c, os.DirFS("testdata/inputs"))
			if by == "hand" {
				answered(t, sh, "kubectl taint node b1 node.kubernetes.io/unschedulable=:NoSchedule")
			}
			answered(t, sh, "kubectl cordon b1")
			if by == "controller" {
				require.NoError(t, c.Run(10*time.Second))
				assert.Contains(t, answered(t, sh, "kubectl describe node b1"), "Taints:             node.kubernetes.io/unschedulable:NoSchedule\n")
				assert.Contains(t, answered(t, sh, "kubectl get node b1 -o yaml"), "  taints:\n  - effect: NoSchedule\n    key: node.kubernetes.io/unschedulable\n    timeAdded: ")
			}
			answered(t, sh, "kubectl apply -f ring.yaml")
			settled(t, c)
			on := map[string]int{}
			for _, p := range c.Processes() {
				on[p.Node]++
			}
			assert.Len(t, on, 2)
			assert.Equal(t, 3, on["a1"]+on["c1"])
			answered(t, sh, "kubectl uncordon b1")
			settled(t, c)
			assert.Contains(t, answered(t, sh, "kubectl describe node b1"), "Taints:             <none>\n")
		})
	}
}

// The pods of a Node that is deleted are deleted, without grace, by the pod
// garbage collector, and their set creates them again elsewhere: within 40 s of
// quarantine and three looks of 20 s (N6, gc_controller.go:48–51, 229–260). A real
// cluster took 69 s.
func TestDeletedNode(t *testing.T) {
	for seed := range uint64(10) {
		c := sim.New(sim.Config{Seed: seed})
		sh := shell.New(c, os.DirFS("testdata/inputs"))
		answered(t, sh, "kubectl apply -f peer.yaml")
		settled(t, c)
		lost := map[string]bool{}
		for _, p := range c.Processes() {
			if p.Node == "node-1" {
				lost[p.Pod.Name] = true
			}
		}
		require.NotEmpty(t, lost)
		begun := c.Now()
		gone := map[string]time.Duration{}
		defer c.OnRecord(func(rec *apiserver.Record) {
			if pod, ok := rec.Object.(*corev1.Pod); ok && rec.Type == "DELETED" {
				assert.Equal(t, "node-1", pod.Spec.NodeName)
				assert.Equal(t, corev1.PodFailed, pod.Status.Phase)
				gone[pod.Name] = apiserver.WallTime(rec.Time).Sub(begun)
			}
		})()
		assert.Equal(t, "node \"node-1\" deleted\n", answered(t, sh, "kubectl delete node node-1"))
		require.NoError(t, c.Run(600*time.Second))
		assert.Len(t, gone, len(lost))
		for name, after := range gone {
			assert.Greater(t, after, 40*time.Second, name)
			assert.Less(t, after, 101*time.Second, name)
		}
		assert.NotContains(t, answered(t, sh, "kubectl get nodes"), "node-1")
		pods, err := sim.List[*corev1.Pod](c, "", "")
		require.NoError(t, err)
		assert.Len(t, pods, 3)
		for _, pod := range pods {
			assert.NotEqual(t, "node-1", pod.Spec.NodeName)
			assert.Equal(t, corev1.PodRunning, pod.Status.Phase)
		}
	}
}
