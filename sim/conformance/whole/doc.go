// Package whole holds our StatefulSet controller against the real one, whole and
// over time: Kubernetes' statefulset.NewStatefulSetController with its informers,
// work queue, workers and event recorder, in a bubble of testing/synctest, and
// ours on its host. What one sync decides is compared next door (sim/conformance);
// here it is which syncs there are and when (rules S1–S4, S9, S33, S40),
// and what they leave behind in the long run.
//
//	go test ./whole                                   800 scripts and the situations by name
//	go test ./whole -short                            200
//	go test ./whole -run TestScripts -scripts 20000 -seed 2 -timeout 1h
//	go test ./whole -run 'TestScripts/…' -rapid.seed=N   a script that failed, again
//
// # How
//
// rapid draws a script (draw.go): a set is created, and up to 13 things happen to
// it: what kubelets and a scheduler do, edits of the set, deletion in each
// propagation and another set of the name, pods orphaned, grabbed, relabelled or
// made by strangers, claims and revisions deleted, freed or in the way, and
// requests of the controller that fail (ops.go). After each comes a pause of 57 ms
// to 40 min. In the end nothing fails any more, and the set is left alone for
// longer than the longest back-off.
//
// The script is played twice, each time to an API server of ours. The real
// controller talks to it through client-go's REST client, in JSON, and watches it
// through real reflectors and shared informers (served.go, upstream.go); its clock
// is the bubble's, which stands still until all goroutines wait. Ours runs on a
// controller.Host without latencies (ours.go). On both sides an answer comes 10 µs
// after the server has carried the request out: a controller sees its own writes
// before their answers.
//
// Before each op, and at the end, what there is to be seen is taken down
// (script.go, rest) and has to be equal: every set, pod, claim and revision with
// every field, times and UIDs included; every Event with its count and times; and
// what the API answered to the script.
//
// [situations] are counted from the requests of the real controller (marks.go),
// and each must have come up; one test for each, for a reader, is in
// situations_test.go.
//
// # What is normalised
//
//   - resourceVersion is not compared: it counts the writes of everybody, those of
//     Events included, which come by themselves (client-go tools/record).
//   - Events are compared as a set, without their names and UIDs, and without the
//     version of the set that they are about. Upstream names them by the time to the
//     nanosecond (tools/record/event.go, makeEvent), which two Events of one instant
//     share in a bubble; the server adds a number to them.
//   - Under Parallel and Recreate upstream sends requests side by side, and which
//     Event comes first is open (stateful_set_control.go, slowStartBatch). There,
//     Events are not compared at rests when some were dropped or combined
//     (tools/record/events_cache.go, defaultSpamBurst and EventAggregate), because
//     which ones depends on that order. Objects are.
//   - The pauses after conflicts have no jitter (client-go util/retry, Jitter: a
//     tenth; ours takes the shortest of the same spans). Their lengths and numbers
//     are compared.
//   - Deleting a pod at once that is terminating makes two records, MODIFIED and
//     DELETED. Upstream may begin a sync between the two, or not, as its goroutines
//     come; it is given the second alone. Ours always observes both first.
//   - An op falls on a moment at which no timer of either side ends (script.go,
//     phase), and requests of one op are 2 ms apart: what would happen in one instant
//     is open in Kubernetes.
//
// # What is open
//
// The real controller does not always do the same, even in a bubble: its goroutines
// race within one instant. Orphaning a pod, for one, asks for a sync twice
// (stateful_set.go, updatePod: for the old controller, and for all that match),
// and the first may begin before the second is asked for, so that another follows
// at once, or not; a failure then is tried again sooner. So ours has to do what the
// real one does sometimes: on a difference the script is played to it again, up to
// 20 times, and a difference from all of them is one. The tests run on one
// processor, where that is rare, and at most one script in fifty may need it.
//
// # What is left out
//
//   - One set. Several share nothing but workers and the bucket of 10 a second.
//   - A fault for pods or claims strikes at each of them by itself, not at whichever
//     comes first: the order among those of a batch is open.
//   - Stale caches: watches deliver at once. What a controller does when they do
//     not is in sim/conformance (S2), on states.
//   - The gate of maxUnavailable is on, as it is by default; that of Recreate is
//     both off and on. The real scheduler, garbage collector and kubelets: the
//     script plays their part.
package whole
