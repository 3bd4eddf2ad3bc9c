// Package scaling holds package sim/autoscaling against upstream's controller of
// HorizontalPodAutoscalers as it runs in the controller manager, with informers, its
// queue and an event broadcaster.
//
// Both sides work on a server of sim/apiserver of their own, with the same seed. A
// random script is played to both: autoscalers with all kinds of metrics and
// behaviors, a target whose replicas change by hand and whose pods come, become
// ready, fail and go, metrics that change, are missing or fail, and requests of the
// controller that fail. Upstream runs in a
// testing/synctest bubble, whose clock shows what the virtual clock shows. At each
// rest the autoscalers with their status, the replicas of the target and the Events
// must be equal, times included.
//
// Normalised: versions are left out, and Events count once, whatever their count,
// and of two rivals the order is upstream's map's; of the 25th on about an object
// it depends on the last digit of a fraction which pass, and none are shown.
package scaling
