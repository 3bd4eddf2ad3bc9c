package plugin

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/statefulsim/statefulsim/sim/state"
)

func testNode(name, zone string, images ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
	if zone != "" {
		n.Labels[corev1.LabelTopologyZone] = zone
	}
	n.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("10"),
	}
	for _, i := range images {
		n.Status.Images = append(n.Status.Images, corev1.ContainerImage{Names: []string{i}, SizeBytes: 500 << 20})
	}
	return n
}

func testPod(name, node string, edit ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name)},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "c", Image: "i:1"}}},
	}
	for _, f := range edit {
		f(p)
	}
	return p
}

// model is a cluster as lists, and the naive way to count.
type model struct {
	nodes map[string]*corev1.Node
	pods  map[string]*corev1.Pod
}

func (m *model) cluster() *Cluster {
	c := NewCluster()
	for _, n := range m.nodes { // the order of the nodes is not compared
		c.SetNode(n)
	}
	for _, p := range m.pods { // sums do not depend on the order
		c.AddPod(NewPod(p))
	}
	return c
}

// TestClusterCountsAreExact: after any history, and forked or not, the counts
// are those of a cluster built from the outcome.
func TestClusterCountsAreExact(t *testing.T) {
	selectors := []labels.Selector{
		labels.SelectorFromSet(labels.Set{"app": "a"}), labels.SelectorFromSet(labels.Set{"app": "a", "tier": "x"}), mustSelector("app,tier!=x"),
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{map[string]*corev1.Node{}, map[string]*corev1.Pod{}}
		c := NewCluster()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			m.step(t, c)
			if rapid.IntRange(1, 6).Draw(t, "ask") == 1 {
				c.counter("ns", Select(rapid.SampledFrom(selectors).Draw(t, "selector")))
			}
			if rapid.IntRange(1, 15).Draw(t, "fork") == 1 {
				c = state.Copy(nil, c)
			}
		}
		want := m.cluster()
		require.Equal(t, want.claims, c.claims)
		require.Equal(t, want.labelled, c.labelled)
		require.Equal(t, want.images, c.images)
		require.Equal(t, want.imaged, c.imaged)
		require.Equal(t, want.zoned, c.zoned)
		require.Equal(t, want.softTainted, c.softTainted)
		require.Equal(t, want.termedAnti, c.termedAnti)
		require.Len(t, c.termed, len(want.termed))
		require.Len(t, c.nodes, len(want.nodes))
		require.Len(t, c.Nodes(), len(m.nodes))
		for name := range m.nodes { // each by itself
			require.Equal(t, want.nodes[name].requested.MilliCPU, c.nodes[name].requested.MilliCPU)
			require.Equal(t, want.nodes[name].nonZero, c.nodes[name].nonZero)
			require.Len(t, c.nodes[name].pods, len(want.nodes[name].pods))
		}
		for _, s := range selectors {
			a, b := want.counter("ns", Select(s)), c.counter("ns", Select(s))
			require.Equal(t, a.total, b.total)
			for name := range m.nodes { // each by itself
				require.Equal(t, a.on(want.nodes[name]), b.on(c.nodes[name]), "%v on %s", s, name)
			}
			for _, zone := range []string{"z1", "z2"} {
				require.Equal(t, a.byZone[zone], b.byZone[zone], "%v in %s", s, zone)
			}
		}
	})
}

func (m *model) step(t *rapid.T, c *Cluster) {
	node := fmt.Sprintf("n%d", rapid.IntRange(1, 3).Draw(t, "node"))
	name := fmt.Sprintf("p%d", rapid.IntRange(1, 5).Draw(t, "pod"))
	switch rapid.SampledFrom([]string{"node", "gone", "pod", "pod", "change", "end"}).Draw(t, "what") {
	case "node":
		n := testNode(node, rapid.SampledFrom([]string{"", "z1", "z2"}).Draw(t, "zone"))
		if rapid.Bool().Draw(t, "image") {
			n = testNode(node, n.Labels[corev1.LabelTopologyZone], "i:1")
			n.Spec.Taints = []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectPreferNoSchedule}}
		}
		m.nodes[node] = n
		c.SetNode(n)
	case "gone":
		delete(m.nodes, node)
		c.RemoveNode(node)
	case "pod":
		if m.pods[name] == nil {
			p := testPod(name, node, m.drawPod(t))
			m.pods[name] = p
			c.AddPod(NewPod(p))
		}
	case "change":
		old := m.pods[name]
		if old == nil {
			return
		}
		p := *old
		if rapid.Bool().Draw(t, "labels") {
			m.drawPod(t)(&p)
		} else {
			p.DeletionTimestamp = &metav1.Time{}
		}
		m.pods[name] = &p
		was := c.nodes[old.Spec.NodeName].find(old)
		c.Replace(was, was.Renew(&p))
	case "end":
		if p := m.pods[name]; p != nil {
			delete(m.pods, name)
			c.RemovePod(p)
		}
	}
}

func (n *Node) find(pod *corev1.Pod) *Pod {
	for _, p := range n.pods {
		if p.UID == pod.UID {
			return p
		}
	}
	return nil
}

// drawPod draws what matters of a pod. It replaces, and shares nothing.
func (m *model) drawPod(t *rapid.T) func(*corev1.Pod) {
	app := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "app")
	tier := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "tier")
	cpu := rapid.SampledFrom([]string{"", "100m", "1"}).Draw(t, "cpu")
	anti := rapid.IntRange(1, 4).Draw(t, "anti") == 1
	return func(p *corev1.Pod) {
		p.Labels = map[string]string{"app": app, "tier": tier}
		p.Spec.Containers = []corev1.Container{{Name: "c", Image: "i:1"}}
		p.Spec.Affinity, p.Spec.Volumes = nil, nil
		if cpu != "" {
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}
			p.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c" + cpu}}}}
		}
		if anti {
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{},
			}}}}
		}
	}
}

func mustSelector(s string) labels.Selector {
	parsed, err := labels.Parse(s)
	if err != nil {
		panic(err)
	}
	return parsed
}

// TestC4NodeOrder: "All nodes … the zones take turns": the order of upstream's
// node tree.
func TestC4NodeOrder(t *testing.T) {
	c := NewCluster()
	for _, n := range [][2]string{{"a1", "a"}, {"a2", "a"}, {"b1", "b"}, {"a3", "a"}, {"none", ""}, {"b2", "b"}} {
		c.SetNode(testNode(n[0], n[1]))
	}
	var names []string
	for _, n := range c.Nodes() {
		names = append(names, n.Name())
	}
	require.Equal(t, []string{"a1", "b1", "none", "a2", "b2", "a3"}, names)
}

// TestC5ByName: the node number k by name, whatever the order.
func TestC5ByName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCluster()
		n := rapid.IntRange(1, 40).Draw(t, "nodes")
		for _, i := range rapid.Permutation(seq(n)).Draw(t, "order") {
			c.SetNode(testNode(fmt.Sprintf("n%02d", i), ""))
		}
		k := rapid.IntRange(0, n-1).Draw(t, "k")
		require.Equal(t, fmt.Sprintf("n%02d", k), ByName(append([]*Node(nil), c.Nodes()...), k).Name())
	})
}

func seq(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
