package plugin

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/statefulsim/statefulsim/volume/match"
)

// nothing is a Storage without objects, and a default selector.
type nothing struct {
	unlimited
	selector labels.Selector
}

// unlimited is the part of a Storage that limits nothing.
type unlimited struct{}

func (unlimited) Limited() bool                                             { return false }
func (unlimited) CSINode(string) *storagev1.CSINode                         { return nil }
func (unlimited) CSIDriver(string) *storagev1.CSIDriver                     { return nil }
func (unlimited) Attachments(string) map[string]*storagev1.VolumeAttachment { return nil }

func (nothing) Claim(string, string) *corev1.PersistentVolumeClaim { return nil }
func (nothing) Class(string) *storagev1.StorageClass               { return nil }
func (nothing) Volumes() *match.Index                              { return &match.Index{} }
func (n nothing) DefaultSelector(*corev1.Pod) Selection {
	if n.selector == nil {
		return Selection{}
	}
	return Select(n.selector)
}

func requests(cpu, memory string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
	}
}

func labelledApp(p *corev1.Pod) { p.Labels = map[string]string{"app": "a"} }

// cycleOf prepares a cycle of a pod in a cluster.
func cycleOf(t *testing.T, c *Cluster, s Storage, p *corev1.Pod) *Cycle {
	cycle := NewCycle(c, s, NewPod(p))
	require.Equal(t, Status{}, cycle.PreFilter())
	return cycle
}

// TestC1Weights: "TaintToleration(3), NodeAffinity(2), … ImageLocality(1)".
func TestC1Weights(t *testing.T) {
	want := map[ID]int64{TaintToleration: 3, NodeAffinity: 2, NodeResourcesFit: 1, VolumeBinding: 1, PodTopologySpread: 2, InterPodAffinity: 2, BalancedAllocation: 1, ImageLocality: 1}
	for id, weight := range want { // each by itself
		assert.Equal(t, weight, id.Weight(), id)
	}
}

// TestC3Resources: "LeastAllocated = mean of (alloc−req)·100/alloc (unset
// requests count 100m / 200Mi). Balanced = 50 + (50 + with − without)/2".
func TestC3Resources(t *testing.T) {
	c := NewCluster()
	c.SetNode(testNode("n", ""))
	c.AddPod(NewPod(testPod("there", "n", requests("1", "1Gi"))))
	n := c.Node("n")

	best := cycleOf(t, c, nothing{}, testPod("x", ""))
	cpu, mem := int64((4000-1100)*100/4000), (int64(8<<30)-(1<<30)-(200<<20))*100/(8<<30)
	assert.Equal(t, (cpu+mem)/2, best.scoreFit(n))
	assert.True(t, isBestEffort(best.pod), "skipped for best-effort pods")

	x := cycleOf(t, c, nothing{}, testPod("x", "", requests("1", "3Gi")))
	assert.Equal(t, int64(50), x.scoreFit(n))
	// Without the pod the shares are 1/4 and 1/8, with it 1/2 and 1/2.
	assert.Equal(t, int64(50+(50+100-93)/2), x.scoreBalanced(n))
}

// TestC2SystemDefaults: "hostname skew 3, zone skew 5, ScheduleAnyway".
func TestC2SystemDefaults(t *testing.T) {
	c := NewCluster()
	for _, n := range [][2]string{{"n1", "a"}, {"n2", "a"}, {"n3", "b"}} {
		c.SetNode(testNode(n[0], n[1]))
	}
	c.AddPod(NewPod(testPod("p1", "n1", labelledApp)))
	c.AddPod(NewPod(testPod("p2", "n1", labelledApp)))
	x := cycleOf(t, c, nothing{selector: labels.SelectorFromSet(labels.Set{"app": "a"})}, testPod("x", "", labelledApp))
	s, err := x.preScoreSpread(c.Nodes(), len(c.Nodes()), &Buffer{})
	require.NoError(t, err)
	scores := map[string]int64{}
	var list []int64
	for _, n := range c.Nodes() {
		score, ok := s.score(n)
		require.True(t, ok)
		scores[n.name] = score
		list = append(list, score)
	}
	// Hosts weigh ln(3+2) a pod, zones ln(2+2); the skews add 2 and 4.
	assert.Equal(t, map[string]int64{"n1": 12, "n2": 9, "n3": 6}, scores)
	s.normalize(list)
	assert.Equal(t, []int64{100 * 6 / 12, 100 * 12 / 12, 100 * 9 / 12}, []int64{list[0], list[1], list[2]}, "in the order n1, n3, n2")
}

// TestC1SoftTaints: a node with a PreferNoSchedule taint scores worse.
func TestC1SoftTaints(t *testing.T) {
	c := NewCluster()
	soft := testNode("soft", "")
	soft.Spec.Taints = []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectPreferNoSchedule}}
	c.SetNode(testNode("clean", ""))
	c.SetNode(soft)
	x := cycleOf(t, c, nothing{}, testPod("x", ""))
	scores, err := x.Scores(c.Nodes(), &Buffer{})
	require.NoError(t, err)
	assert.Equal(t, int64(300), scores[0]-scores[1])
	tolerant := cycleOf(t, c, nothing{}, testPod("x", "", func(p *corev1.Pod) {
		p.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	}))
	scores, err = tolerant.Scores(c.Nodes(), &Buffer{})
	require.NoError(t, err)
	assert.Equal(t, scores[0], scores[1])
}

// TestC1Images: the node that has the image scores better, by its size and
// spread.
func TestC1Images(t *testing.T) {
	c := NewCluster()
	c.SetNode(testNode("with", "", "i:1"))
	c.SetNode(testNode("without", ""))
	x := cycleOf(t, c, nothing{}, testPod("x", ""))
	scores, err := x.Scores(c.Nodes(), &Buffer{})
	require.NoError(t, err)
	assert.Equal(t, int64(100*(250-23)/(1000-23)), scores[0]-scores[1])
}

// TestC1Affinities: preferred terms, of the pod and of others, are scaled to 100.
func TestC1Affinities(t *testing.T) {
	c := NewCluster()
	c.SetNode(testNode("n1", ""))
	c.SetNode(testNode("n2", ""))
	c.AddPod(NewPod(testPod("there", "n2", labelledApp)))
	near := func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{
			PodAffinity: &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 7, PodAffinityTerm: corev1.PodAffinityTerm{
				TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "a"}},
			}}}},
			NodeAffinity: &corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 3, Preference: corev1.NodeSelectorTerm{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{"n1"}}},
			}}}},
		}
	}
	x := cycleOf(t, c, nothing{}, testPod("x", "", near))
	s := x.preScoreAffinity()
	list := []int64{s.score(c.Node("n1")), s.score(c.Node("n2"))}
	assert.Equal(t, []int64{0, 7}, list)
	normalizeRange(list)
	assert.Equal(t, []int64{0, 100}, list)
	preferred, err := preferredTerms(x.pod.Pod)
	require.NoError(t, err)
	assert.Equal(t, int64(3), preferred.Score(c.Node("n1").Node))
}
