package scheduler_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

func labelled(key, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		if p.Labels == nil {
			p.Labels = map[string]string{}
		}
		p.Labels[key] = value
	}
}

func onNode(name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.NodeName = name }
}

func withClasses(c *cluster) {
	for name, value := range map[string]int32{"high": 100, "mid": 50, "low": 10} { // each by itself
		c.create(priorityClass(name, value))
	}
}

func ofClass(name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.PriorityClassName = name }
}

// TestC12Preemption: the pod is nominated, the victim gets its condition, its
// Event and a graceful deletion, and when it is gone the pod takes its place.
func TestC12Preemption(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(1)...)
	withClasses(c)
	c.create(pod("victim", requesting("3", "1Gi"), ofClass("low")))
	c.settle()
	c.create(pod("a", requesting("3", "1Gi"), ofClass("high")))
	c.settle()
	require.Equal(t, "0/1 nodes are available: 1 Insufficient cpu. "+
		"preemption: found a potential placement for pod on node node-1, preempting 1 victims", c.message("a"))
	assert.Equal(t, "node-1", c.pod("a").Status.NominatedNodeName)
	v := c.pod("victim")
	require.NotNil(t, v.DeletionTimestamp)
	cond := v.Status.Conditions[len(v.Status.Conditions)-1]
	assert.Equal(t, corev1.DisruptionTarget, cond.Type)
	assert.Equal(t, "PreemptionByScheduler", cond.Reason)
	assert.Equal(t, "default-scheduler: preempting to accommodate a higher priority pod", cond.Message)
	assert.Contains(t, c.events("victim"), "Normal Preempted Preempting ×1: Preempted by pod "+string(c.pod("a").UID)+" on node node-1")
	assert.Empty(t, c.pod("a").Spec.NodeName)

	c.create(pod("b", requesting("3", "1Gi"), ofClass("mid")))
	c.settle()
	assert.Equal(t, "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Insufficient cpu.",
		c.message("b"), "the room is promised to a")
	c.delete(apiserver.Pod, "victim")
	c.settle()
	assert.Equal(t, "node-1", c.pod("a").Spec.NodeName)
	assert.Empty(t, c.pod("b").Spec.NodeName)
}

// TestC12VictimsAreTheFewestAndLeast: "fewest PDB violations, lowest top victim
// priority, lowest sum, fewest victims".
func TestC12VictimsAreTheFewestAndLeast(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(3)...)
	withClasses(c)
	c.create(
		pod("mid-1", requesting("3", "1Gi"), ofClass("mid"), onNode("node-1")),
		pod("low-2a", requesting("2", "1Gi"), ofClass("low"), onNode("node-2")),
		pod("low-2b", requesting("2", "1Gi"), ofClass("low"), onNode("node-2")),
		pod("low-3", requesting("3", "1Gi"), ofClass("low"), onNode("node-3"), labelled("app", "guarded")),
	)
	c.settle()
	c.create(pod("a", requesting("3", "1Gi"), ofClass("high")))
	c.settle()
	assert.Equal(t, "node-3", c.pod("a").Status.NominatedNodeName, "one victim of low priority")

	// The same with a budget that allows no disruption on node-3.
	c = newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(3)...)
	withClasses(c)
	one := intstr.FromInt32(1)
	c.create(&policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "guard", Namespace: "default"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}}},
	})
	c.create(
		pod("mid-1", requesting("3", "1Gi"), ofClass("mid"), onNode("node-1")),
		pod("low-2a", requesting("2", "1Gi"), ofClass("low"), onNode("node-2")),
		pod("low-2b", requesting("2", "1Gi"), ofClass("low"), onNode("node-2")),
		pod("low-3", requesting("3", "1Gi"), ofClass("low"), onNode("node-3"), labelled("app", "guarded")),
	)
	c.settle()
	c.create(pod("a", requesting("3", "1Gi"), ofClass("high")))
	c.settle()
	assert.Equal(t, "node-2", c.pod("a").Status.NominatedNodeName, "two victims, but no violation and a lower priority than on node-1")
}

// TestC12PreemptionPolicyNever: the words of a pod that may not preempt.
func TestC12PreemptionPolicyNever(t *testing.T) {
	c := newCluster(t, scheduler.Config{}, controller.Latency{}, nodes(1)...)
	withClasses(c)
	never := corev1.PreemptNever
	polite := priorityClass("polite", 90)
	polite.PreemptionPolicy = &never
	c.create(polite)
	c.create(pod("low", requesting("3", "1Gi"), ofClass("low")))
	c.settle()
	c.create(pod("a", requesting("3", "1Gi"), ofClass("polite")))
	c.settle()
	assert.Equal(t, "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.", c.message("a"))
	assert.Nil(t, c.pod("low").DeletionTimestamp)
}
