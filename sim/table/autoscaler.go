package table

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

var autoscalerColumns = columns("*Name Reference Targets MinPods MaxPods Replicas Age")

// autoscalerCells is printHorizontalPodAutoscaler.
func autoscalerCells(a *autoscalingv2.HorizontalPodAutoscaler, now time.Time) []string {
	least := "<unset>"
	if a.Spec.MinReplicas != nil {
		least = strconv.Itoa(int(*a.Spec.MinReplicas))
	}
	return []string{a.Name, a.Spec.ScaleTargetRef.Kind + "/" + a.Spec.ScaleTargetRef.Name, metricsCell(a.Spec.Metrics, a.Status.CurrentMetrics),
		least, strconv.Itoa(int(a.Spec.MaxReplicas)), strconv.Itoa(int(a.Status.CurrentReplicas)), age(a.CreationTimestamp, now)}
}

// metricsCell is formatHPAMetrics: what is and what should be of two metrics, and how
// many more there are.
func metricsCell(specs []autoscalingv2.MetricSpec, statuses []autoscalingv2.MetricStatus) string {
	if len(specs) == 0 {
		return "<none>"
	}
	const shown = 2
	var cells []string
	for i := range specs[:min(len(specs), shown)] {
		status := &autoscalingv2.MetricStatus{}
		if i < len(statuses) {
			status = &statuses[i]
		}
		cells = append(cells, metricCell(&specs[i], status))
	}
	cell := strings.Join(cells, ", ")
	if more := len(specs) - shown; more > 0 {
		return fmt.Sprintf("%s + %d more...", cell, more)
	}
	return cell
}

// metricCell is one of them.
func metricCell(spec *autoscalingv2.MetricSpec, status *autoscalingv2.MetricStatus) string {
	switch spec.Type {
	case autoscalingv2.ExternalMetricSourceType:
		var current *autoscalingv2.MetricValueStatus
		if status.External != nil {
			current = &status.External.Current
		}
		return outsideCell(&spec.External.Target, current)
	case autoscalingv2.ObjectMetricSourceType:
		var current *autoscalingv2.MetricValueStatus
		if status.Object != nil {
			current = &status.Object.Current
		}
		return outsideCell(&spec.Object.Target, current)
	case autoscalingv2.PodsMetricSourceType:
		var current *resource.Quantity
		if status.Pods != nil {
			current = status.Pods.Current.AverageValue
		}
		return known(current, status.Pods != nil) + "/" + spec.Pods.Target.AverageValue.String()
	case autoscalingv2.ResourceMetricSourceType:
		var current *autoscalingv2.MetricValueStatus
		if status.Resource != nil {
			current = &status.Resource.Current
		}
		return resourceCell(spec.Resource.Name, &spec.Resource.Target, current)
	case autoscalingv2.ContainerResourceMetricSourceType:
		var current *autoscalingv2.MetricValueStatus
		if status.ContainerResource != nil {
			current = &status.ContainerResource.Current
		}
		return resourceCell(spec.ContainerResource.Name, &spec.ContainerResource.Target, current)
	}
	return "<unknown type>"
}

func known(q *resource.Quantity, is bool) string {
	if !is {
		return unknown
	}
	return q.String()
}

func outsideCell(target *autoscalingv2.MetricTarget, current *autoscalingv2.MetricValueStatus) string {
	if target.AverageValue != nil {
		if current == nil || current.AverageValue == nil {
			return unknown + "/" + target.AverageValue.String() + " (avg)"
		}
		return current.AverageValue.String() + "/" + target.AverageValue.String() + " (avg)"
	}
	if current == nil {
		return unknown + "/" + target.Value.String()
	}
	return current.Value.String() + "/" + target.Value.String()
}

func resourceCell(name corev1.ResourceName, target *autoscalingv2.MetricTarget, current *autoscalingv2.MetricValueStatus) string {
	cell := string(name) + ": "
	if target.AverageValue != nil {
		if current == nil {
			return cell + unknown + "/" + target.AverageValue.String()
		}
		return cell + current.AverageValue.String() + "/" + target.AverageValue.String()
	}
	is, should := unknown, "<auto>"
	if current != nil && current.AverageUtilization != nil {
		is = fmt.Sprintf("%d%%", *current.AverageUtilization)
	}
	if target.AverageUtilization != nil {
		should = fmt.Sprintf("%d%%", *target.AverageUtilization)
	}
	return cell + is + "/" + should
}
