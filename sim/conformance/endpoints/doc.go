// Package endpoints holds package endpointslice against the controller that it
// stands for: upstream's NewController of pkg/controller/endpointslice with the
// reconciler of k8s.io/endpointslice, run as the controller manager runs it, with
// its informers, its tracker, its queues and five workers, in a testing/synctest
// bubble.
//
//	go test ./endpoints                             3,000 histories
//	go test ./endpoints -states 20000 -seed 2 -timeout 1h
//	go test ./endpoints -run TestHistories -rapid.seed=N     one history that failed, again
//
// Both sides work on a server of sim/apiserver of their own, so that only the
// controllers differ. A random script is played to both: Services, headless or
// not, of one family or two, with one port or two, by number and by name, with
// and without addresses that are not ready, traffic distributions and labels;
// pods that are ready or not, finished, terminating, without an address, with a
// hostname and a subdomain, on nodes with and without a zone; slices of one to
// four endpoints or of a hundred, and up to 239 pods. Then pods come, go and
// change; Services change, are deleted and made anew; others make, edit, take,
// give, hold and delete slices; and requests of the controller fail. At each rest
// these are equal: every slice with its labels, owners, ports, endpoints,
// conditions and hints, the Events, and the requests with their answers and the
// trigger times that they carry. [scenes] are what the histories have to reach.
// The rule is D1; the rest is upstream's.
//
// # What is normalised
//
//   - Names, UIDs and versions of slices are left out.
//   - Which endpoint goes into which of several slices that have room, and which
//     of several equally full slices is filled, is the order of Go maps upstream
//     (EndpointSet.PopAny, sets.UnsortedList). Slices with one owner, family and
//     set of ports are compared by how many endpoints each of them has, and by
//     all of their endpoints together. Where these are equal and the slices are
//     not, our endpoints are moved to where upstream has them, and the history
//     goes on.
//   - A move is to our controller what somebody else wrote. So a history ends
//     before the next step that changes a slice and not its generation, which
//     is noticed only where somebody else wrote last (ShouldSync).
//   - Trigger times are those of the requests: which slice is filled decides
//     which of the slices keeps an earlier one.
//   - Errors that an Event lists are sorted: pods come in the order of a Go map.
//   - Absent and empty lists and maps are the same, as on the wire (A11).
//   - Some histories go in several ways upstream, one play to the next, by the
//     order of its maps and goroutines, also in how many updates it takes. Ours has to be one of the ways that at most
//     [plays] plays show; how many were needed is logged.
//
// Not drawn, since the outcome is open upstream, or not that of the controllers:
//
//   - Several steps between two rests where slices are small: what becomes of
//     them depends on how the step before has filled them.
//   - Requests that fail where two Services or families may be the first to meet
//     the failure, and together with missing nodes. When a sync that failed for
//     a missing node comes again depends on how often goroutines let it fail; so
//     the Services are touched at the end of each group of such a history.
//   - A slice that is held by a finalizer without being deleted: which of the
//     slices that are not needed is used again, and which goes, is the order of
//     a Go map (finalize).
//   - Topology hints by annotation (package endpointslice, Deviation).
package endpoints
