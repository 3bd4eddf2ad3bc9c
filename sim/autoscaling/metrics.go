package autoscaling

import (
	"errors"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Metrics answers what an autoscaler asks. It must be a function of the Query:
// the same answer in every run, and in every fork of a cluster. An error is what a
// metrics API would answer.
type Metrics func(Query) ([]Sample, error)

// Query is a question to a metrics API.
type Query struct {
	// Type is that of the metric: Resource, ContainerResource, Pods, Object or
	// External.
	Type      autoscalingv2.MetricSourceType
	Namespace string
	// Metric is a resource, "cpu", or the name of a metric.
	Metric string
	// Selector is that of a metric with a name; nil if it has none.
	Selector *metav1.LabelSelector
	// Container is set for a ContainerResource.
	Container string
	// Object is set for an Object.
	Object *autoscalingv2.CrossVersionObjectReference
	// Pods are those of the target, by name, for Resource, ContainerResource and
	// Pods. They must not be changed.
	Pods []*corev1.Pod
	Now  time.Time
}

// Sample is a value of a metric.
type Sample struct {
	// Pod is whose value it is: for Resource, ContainerResource and Pods. A pod of
	// which there is no sample is one without metrics.
	Pod   string
	Value resource.Quantity
	// Timestamp is when it was taken; zero means now. Window is what it was taken
	// over: of a young pod, a sample counts if the window has passed since it became
	// ready.
	Timestamp time.Time
	Window    time.Duration
}

// sample is a Sample in thousandths.
type sample struct {
	value  int64
	at     time.Time
	window time.Duration
}

// ask asks the function, or answers as a server without metrics APIs.
func (m Metrics) ask(q Query) ([]Sample, error) {
	api := map[autoscalingv2.MetricSourceType]string{autoscalingv2.ResourceMetricSourceType: "resource", autoscalingv2.ContainerResourceMetricSourceType: "resource",
		autoscalingv2.ExternalMetricSourceType: "external"}[q.Type]
	if api == "" {
		api = "custom"
	}
	var list []Sample
	var err error
	if m != nil {
		list, err = m(q)
	} else {
		err = map[string]error{
			"resource": errors.New("the server could not find the requested resource (get pods.metrics.k8s.io)"),
			"custom":   errors.New("no custom metrics API (custom.metrics.k8s.io) registered"),
			"external": fmt.Errorf("the server could not find the requested resource (get %s.external.metrics.k8s.io)", q.Metric),
		}[api]
	}
	if err == nil && len(list) == 0 && q.Type == autoscalingv2.ObjectMetricSourceType {
		err = fmt.Errorf("the server could not find the metric %s for %s %s", q.Metric, q.Object.Kind, q.Object.Name)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("unable to fetch metrics from %s metrics API: %w", api, err)
	case len(list) == 0:
		return nil, fmt.Errorf("no metrics returned from %s metrics API", api)
	}
	return list, nil
}

// byPod asks for a metric of each pod.
func (m Metrics) byPod(q Query) (map[string]sample, error) {
	list, err := m.ask(q)
	if err != nil {
		return nil, err
	}
	samples := make(map[string]sample, len(list))
	for _, s := range list {
		at := s.Timestamp
		if at.IsZero() {
			at = q.Now
		}
		samples[s.Pod] = sample{s.Value.MilliValue(), at, s.Window}
	}
	return samples, nil
}
