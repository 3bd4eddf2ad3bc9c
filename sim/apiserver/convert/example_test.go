package convert_test

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver/convert"
)

// The goal for memory, for which version 1 has no field, travels in an annotation.
func Example() {
	goal := int32(60)
	a := &autoscalingv2.HorizontalPodAutoscaler{}
	a.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: corev1.ResourceMemory, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &goal}}}}
	v1 := convert.AutoscalerToV1(a)
	fmt.Println(v1.Annotations["autoscaling.alpha.kubernetes.io/metrics"])
	fmt.Println(*convert.AutoscalerFromV1(v1).Spec.Metrics[0].Resource.Target.AverageUtilization)
	// Output:
	// [{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":60}}]
	// 60
}
