package autoscaling

import (
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// proposal is what one metric asks for, or why it is not known.
type proposal struct {
	replicas int32
	metric   string // in words
	status   autoscalingv2.MetricStatus

	reason string // FailedGetResourceMetric and the like; "" if all went well
	fault  string // in the Event and the condition
	prefix string // of the fault, among those of all metrics
}

func failed(reason, prefix string, err error) proposal {
	return proposal{reason: reason, prefix: prefix, fault: err.Error()}
}

func milli(n int64) *resource.Quantity { return resource.NewMilliQuantity(n, resource.DecimalSI) }

// propose computes what a metric asks for (computeReplicasForMetric).
func (c *calculator) propose(m Metrics, namespace string, spec *autoscalingv2.MetricSpec) proposal {
	q := Query{Type: spec.Type, Namespace: namespace, Now: c.now}
	switch spec.Type {
	case autoscalingv2.ResourceMetricSourceType:
		s := spec.Resource
		p, current := c.proposeResource(m, q, s.Name, "", s.Target)
		p.reason, p.prefix = reasonOf(p, "FailedGetResourceMetric"), fmt.Sprintf("failed to get %s resource metric value: ", s.Name)
		p.status = autoscalingv2.MetricStatus{Type: spec.Type, Resource: &autoscalingv2.ResourceMetricStatus{Name: s.Name, Current: current}}
		return p
	case autoscalingv2.ContainerResourceMetricSourceType:
		s := spec.ContainerResource
		p, current := c.proposeResource(m, q, s.Name, s.Container, s.Target)
		p.reason, p.prefix = reasonOf(p, "FailedGetContainerResourceMetric"), fmt.Sprintf("failed to get %s container metric value: ", s.Container)
		p.status = autoscalingv2.MetricStatus{Type: spec.Type, ContainerResource: &autoscalingv2.ContainerResourceMetricStatus{Name: s.Name, Container: s.Container, Current: current}}
		return p
	case autoscalingv2.PodsMetricSourceType:
		return c.proposePods(m, q, spec.Pods)
	case autoscalingv2.ObjectMetricSourceType:
		return c.proposeObject(m, q, spec.Object)
	case autoscalingv2.ExternalMetricSourceType:
		return c.proposeExternal(m, q, spec.External)
	}
	return failed("InvalidMetricSourceType", "", fmt.Errorf("unknown metric source type %q", string(spec.Type)))
}

func reasonOf(p proposal, reason string) string {
	if p.fault == "" {
		return ""
	}
	return reason
}

// proposeResource is computeStatusForResourceMetricGeneric.
func (c *calculator) proposeResource(m Metrics, q Query, name corev1.ResourceName, container string, target autoscalingv2.MetricTarget) (p proposal, current autoscalingv2.MetricValueStatus) {
	if target.AverageValue == nil && target.AverageUtilization == nil {
		p.fault = "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set"
		return p, current
	}
	q.Metric, q.Container, q.Pods = string(name), container, c.pods
	samples, err := m.byPod(q)
	if err != nil {
		err = fmt.Errorf("unable to get metrics for resource %s: %w", name, err)
	}
	format := resource.DecimalSI
	if name == corev1.ResourceMemory {
		format = resource.BinarySI
	}
	var u usage
	if target.AverageValue != nil {
		if err == nil {
			p.replicas, u, err = c.plain(samples, target.AverageValue.MilliValue(), name)
		}
		if err != nil {
			p.fault = fmt.Sprintf("failed to get %s usage: %v", name, err)
		}
		p.metric = fmt.Sprintf("%s resource", name)
		current.AverageValue = resource.NewMilliQuantity(u.average, format)
		return p, current
	}
	if err == nil {
		p.replicas, u, err = c.utilization(samples, *target.AverageUtilization, name, container)
	}
	if err != nil {
		p.fault = fmt.Sprintf("failed to get %s utilization: %v", name, err)
	}
	p.metric = fmt.Sprintf("%s resource utilization (percentage of request)", name)
	if q.Type == autoscalingv2.ContainerResourceMetricSourceType {
		p.metric = fmt.Sprintf("%s container resource utilization (percentage of request)", name)
	}
	current.AverageUtilization, current.AverageValue = &u.utilization, resource.NewMilliQuantity(u.average, format)
	return p, current
}

// selectable refuses the selector of a metric that is none.
func selectable(selector *metav1.LabelSelector) error {
	_, err := metav1.LabelSelectorAsSelector(selector)
	return err
}

// proposePods is computeStatusForPodsMetric.
func (c *calculator) proposePods(m Metrics, q Query, s *autoscalingv2.PodsMetricSource) proposal {
	const reason, prefix = "FailedGetPodsMetric", "failed to get pods metric value: "
	if err := selectable(s.Metric.Selector); err != nil {
		return failed(reason, prefix, err)
	}
	q.Metric, q.Selector, q.Pods = s.Metric.Name, s.Metric.Selector, c.pods
	samples, err := m.byPod(q)
	if err != nil {
		return failed(reason, prefix, fmt.Errorf("unable to get metric %s: %w", s.Metric.Name, err))
	}
	n, u, err := c.plain(samples, s.Target.AverageValue.MilliValue(), "")
	if err != nil {
		return failed(reason, prefix, err)
	}
	return proposal{replicas: n, metric: "pods metric " + s.Metric.Name, status: autoscalingv2.MetricStatus{Type: q.Type, Pods: &autoscalingv2.PodsMetricStatus{
		Metric: s.Metric, Current: autoscalingv2.MetricValueStatus{AverageValue: milli(u.average)}}}}
}

// proposeObject is computeStatusForObjectMetric.
func (c *calculator) proposeObject(m Metrics, q Query, s *autoscalingv2.ObjectMetricSource) proposal {
	const reason, prefix = "FailedGetObjectMetric", "failed to get object metric value: "
	if err := selectable(s.Metric.Selector); err != nil {
		return failed(reason, prefix, err)
	}
	status := &autoscalingv2.ObjectMetricStatus{DescribedObject: s.DescribedObject, Metric: s.Metric}
	p := proposal{status: autoscalingv2.MetricStatus{Type: q.Type, Object: status}}
	byValue := s.Target.Type == autoscalingv2.ValueMetricType && s.Target.Value != nil
	if !byValue && (s.Target.Type != autoscalingv2.AverageValueMetricType || s.Target.AverageValue == nil) {
		return failed(reason, prefix, errors.New("invalid object metric source: neither a value target nor an average value target was set"))
	}
	q.Metric, q.Selector, q.Object = s.Metric.Name, s.Metric.Selector, &s.DescribedObject
	list, err := m.ask(q)
	if err != nil {
		err = fmt.Errorf("unable to get metric %s on %s %s/%s: %w", s.Metric.Name, s.DescribedObject.Kind, q.Namespace, s.DescribedObject.Name, err)
		if !byValue {
			return failed(reason, prefix+"failed to get "+s.Metric.Name+" object metric: ", err)
		}
		return failed(reason, prefix, err)
	}
	used := list[0].Value.MilliValue()
	if byValue {
		if p.replicas, err = c.whole(used, s.Target.Value.MilliValue()); err != nil {
			return failed(reason, prefix, err)
		}
		status.Current.Value = milli(used)
		p.metric = fmt.Sprintf("%s metric %s", s.DescribedObject.Kind, s.Metric.Name)
		return p
	}
	n, share := c.perPod(used, s.Target.AverageValue.MilliValue())
	p.replicas, status.Current.AverageValue = n, milli(share)
	p.metric = fmt.Sprintf("external metric %s(%+v)", s.Metric.Name, s.Metric.Selector)
	return p
}

// proposeExternal is computeStatusForExternalMetric.
func (c *calculator) proposeExternal(m Metrics, q Query, s *autoscalingv2.ExternalMetricSource) proposal {
	const reason = "FailedGetExternalMetric"
	prefix := fmt.Sprintf("failed to get %s external metric value: ", s.Metric.Name)
	if s.Target.AverageValue == nil && s.Target.Value == nil {
		return failed(reason, prefix, errors.New("invalid external metric source: neither a value target nor an average value target was set"))
	}
	more := fmt.Sprintf("failed to get external metric %s: ", s.Metric.Name)
	if s.Target.AverageValue != nil {
		more = fmt.Sprintf("failed to get %s external metric: ", s.Metric.Name)
	}
	if err := selectable(s.Metric.Selector); err != nil {
		return failed(reason, prefix+more, err)
	}
	q.Metric, q.Selector = s.Metric.Name, s.Metric.Selector
	list, err := m.ask(q)
	if err != nil {
		return failed(reason, prefix+more, fmt.Errorf("unable to get external metric %s/%s/%+v: %w", q.Namespace, s.Metric.Name, s.Metric.Selector, err))
	}
	status := &autoscalingv2.ExternalMetricStatus{Metric: s.Metric}
	p := proposal{metric: fmt.Sprintf("external metric %s(%+v)", s.Metric.Name, s.Metric.Selector), status: autoscalingv2.MetricStatus{Type: q.Type, External: status}}
	if s.Target.AverageValue != nil {
		n, share := c.perPod(total(list), s.Target.AverageValue.MilliValue())
		p.replicas, status.Current.AverageValue = n, milli(share)
		return p
	}
	if p.replicas, err = c.whole(total(list), s.Target.Value.MilliValue()); err != nil {
		return failed(reason, prefix+more, err)
	}
	status.Current.Value = milli(total(list))
	return p
}
