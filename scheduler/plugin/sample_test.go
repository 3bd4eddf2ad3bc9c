package plugin

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/state"
)

// history is a cluster that changes, and asks samples of it.
type history struct {
	cluster *Cluster
	pods    []*Pod
	made    int
	buffer  Buffer
	cycle   Cycle
	asked   int
	decided int
}

func (h *history) change(t *rapid.T) {
	name := fmt.Sprintf("n%02d", rapid.IntRange(0, 19).Draw(t, "node"))
	switch rapid.SampledFrom([]string{"node", "node", "gone", "pod", "pod", "pod", "pod", "end", "fork"}).Draw(t, "what") {
	case "node":
		n := testNode(name, rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "zone"))
		n.Status.Allocatable[corev1.ResourceCPU] = resource.MustParse(rapid.SampledFrom([]string{"1", "2", "4"}).Draw(t, "cpu"))
		n.Status.Allocatable["ephemeral-storage"] = resource.MustParse("1Gi")
		n.Status.Allocatable[corev1.ResourcePods] = resource.MustParse(rapid.SampledFrom([]string{"0", "2", "10"}).Draw(t, "room"))
		n.Spec.Unschedulable = rapid.IntRange(0, 30).Draw(t, "cordon") == 0
		if rapid.IntRange(0, 20).Draw(t, "nameless") == 0 {
			delete(n.Labels, corev1.LabelHostname)
		}
		h.cluster.SetNode(n)
	case "gone":
		if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			h.cluster.RemoveNode(name)
		}
	case "pod":
		h.made++
		p := NewPod(h.pod(t, fmt.Sprintf("p%d", h.made), name))
		h.cluster.AddPod(p)
		h.pods = append(h.pods, p)
	case "end":
		if len(h.pods) > 0 {
			i := rapid.IntRange(0, len(h.pods)-1).Draw(t, "pod")
			h.cluster.RemovePod(h.pods[i].Pod)
			h.pods = slices.Delete(h.pods, i, i+1)
		}
	case "fork":
		h.cluster = state.Copy(nil, h.cluster)
	}
}

func (h *history) pod(t *rapid.T, name, node string) *corev1.Pod {
	return testPod(name, node, func(p *corev1.Pod) {
		if rapid.Bool().Draw(t, "alike") {
			p.Labels = map[string]string{"app": "a"}
		}
		switch rapid.IntRange(0, 4).Draw(t, "requests") {
		case 0:
			requests("500m", "512Mi")(p)
		case 1:
			requests("1500m", "1Gi")(p)
		case 2:
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"ephemeral-storage": resource.MustParse("600Mi")}
		}
	})
}

// ask compares a sample with the nodes looked at one by one.
func (h *history) ask(t *rapid.T) {
	nodes := h.cluster.Nodes()
	if len(nodes) == 0 {
		return
	}
	s := nothing{}
	if rapid.Bool().Draw(t, "spread") {
		s.selector = labels.SelectorFromSet(labels.Set{"app": "a"})
	}
	start, wanted := rapid.IntRange(0, len(nodes)-1).Draw(t, "start"), rapid.IntRange(1, len(nodes)).Draw(t, "wanted")
	pod := NewPod(h.pod(t, "x", ""))
	c := h.cycle.Reset(h.cluster, s, pod)
	require.True(t, c.PreFilter().OK())
	h.asked++
	got, ok, err := c.Sample(start, wanted, &h.buffer)
	require.NoError(t, err)
	if !ok {
		return
	}
	h.decided++
	naive := NewCycle(h.cluster, s, pod)
	require.True(t, naive.PreFilter().OK())
	looked := 0
	var feasible []*Node
	for ; looked < len(nodes) && len(feasible) < wanted; looked++ {
		if n := nodes[(start+looked)%len(nodes)]; naive.Filter(n).OK() {
			feasible = append(feasible, n)
		}
	}
	require.Equal(t, looked, got.Looked)
	scores, err := naive.Scores(feasible, &Buffer{})
	require.NoError(t, err)
	best := Best(feasible, scores, &Buffer{})
	if len(feasible) == 1 {
		require.Same(t, feasible[0], got.One)
	}
	require.Equal(t, len(best), got.Best)
	for k := range best {
		require.Equal(t, ByName(best, k).Name(), got.Node(k).Name())
	}
}

// C1–C5: shape by shape the scheduler decides as node by node.
func TestSampleDecidesNodeByNode(t *testing.T) {
	asked, decided := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		h := history{cluster: NewCluster()}
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			h.change(t)
			if rapid.IntRange(0, 2).Draw(t, "ask") == 0 {
				h.ask(t)
			}
		}
		asked, decided = asked+h.asked, decided+h.decided
	})
	assert.Greater(t, decided, asked/4, "hardly ever decided")
	t.Logf("%d of %d cycles decided by shape", decided, asked)
}
