package scheduler_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/scheduler"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// C7: of the changes of a pod on a node, the scheduler sees those that a plugin,
// the queue or preemption can tell.
func TestC7HeedsWhatItCanTell(t *testing.T) {
	s := scheduler.New(scheduler.Config{})
	now := metav1.NewTime(time.Unix(1, 0))
	cpu := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	granted := func(l corev1.ResourceList) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{Name: "c", AllocatedResources: l}}
	}
	preempted := []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler}}
	for _, c := range []struct {
		what   string
		change func(*corev1.Pod)
		heeds  bool
	}{
		{"nothing", func(*corev1.Pod) {}, false},
		{"running", func(p *corev1.Pod) { p.Status.Phase = corev1.PodRunning }, false},
		{"ready", func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		}, false},
		{"address", func(p *corev1.Pod) { p.Status.PodIP = "10.0.0.1" }, false},
		{"annotation", func(p *corev1.Pod) { p.Annotations = map[string]string{"a": "b"} }, false},
		{"restart", func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount++ }, false},
		{"label", func(p *corev1.Pod) { p.Labels = map[string]string{"app": "other"} }, true},
		{"deletion", func(p *corev1.Pod) { p.DeletionTimestamp = &now }, true},
		{"shorter grace", func(p *corev1.Pod) { p.DeletionGracePeriodSeconds = new(int64) }, false},
		{"preemption", func(p *corev1.Pod) { p.DeletionTimestamp, p.Status.Conditions = &now, preempted }, true},
		{"start", func(p *corev1.Pod) { p.Status.StartTime = &now }, true},
		{"end", func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }, true},
		{"what is granted", func(p *corev1.Pod) { p.Status.ContainerStatuses = granted(cpu) }, true},
		{"what is granted in all", func(p *corev1.Pod) { p.Status.AllocatedResources = cpu }, true},
		{"what is granted at the beginning", func(p *corev1.Pod) { p.Status.InitContainerStatuses = granted(cpu) }, true},
		{"spec", func(p *corev1.Pod) { p.Spec.Containers = []corev1.Container{{Name: "c", Image: "2"}} }, true},
		{"node", func(p *corev1.Pod) { p.Spec.NodeName = "other" }, true},
	} {
		was := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "p", Labels: map[string]string{"app": "x"}},
			Spec:       corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "c"}}},
			Status:     corev1.PodStatus{ContainerStatuses: granted(nil)},
		}
		pod := *was
		pod.Status.ContainerStatuses = granted(nil)
		c.change(&pod)
		rec := &apiserver.Record{Type: watch.Modified, Kind: apiserver.Pod, Object: &pod, Old: was}
		assert.Equal(t, c.heeds, s.Heeds(rec), c.what)

		pending := *was
		pending.Spec.NodeName = ""
		rec.Old = &pending
		assert.True(t, s.Heeds(rec), "a binding, and %s", c.what)
		assert.True(t, s.Heeds(&apiserver.Record{Type: watch.Deleted, Kind: apiserver.Pod, Object: &pod, Old: was}))
	}
	set := &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Selector: &metav1.LabelSelector{}}}
	next := *set
	next.Status.Replicas = 1
	rec := &apiserver.Record{Type: watch.Modified, Kind: apiserver.StatefulSet, Object: &next, Old: set}
	assert.False(t, s.Heeds(rec))
	next.Spec.Selector = &metav1.LabelSelector{}
	assert.True(t, s.Heeds(rec))
}
