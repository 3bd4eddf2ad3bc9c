// Package convert turns objects from one version of the API into another, as the
// API server of v1.37.2 does with what it keeps in one version and serves in two:
// HorizontalPodAutoscalers (kept as autoscaling/v2, served as autoscaling/v1, too)
// and Events (kept as v1, served as events.k8s.io/v1, too).
//
// What the older version has no field for travels in annotations
// (autoscaling.alpha.kubernetes.io/metrics, …), there and back; upstream's
// functions are those of pkg/apis/autoscaling/v1 and pkg/apis/events/v1,
// conversion.go. The types of metrics are told apart by their fields, as upstream
// does it, so what is wrong stays wrong.
//
// Objects share memory with what they were made of: the converted object is
// another one, and what it points to is not to be changed.
package convert
