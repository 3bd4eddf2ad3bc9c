package scheduler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

func machine(name, cpu string, change func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}, Status: corev1.NodeStatus{
		Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110")},
	}}
	change(n)
	return n
}

func asking(cpu string, change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-0", Labels: map[string]string{"app": "web"}}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "c", Image: "nginx:1", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}}},
	}}
	change(p)
	return p
}

func asItIs[T any](T) {}

// Where can a pod run, and why not elsewhere?
func ExampleExplain() {
	verdicts, message, err := scheduler.Explain(asking("2", asItIs[*corev1.Pod]),
		machine("large", "8", asItIs[*corev1.Node]), machine("medium", "4", asItIs[*corev1.Node]), machine("small", "1", asItIs[*corev1.Node]),
		machine("cordoned", "8", func(n *corev1.Node) { n.Spec.Unschedulable = true }),
	)
	if err != nil {
		panic(err)
	}
	for _, v := range verdicts {
		fmt.Printf("%s scores %d, refused: %q\n", v.Node, v.Score, v.Reasons)
	}
	fmt.Printf("%q\n", message)
	// Output:
	// large scores 154, refused: []
	// medium scores 135, refused: []
	// cordoned scores 0, refused: ["node(s) were unschedulable"]
	// small scores 0, refused: ["Insufficient cpu"]
	// ""
}

// What is said without a cluster is what the scheduler says in one.
func TestExplain(t *testing.T) {
	onlyOn := func(key string, values ...string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}}}}}}}
		}
	}
	apart := func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, TopologyKey: corev1.LabelHostname}}}}
	}
	there := asking("1", func(p *corev1.Pod) { p.Name, p.Spec.NodeName = "web-9", "a" })
	nodes := []apiserver.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		machine("a", "2", asItIs[*corev1.Node]),
		machine("b", "4", func(n *corev1.Node) {
			n.Spec.Taints = []corev1.Taint{{Key: "k", Value: "v", Effect: corev1.TaintEffectNoSchedule}}
		}),
		there,
	}
	for name, pod := range map[string]*corev1.Pod{
		"too much":          asking("3", asItIs[*corev1.Pod]),
		"far too much":      asking("30", asItIs[*corev1.Pod]),
		"a label":           asking("1", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"disk": "ssd"} }),
		"apart":             asking("1", apart),
		"only a, and apart": asking("1", func(p *corev1.Pod) { onlyOn("metadata.name", "a")(p); apart(p) }),
		"no such node":      asking("1", onlyOn("metadata.name", "z")),
		"a missing claim": asking("1", func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "www"}}}}
		}),
	} {
		e := engine.New(engine.Strategy{})
		host := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount", "TaintNodesByCondition"}}), controller.Latency{}, nil)
		host.Add(scheduler.New(scheduler.Config{}))
		for _, o := range append(nodes[:len(nodes):len(nodes)], pod) {
			res := host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(o), Key: apiserver.KeyOf(o), Object: o})
			require.NoError(t, res.Err)
		}
		for e.Pending(engine.Progress) > 0 {
			host.Step()
		}
		stored := func(key apiserver.Key, kind apiserver.Kind) apiserver.Object { return host.Server().Get(kind, key) }
		var around []apiserver.Object
		for _, o := range nodes {
			around = append(around, stored(apiserver.KeyOf(o), apiserver.KindOf(o)))
		}
		verdicts, message, err := scheduler.Explain(stored(apiserver.KeyOf(pod), apiserver.Pod).(*corev1.Pod), around...)
		require.NoError(t, err)
		require.Len(t, host.Waiting(), 1, name)
		said := host.Waiting()[0].Reason
		before, _, _ := strings.Cut(said, " preemption:")
		assert.Equal(t, before, message, name)
		assert.Len(t, verdicts, 2, name)
		for _, v := range verdicts {
			assert.NotEmpty(t, v.Reasons, "%s: %s", name, v.Node)
		}
	}
	_, message, err := scheduler.Explain(asking("1", asItIs[*corev1.Pod]))
	require.NoError(t, err)
	assert.Equal(t, "no nodes available to schedule pods", message)
	_, _, err = scheduler.Explain(nil)
	assert.EqualError(t, err, "scheduler: Explain: the pod is nil")
	_, _, err = scheduler.Explain(there, &policyv1.PodDisruptionBudget{})
	assert.EqualError(t, err, "scheduler: Explain: a *v1.PodDisruptionBudget does not count for the scheduler")
}
