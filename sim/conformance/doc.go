// Package conformance holds our controllers against the real ones, state by
// state: the same state given to k8s.io/kubernetes v1.37.2 and to ours, and the
// same decision out. It is a module of its own, because it alone requires
// k8s.io/kubernetes.
//
//	go test .                        200,000 states, four combinations of gates
//	go test . -short                 5,000
//	go test . -states 1000000 -seed 2 -timeout 2h
//	go test . -run 'TestOneSync/…' -rapid.seed=N     one state that failed, again
//	go run ./mutate                  50 wrong decisions, each of which is noticed
//	go test ./whole                  the whole controller over time: see there
//	go run ./mutate -rules           the rules broken one by one; the tests that name them notice
//
// # One sync of a StatefulSet
//
// rapid draws a [State] (draw.go): the set, its status and revisions, pods,
// claims, what others write behind the controllers' backs, and which requests
// fail. It is made real in our API server (build.go), which serves both
// controllers, each on a copy of its own, so that equal requests get equal
// answers. Our controller observes it through its watches and is stepped by a
// small executor (ours.go). Upstream's is NewDefaultStatefulSetControl with its
// real pod control (or, in an eighth of the states, NewStatefulPodControlFromManager),
// status updater, history, consistency stores and PodControllerRefManager
// (upstream.go) over listers and a clientset of ours (lister.go, client.go).
// What is left of StatefulSetController.sync, which is not exported, is repeated
// in upstream.go: the order of the calls, and no decision. In a third of the
// states both then sync once more, with what they remember of the first sync
// and, ours, with rosters that have seen its writes.
//
// Compared are: every request in its order with its answer, patches and
// preconditions; every object down to each field; the Events; the error; the
// span after which the set is looked at again; and what the next sync would wait
// for to see (S2).
//
// # What is normalised
//
//   - Claim volumes of a pod are put in the order of their names, and so are the
//     requests, Events and errors about the claims of one pod: upstream ranges
//     over the map of getPersistentVolumeClaims (stateful_set_utils.go,
//     updateStorage; stateful_pod_control.go, createPersistentVolumeClaims).
//   - Requests about pods are compared for each ordinal apart under Parallel and
//     Recreate, where slowStartBatch runs them in goroutines; that creations and
//     updates keep to the batches, and the order of the rollout's deletions, is
//     checked by itself, and where faults cut a batch off shows in what is sent.
//     For the same reason joined errors are compared as sets of errors, and the
//     version that was written last is not compared (only of which resource).
//   - Events are compared in their own order, not among the requests: the
//     executor records those of a batch when it ends.
//   - metav1.Now in conditions is replaced by the virtual time, in whole seconds
//     (stateful_set_utils.go, newStatefulSetCondition; A11).
//   - Upstream's pauses between tries (client-go, retry.DefaultRetry and
//     DefaultBackoff) are set to none. The views stand still during a sync.
//   - apiVersion and kind of objects, and nil against empty, do not count. A
//     created object without a namespace takes the URL's, as
//     rest.EnsureObjectNamespaceMatchesRequestNamespace has it.
//   - An informer's indices list in any order; here in that of ours: owned pods
//     before orphans, those with odd names first. Of two pods with one ordinal
//     the later in the list is the replica (updateStatefulSet).
//   - The consistency store names any resource that is behind; here the first of
//     pods, claims and sets. The version of a list that was empty is unknown.
//   - The host's cursor is 0 where nothing was ever written; an informer's is not.
//
// Not drawn, because the real API server cannot hold it: a pod without a phase
// (registry/core/pod/strategy.go, PrepareForCreate; upstream would fail to create
// it again with its resourceVersion, ours with AlreadyExists), a selector or a
// maxUnavailable that does not parse, retention policies other than two. Two pods
// with one ordinal are drawn under Parallel and Recreate only for sets without
// claims: there two goroutines race for the same claims.
//
// # Coverage of upstream by the generator
//
//	go test . -states 40000 -coverpkg k8s.io/kubernetes/pkg/controller/statefulset -coverprofile c.out
//	go tool cover -func c.out | grep -E 'set_control|set_utils|pod_control'
//
// 787 of the 827 statements of stateful_set_control.go, stateful_set_utils.go and
// stateful_pod_control.go: 95.2 %. The other 40:
//
//   - A lister fails otherwise than with NotFound, which none does: 10
//     (pod_control 197–200, 262, 285, 320, 394–396; set_control 440, 494, 697).
//   - Selector, maxUnavailable, retention policy or template labels that
//     validation refuses: 10 (set_control 95, 158, 835, 954; utils 279, 337, 507,
//     516, 702).
//   - Encoding a typed object, or restoring a revision just made, fails: 7
//     (set_control 253, 287, 572; utils 554, 559, 579, 588).
//   - The gate StatefulSetSemanticRevisionComparison off, which we do not have: 1
//     (set_control 239).
//   - A second look at the gate of Recreate, after the first has returned: 3
//     (set_control 665–669).
//   - Sort interfaces that nothing uses, overlappingStatefulSets and
//     ascendingOrdinal: 8 (utils 61–69, 666–676).
//   - A pod without an ordinal among a set's replicas: 1 (utils 150).
package conformance
