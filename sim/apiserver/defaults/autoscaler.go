package defaults

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// autoscaler: one replica at least, most of the CPU that is asked for, and in a
// behavior the rules that were before there were any
// (pkg/apis/autoscaling/v2/defaults.go).
func autoscaler(a *autoscalingv2.HorizontalPodAutoscaler) {
	fill(&a.Spec.MinReplicas, 1)
	if len(a.Spec.Metrics) == 0 {
		most := int32(80)
		a.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &most}}}}
	}
	through(&a.Spec.Behavior, func(b *autoscalingv2.HorizontalPodAutoscalerBehavior) *autoscalingv2.HorizontalPodAutoscalerBehavior {
		up, down := scalingRules(b.ScaleUp, true), scalingRules(b.ScaleDown, false)
		if up == b.ScaleUp && down == b.ScaleDown {
			return b
		}
		return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: up, ScaleDown: down}
	})
}

// scalingRules fills the rules of one direction: up is not slowed down, and by the
// larger of two steps; down waits as long as the controller was started to.
func scalingRules(r *autoscalingv2.HPAScalingRules, up bool) *autoscalingv2.HPAScalingRules {
	if r == nil {
		r = &autoscalingv2.HPAScalingRules{}
	}
	o := own[autoscalingv2.HPAScalingRules]{v: r}
	if r.SelectPolicy == nil {
		fill(&o.write().SelectPolicy, autoscalingv2.MaxChangePolicySelect)
	}
	if r.StabilizationWindowSeconds == nil && up {
		fill(&o.write().StabilizationWindowSeconds, 0)
	}
	if r.Policies == nil {
		all := autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}
		if up {
			o.write().Policies = []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}, all}
		} else {
			o.write().Policies = []autoscalingv2.HPAScalingPolicy{all}
		}
	}
	return o.v
}
