package scheduler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }

func tainted(effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: "k", Value: "v", Effect: effect}} }
}

func withLabel(key, value string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Labels[key] = value }
}

func allocatable(name corev1.ResourceName, q string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Status.Allocatable[name] = quantity(q) }
}

// TestC9Message: "reasons sorted as strings, then preemption: …".
func TestC9Message(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{},
		node("a", cordoned), node("b", tainted(corev1.TaintEffectNoSchedule)), node("c", allocatable(corev1.ResourcePods, "0")),
		node("d"), node("e", allocatable(corev1.ResourceCPU, "1"), allocatable(corev1.ResourceMemory, "1Gi")))
	c.create(pod("full", requesting("3", "1Gi"), onNode("d")))
	c.create(pod("x", requesting("2", "2Gi")))
	c.settle()
	assert.Equal(t, "0/5 nodes are available: 1 Insufficient memory, 1 Too many pods, 1 node(s) had untolerated taint(s), "+
		"1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/5 nodes are available: "+
		"2 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.", c.message("x"))
}

// TestC9EmptyCluster: `no nodes available to schedule pods`; the pod is tried
// again as after an error.
func TestC9EmptyCluster(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{})
	c.create(pod("a"))
	c.settle()
	require.Equal(t, "no nodes available to schedule pods", c.message("a"))
	assert.Equal(t, "Unschedulable", c.pod("a").Status.Conditions[0].Reason)
	c.create(node("n"))
	c.run(engine.Time(10 * time.Second))
	assert.Equal(t, "n", c.pod("a").Spec.NodeName)
}

// TestC7EventsWake: the event that can help a pod wakes it; another does not.
func TestC7EventsWake(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, node("a", cordoned))
	c.create(pod("x"))
	c.settle()
	require.Len(t, c.events("x"), 1)
	n := c.get(apiserver.Node, "a").DeepCopyObject().(*corev1.Node)
	n.Labels["unrelated"] = "yes"
	c.change(n)
	c.settle()
	require.Len(t, c.events("x"), 1, "a label does not help")
	assert.NotContains(t, c.events("x")[0], "×2")

	n = c.get(apiserver.Node, "a").DeepCopyObject().(*corev1.Node)
	n.Spec.Unschedulable = false
	c.change(n)
	c.settle()
	assert.Equal(t, "a", c.pod("x").Spec.NodeName)
}

// TestC7FreedResourcesWake: the end of a pod wakes one that does not fit.
func TestC7FreedResourcesWake(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, node("a"))
	c.create(pod("x", requesting("3", "1Gi")))
	c.settle()
	c.create(pod("y", requesting("3", "1Gi")))
	c.settle()
	require.Equal(t, "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.", c.message("y"))
	c.delete(apiserver.Pod, "x")
	c.settle()
	assert.Equal(t, "a", c.pod("y").Spec.NodeName)
}

// TestC7Flush: an unschedulable pod is tried again after five minutes, if that
// could help: here because a pod that is being deleted counts no more.
func TestC7Flush(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{},
		node("a", withLabel("zone", "z1")), node("b", withLabel("zone", "z2"), allocatable(corev1.ResourcePods, "0")))
	c.create(pod("there", spread, onNode("a"), func(p *corev1.Pod) { p.Finalizers = []string{"example.com/hold"} }))
	c.create(pod("x", spread))
	c.settle()
	require.Equal(t, "0/2 nodes are available: 1 Too many pods, 1 node(s) didn't match pod topology spread constraints. "+
		"preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.", c.message("x"))
	assert.Equal(t, 1, c.Engine().Pending(engine.Retry))
	c.delete(apiserver.Pod, "there")
	c.run(engine.Time(5 * time.Minute))
	require.Empty(t, c.pod("x").Spec.NodeName)
	c.run(engine.Time(331 * time.Second))
	assert.Equal(t, "a", c.pod("x").Spec.NodeName)
}

// TestC7AtRest: a pod that only an event can help costs no wake-ups.
func TestC7AtRest(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, node("a", cordoned))
	c.create(pod("x"))
	c.settle()
	require.NotEmpty(t, c.message("x"))
	assert.Zero(t, c.Engine().Pending(engine.Retry))
}

