package kubelet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// K22: a pod that the node cannot take fails at once.
func TestRejection(t *testing.T) {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"zone": "a"}},
		Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectNoExecute}}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			"cpu": resource.MustParse("1"), "memory": resource.MustParse("1Gi"), "pods": resource.MustParse("2"),
		}},
	}
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}, node: node})
	pod := func(name, spec, container string) string {
		return `{metadata: {name: ` + name + `}, spec: {tolerations: [{key: k, operator: Exists}]` + spec + `, containers: [{name: c, image: s` + container + `}]}}`
	}
	l.create(pod("a", "", ", resources: {requests: {cpu: 600m, memory: 1Mi}}"))
	l.run(time.Second)
	for _, c := range []struct{ name, manifest, reason, message string }{
		{"b", pod("b", "", ", resources: {requests: {cpu: 600m}}"), "OutOfcpu", "Node didn't have enough resource: cpu, requested: 600, used: 600, capacity: 1000"},
		{"m", pod("m", "", ", resources: {requests: {memory: 2Gi}}"), "OutOfmemory", "Node didn't have enough resource: memory, requested: 2147483648, used: 1048576, capacity: 1073741824"},
		{"aff", pod("aff", ", nodeSelector: {zone: b}", ""), "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"},
		{"t", `{metadata: {name: t}, spec: {containers: [{name: c, image: s}]}}`, "TaintToleration", "Predicate TaintToleration failed: node(s) had untolerated taint(s)"},
	} {
		l.create(c.manifest)
		l.run(time.Second)
		st := l.pod(c.name).Status
		assert.Equal(t, corev1.PodFailed, st.Phase)
		assert.Equal(t, c.reason, st.Reason)
		assert.Equal(t, "Pod was rejected: "+c.message, st.Message)
		assert.Contains(t, l.takeNotes(), "Warning "+c.reason+" "+c.message)
	}
	l.create(pod("d", "", ""))
	l.run(time.Second)
	assert.Equal(t, "1/1 Running", status(l.pod("d")))
	l.create(pod("e", "", ""))
	l.run(time.Second)
	assert.Equal(t, "OutOfpods", l.pod("e").Status.Reason)
	l.delete("b", nil)
	l.run(time.Second)
	assert.Contains(t, l.takeRows(), "b 0/1 OutOfcpu DELETED")
	assert.Equal(t, "a/c d/c", l.processes())
}
