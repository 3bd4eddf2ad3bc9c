// Package autoscaling is the HorizontalPodAutoscaler controller of
// kube-controller-manager: it keeps the replicas of a StatefulSet, Deployment or
// ReplicaSet between minReplicas and maxReplicas, and where metrics say.
//
// The rules that it holds, by their numbers in the project's list:
//
//   - W13: fewer replicas than minReplicas or more than maxReplicas are put right
//     without a look at metrics; a target with 0 replicas is left alone.
//   - W14: a metric's proposal is its usage over its target, times the pods that are
//     ready, unless that is within the tolerance. Missing pods and those that are not
//     ready are counted such that they damp. Of several metrics the largest proposal
//     counts, and one that fails lets nothing shrink.
//   - W15: what was recommended lately damps: the most of the last five minutes on
//     the way down, or of the windows in spec.behavior; its policies limit the steps,
//     and without any it is twice the replicas, or 4.
//   - W16: it looks every 15 seconds, and at once when a spec is new.
//
// The metrics come from a function that the user gives (Metrics). Without one it is
// as in a cluster without metrics APIs: minReplicas and maxReplicas hold, and the
// condition ScalingActive is False with the words of a real cluster.
//
// Upstream looks every 15 seconds whether anything has happened or not. Here the
// ticks at which nothing can be different are left out: one is of class Progress
// after the target or the autoscaler has changed, and of class Retry after a request
// has failed. With a function there is one of class Background every 15 seconds, as
// a function may say something else at any time. So a cluster settles when all
// has been done that what the function says now leads to, and Run goes on to what it
// says later.
//
// Deviation: a failure that goes on, as without metrics, is told in Events once for
// each look, and looks are left out as said. The status is put right when the target
// or the spec changes, not if somebody else alone changes it. A conflict of a scale
// is tried again at once, where upstream waits 10 ms. Targets of other kinds than
// the three have no scale.
package autoscaling