// TestC1Filters (§0.6): what each filter says of the only node.
func TestC1Filters(t *testing.T) {
	for _, tt := range filterCases() {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t, scheduler.Config{}, controller.Latency{}, node("n", tt.node))
			c.create(pod("there", hostPort, podAffinity(true, "repelled"), labelled("app", "there"), onNode("n")))
			c.create(pod("x", tt.pod))
			c.settle()
			assert.Equal(t, tt.want, c.message("x"))
			assert.Equal(t, tt.want == "", c.pod("x").Spec.NodeName == "n")
		})
	}
}

type filterCase struct {
	name string
	node func(*corev1.Node)
	pod  func(*corev1.Pod)
	want string // "" means scheduled
}

func hostPort(p *corev1.Pod) {
	p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
}

func podAffinity(anti bool, selects string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		terms := []corev1.PodAffinityTerm{{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": selects}}}}
		p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
		if anti {
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
		}
	}
}

func onNodes(names ...string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: names}}}},
		}}}
	}
}

func spread(p *corev1.Pod) {
	p.Labels = map[string]string{"app": "there"}
	p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.DoNotSchedule,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "there"}},
	}}
}

func minTwo(p *corev1.Pod) {
	spread(p)
	two := int32(2)
	p.Spec.TopologySpreadConstraints[0].MinDomains = &two
}

func filterCases() []filterCase {
	not := func(reason string) string {
		return "0/1 nodes are available: 1 " + reason + ". preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
	}
	none := func(reason string) string {
		return "0/1 nodes are available: 1 " + reason + ". preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
	}
	return []filterCase{
		{"taint", tainted(corev1.TaintEffectNoExecute), func(*corev1.Pod) {}, not("node(s) had untolerated taint(s)")},
		{"tolerated", tainted(corev1.TaintEffectNoExecute), func(p *corev1.Pod) {
			p.Spec.Tolerations = []corev1.Toleration{{Key: "k", Operator: corev1.TolerationOpExists}}
		}, ""},
		{"soft taint", tainted(corev1.TaintEffectPreferNoSchedule), func(*corev1.Pod) {}, ""},
		{"selector", withLabel("a", "b"), func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"a": "c"} }, not("node(s) didn't match Pod's node affinity/selector")},
		{"selected", withLabel("a", "b"), func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"a": "b"} }, ""},
		{"by name", withLabel("a", "b"), onNodes("n"), ""},
		{"another's name", withLabel("a", "b"), onNodes("other"), not("node(s) didn't satisfy plugin(s) [NodeAffinity]")},
		{"port", withLabel("a", "b"), hostPort, none("node(s) didn't have free ports for the requested pod ports")},
		{"affinity", withLabel("a", "b"), podAffinity(false, "elsewhere"), not("node(s) didn't match pod affinity rules")},
		{"affine", withLabel("a", "b"), podAffinity(false, "there"), ""},
		{"anti-affinity", withLabel("a", "b"), podAffinity(true, "there"), none("node(s) didn't match pod anti-affinity rules")},
		{"existing anti-affinity", withLabel("a", "b"), labelled("app", "repelled"), none("node(s) didn't satisfy existing pods anti-affinity rules")},
		{"no topology", withLabel("a", "b"), spread, not("node(s) didn't match pod topology spread constraints (missing required label)")},
		{"one domain", withLabel("zone", "z"), spread, ""},
		{"too few domains", withLabel("zone", "z"), minTwo, none("node(s) didn't match pod topology spread constraints")},
		{"scalar", withLabel("a", "b"), func(p *corev1.Pod) {
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"example.com/gpu": quantity("1")}
			p.Spec.Containers[0].Resources.Limits = p.Spec.Containers[0].Resources.Requests
		}, not("Insufficient example.com/gpu")},
	}
}

// TestC2DefaultSpread: "StatefulSet pods spread over nodes".
func TestC2DefaultSpread(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(3)...)
	c.create(&appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
		Spec: appsv1.StatefulSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: pod("x").Spec},
		},
	})
	c.settle()
	yes, uid := true, c.get(apiserver.StatefulSet, "web").GetUID()
	counts := map[string]int{}
	for i := range 9 {
		name := fmt.Sprintf("web-%d", i)
		c.create(pod(name, labelled("app", "web"), func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "web", UID: uid, Controller: &yes}}
		}))
		c.settle()
		counts[c.pod(name).Spec.NodeName]++
	}
	assert.Equal(t, map[string]int{"node-1": 3, "node-2": 3, "node-3": 3}, counts)
}

