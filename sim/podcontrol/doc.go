// Package podcontrol is what the controllers of pods have in common: what a pod
// counts as, how pods are made of a template, adopted, released and deleted with
// upstream's Events, and which of several goes first (k8s.io/kubernetes
// pkg/controller: RealPodControl, PodControllerRefManager, ActivePodsWithRanks).
//
// Upstream sorts by an order that is no order where logarithms of ages round, and
// with a sort that does not keep equals in place: what comes first among equals is
// a choice. Here [Worst] chooses among those that no rule tells apart.
//
// Rules held here: W1, W2, W3.
package podcontrol
