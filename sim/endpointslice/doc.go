// Package endpointslice is the EndpointSlice controller of
// kube-controller-manager: it keeps, for each Service with a selector, the
// EndpointSlices that list the addresses of the pods it selects. DNS is served
// from what it writes.
//
// The rules that it holds, by their numbers in the project's list:
//
//   - D1: an endpoint is ready if the Service publishes addresses that are not
//     ready, or if the pod is Ready and not terminating. Terminal pods and pods
//     without an IP are left out. The hostname is set only if the pod's
//     subdomain names the Service.
//   - A slice holds at most [MaxEndpoints] endpoints. Changed slices are filled
//     first, fullest first; then the unchanged slice that comes closest to full;
//     then new ones (reconcileByPortMapping).
//   - A Service without endpoints keeps one empty placeholder slice. Writes that
//     would create one slice and delete another become one update (finalize).
//   - A sync that finds its view of the slices older than its own last write
//     fails and is retried after 1 s · 2ⁿ (EndpointSliceTracker).
//   - Pods trigger a sync at once, a foreign write to a slice after one second.
//     There is no batch period (it is 0 by default).
//
// Upstream's sync computes every endpoint of a Service anew. Here a sync
// computes those of the pods that changed since the last one, and touches only
// the slices that hold them; a change of the Service, a foreign write and a
// failed write are answered by a full computation, which is the same code with
// every pod and every slice taken as changed.
//
// Deviations:
//
//   - The pod queue is left out: the Services of a changed pod are found when
//     the change is observed, not by a worker a moment later.
//   - Topology hints by annotation (service.kubernetes.io/topology-mode) are not
//     computed; those of spec.trafficDistribution are.
//   - Endpoints that may be appended in any order (upstream: Go's map order) are
//     appended by name, shorter names first.
package endpointslice