// TestC2SpreadByService: a Service's selector is enough.
func TestC2SpreadByService(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{},
		node("n1", withLabel(corev1.LabelTopologyZone, "a")), node("n2", withLabel(corev1.LabelTopologyZone, "a")), node("n3", withLabel(corev1.LabelTopologyZone, "b")))
	c.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}},
	})
	c.create(pod("a", labelled("app", "web"), onNode("n1")))
	c.create(pod("b", labelled("app", "web")))
	c.settle()
	assert.Equal(t, "n3", c.pod("b").Spec.NodeName, "another zone")
}

// TestC3LeastAllocated: the emptier node wins.
func TestC3LeastAllocated(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(2)...)
	c.create(pod("big", requesting("2", "4Gi"), onNode("node-2")))
	c.create(pod("x", requesting("1", "2Gi")))
	c.settle()
	assert.Equal(t, "node-1", c.pod("x").Spec.NodeName)
}

// TestC4NominatedNodeFirst: "A nominated node is tried first".
func TestC4NominatedNodeFirst(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, node("a"), node("b"), node("c", cordoned))
	c.create(pod("big", requesting("3", "6Gi"), onNode("b")))
	c.create(pod("x", func(p *corev1.Pod) { p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}} }))
	c.settle()
	require.Empty(t, c.pod("x").Spec.NodeName)
	x := c.pod("x").DeepCopy()
	x.Status.NominatedNodeName = "b"
	c.status(x)
	x = c.pod("x").DeepCopy()
	x.Spec.SchedulingGates = nil
	c.change(x)
	c.settle()
	assert.Equal(t, "b", c.pod("x").Spec.NodeName, "worse, but nominated")
}

// TestC4Sampling: in a cluster of 200 nodes half of them are enough, and the
// next cycle begins where the last one ended.
func TestC4Sampling(t *testing.T) {
	var objs []apiserver.Object
	for i := range 200 {
		objs = append(objs, node(fmt.Sprintf("n%03d", i)))
	}
	c := newCluster(t, scheduler.Config{PercentageOfNodesToScore: 50}, controller.Latency{}, objs...)
	for i := range 4 {
		name := fmt.Sprintf("x%d", i)
		c.create(pod(name))
		c.settle()
		got := c.pod(name).Spec.NodeName
		assert.Equal(t, i%2 == 1, got >= "n100", got)
	}
}

// TestC5TiesAreChoices (§0.7): every node that is equally good is some seed's choice.
func TestC5TiesAreChoices(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(40) {
		e := engine.New(engine.Strategy{Seed: seed})
		c := &cluster{Host: controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "TaintNodesByCondition"}}), controller.Latency{}, nil), t: t}
		c.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
		c.create(nodes(3)...)
		c.Add(scheduler.New(scheduler.Config{}))
		c.create(pod("a"))
		c.settle()
		seen[c.pod("a").Spec.NodeName] = true
	}
	assert.Len(t, seen, 3)
}

// TestSkipsDeletingPod: a pod that is being deleted is not scheduled.
func TestSkipsDeletingPod(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(1)...)
	c.create(pod("a", func(p *corev1.Pod) { p.Finalizers = []string{"example.com/hold"} }))
	c.delete(apiserver.Pod, "a")
	c.settle()
	assert.Empty(t, c.pod("a").Spec.NodeName)
	assert.Equal(t, []string{"Warning FailedScheduling Scheduling ×1: skip schedule deleting pod: default/a"}, c.events("a"))
}

// TestOtherSchedulers: pods of another scheduler are left alone, but take room.
func TestOtherSchedulers(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(1)...)
	c.create(pod("a", func(p *corev1.Pod) { p.Spec.SchedulerName = "mine" }))
	c.settle()
	assert.Empty(t, c.pod("a").Spec.NodeName)
	assert.Empty(t, c.events("a"))
}
