package plugin

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"
	"pgregory.net/rapid"
)

var quantities = []string{"0", "50m", "100m", "1", "1500m", "200Mi", "1Gi", "0.5", "1m", "3"}

func drawList(t *rapid.T, label string) corev1.ResourceList {
	var list corev1.ResourceList
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, "example.com/gpu"} {
		odds := 2
		if name == "example.com/gpu" {
			odds = 12
		}
		if rapid.IntRange(0, odds).Draw(t, label+" has "+string(name)) == 0 {
			if list == nil {
				list = corev1.ResourceList{}
			}
			list[name] = resource.MustParse(rapid.SampledFrom(quantities).Draw(t, label))
		}
	}
	return list
}

// drawStatus draws what a kubelet may say of what it allocated: mostly what the
// spec asks for.
func drawStatus(t *rapid.T, pod *corev1.Pod) {
	either := func(spec corev1.ResourceList, label string) corev1.ResourceList {
		switch rapid.IntRange(0, 5).Draw(t, label+" kind") {
		case 0:
			return nil
		case 1:
			return drawList(t, label)
		}
		return spec.DeepCopy()
	}
	pod.Status = corev1.PodStatus{}
	for _, c := range pod.Spec.Containers {
		s := corev1.ContainerStatus{Name: c.Name, AllocatedResources: either(c.Resources.Requests, "allocated")}
		if rapid.Bool().Draw(t, "actuated") {
			s.Resources = &corev1.ResourceRequirements{Requests: either(c.Resources.Requests, "actuated")}
		}
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, s)
	}
	if rapid.IntRange(0, 2).Draw(t, "pod level") == 0 {
		sum := helper.PodRequests(pod, helper.PodResourcesOptions{})
		pod.Status.AllocatedResources = either(sum, "pod allocated")
		pod.Status.Resources = &corev1.ResourceRequirements{Requests: either(sum, "pod actuated")}
	}
	if rapid.IntRange(0, 4).Draw(t, "resize") == 0 {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending, Reason: corev1.PodReasonInfeasible}}
	}
}

// slowRequests is requestsOf as upstream computes it.
func slowRequests(pod *corev1.Pod) (Resource, nonZero) {
	opts := helper.PodResourcesOptions{UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true}
	r := resourceOf(helper.PodRequests(pod, opts))
	r.Pods = 0
	opts.NonMissingContainerRequests = defaultRequests()
	n := resourceOf(helper.PodRequests(pod, opts))
	return r, nonZero{n.MilliCPU, n.Memory}
}

// What the quick paths say of a pod is what the library says: at first, and
// after any change of its status.
func TestRequestsAreTheLibrarys(t *testing.T) {
	plain, renewed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		pod := &corev1.Pod{}
		for i := range rapid.IntRange(1, 3).Draw(t, "containers") {
			pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
				Name: string(rune('a' + i)), Resources: corev1.ResourceRequirements{Requests: drawList(t, "spec")},
			})
		}
		p := NewPod(pod)
		for range 3 {
			r, n := slowRequests(p.Pod)
			assert.Equal(t, r, p.request)
			assert.Equal(t, n, p.nonZero)
			if p.plain {
				plain++
			}
			next := *pod
			drawStatus(t, &next)
			was := p
			if p = p.Renew(&next); p.facts == was.facts {
				renewed++
			}
		}
	})
	assert.NotZero(t, plain)
	assert.NotZero(t, renewed)
}
