package scheduler_test

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// BenchmarkCycle measures the scheduler's part of a pod's life, without the
// API server: observed, tried, assumed, bound and seen.
func BenchmarkCycle(b *testing.B) {
	for _, n := range []int{3, 100, 5000} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) { benchmarkCycle(b, n) })
	}
}

func benchmarkCycle(b *testing.B, n int) {
	var objs []apiserver.Object
	for i := range n {
		objs = append(objs, node(fmt.Sprintf("node-%d", i), func(n *corev1.Node) {
			n.Status.Allocatable[corev1.ResourcePods] = quantity("1000000")
		}))
	}
	replicas := int32(1)
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, ServiceName: "web",
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}},
			},
		},
	}
	c := newCluster(b, scheduler.Config{}, controller.Latency{}, append(objs, set)...)
	c.Step()
	yes := true
	uid := c.get(apiserver.StatefulSet, "web").GetUID()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.create(pod(fmt.Sprintf("web-%d", i), labelled("app", "web"), func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "web", UID: uid, Controller: &yes}}
		}))
		for c.Engine().Pending(engine.Progress)+c.Engine().Pending(engine.Background) > 0 {
			c.Step()
		}
	}
}

// BenchmarkClaims measures pods whose claims are bound after they were first
// tried, as with StatefulSets in Parallel.
func BenchmarkClaims(b *testing.B) {
	const n = 2000
	for b.Loop() {
		c := newCluster(b, scheduler.Config{}, controller.Latency{}, nodes(100)...)
		for i := range n {
			name := fmt.Sprint(i)
			c.create(volume("v"+name, ""), claim("c"+name, ""), pod("p"+name, using("c"+name)))
		}
		c.settle()
		for i := range n {
			name := fmt.Sprint(i)
			pv := *c.get(apiserver.PersistentVolume, "v"+name).(*corev1.PersistentVolume)
			pv.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: "default", Name: "c" + name}
			c.change(&pv)
			c.bind("c"+name, "v"+name)
			c.settle()
		}
	}
}
