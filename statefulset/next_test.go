package statefulset_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/statefulset"
)

func threeReplicas() *appsv1.StatefulSet {
	replicas, labels := int32(3), map[string]string{"app": "web"}
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Generation: 1},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
			},
		},
	}
}

// What does the controller do about a set of which nothing exists?
func ExampleNext() {
	plan, err := statefulset.Next(statefulset.Situation{Set: threeReplicas()})
	if err != nil {
		panic(err)
	}
	for _, line := range append(plan.Lines(), plan.Events...) {
		fmt.Println(line)
	}
	fmt.Println(plan.Waits)
	// Output:
	// create ControllerRevision default/web-786f898bd7
	// create Pod default/web-0
	// update StatefulSet default/web status
	// update StatefulSet default/web status
	// Normal SuccessfulCreate: Create Pod web-0 in StatefulSet web successful
	// waiting for pod default/web-0 to be Ready
}

// replica is a pod of the set, ready or not, of the revision that it now has.
func replica(t *testing.T, set *appsv1.StatefulSet, ordinal int, ready corev1.ConditionStatus) *corev1.Pod {
	t.Helper()
	plan, err := statefulset.Next(statefulset.Situation{Set: set})
	require.NoError(t, err)
	for _, r := range plan.Requests {
		if pod, ok := r.Object.(*corev1.Pod); ok {
			pod = pod.DeepCopy()
			pod.Name = fmt.Sprintf("%s-%d", set.Name, ordinal)
			pod.Labels["statefulset.kubernetes.io/pod-name"] = pod.Name
			pod.Labels["apps.kubernetes.io/pod-index"] = fmt.Sprint(ordinal)
			pod.Spec.Hostname, pod.Spec.NodeName = pod.Name, "node-1"
			pod.UID, pod.OwnerReferences[0].UID = "", ""
			pod.Status.Phase = corev1.PodRunning
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
			return pod
		}
	}
	t.Fatal("no pod is created")
	return nil
}

// The rules that people ask about, one situation each.
func TestNext(t *testing.T) {
	set := threeReplicas()
	ready := func(ordinals ...int) (pods []*corev1.Pod) {
		for _, o := range ordinals {
			pods = append(pods, replica(t, set, o, corev1.ConditionTrue))
		}
		return pods
	}
	scaled := func(replicas int32, policy appsv1.PodManagementPolicyType) *appsv1.StatefulSet {
		s := threeReplicas()
		s.Spec.Replicas, s.Spec.PodManagementPolicy = &replicas, policy
		return s
	}
	updated := func(policy appsv1.PodManagementPolicyType, partition int32) *appsv1.StatefulSet {
		s := scaled(3, policy)
		s.Spec.Template.Spec.Containers[0].Image = "nginx:2"
		s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition}
		return s
	}
	broken := replica(t, set, 2, corev1.ConditionFalse)
	for _, test := range []struct {
		name  string
		s     statefulset.Situation
		pods  []string // what is done about pods
		waits string
	}{
		{"S18: the next is created", statefulset.Situation{Set: set, Pods: ready(0)}, []string{"create Pod default/web-1"}, "web-1 to be Ready"},
		{"S18: one that is not ready is waited for", statefulset.Situation{Set: set, Pods: []*corev1.Pod{replica(t, set, 0, corev1.ConditionFalse)}}, nil, "web-0 to be Ready"},
		{"S20: Parallel waits for none", statefulset.Situation{Set: scaled(3, appsv1.ParallelPodManagement)},
			[]string{"create Pod default/web-0", "create Pod default/web-1", "create Pod default/web-2"}, "Ready"},
		{"S22: from the top, one at a time", statefulset.Situation{Set: scaled(1, ""), Pods: ready(0, 1, 2)}, []string{"delete Pod default/web-2"}, "web-2"},
		{"S26: an update from the top", statefulset.Situation{Set: updated("", 0), Pods: ready(0, 1, 2)}, []string{"delete Pod default/web-2"}, "web-2"},
		{"S25: a partition keeps what is below", statefulset.Situation{Set: updated("", 3), Pods: ready(0, 1, 2)}, nil, ""},
		{"S29: a pod that is not ready blocks the update", statefulset.Situation{Set: updated("", 0), Pods: append(ready(0, 1), broken)}, nil, "web-2 to be Ready"},
	} {
		plan, err := statefulset.Next(test.s)
		require.NoError(t, err, test.name)
		var pods []string
		for _, line := range plan.Lines() {
			if strings.Contains(line, " Pod ") {
				pods = append(pods, line)
			}
		}
		assert.ElementsMatch(t, test.pods, pods, test.name)
		assert.Contains(t, plan.Waits, test.waits, test.name)
	}
	_, err := statefulset.Next(statefulset.Situation{})
	assert.EqualError(t, err, "statefulset: Situation.Set is nil")
	twice := ready(0, 0)
	_, err = statefulset.Next(statefulset.Situation{Set: set, Pods: twice})
	assert.EqualError(t, err, "statefulset: Pod default/web-0: there are two of them")
}
