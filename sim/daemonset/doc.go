// Package daemonset is the DaemonSet controller of kube-controller-manager: it keeps
// a pod of a DaemonSet on every node that the set may run on, and its status.
//
// The rules that it holds, by their numbers in the project's list:
//
//   - W17: a node should run a pod if the template's nodeName, nodeSelector and
//     required node affinity fit it and every taint NoSchedule and NoExecute is
//     tolerated; what runs there goes on unless a taint NoExecute is not. Pods
//     tolerate not-ready, unreachable, disk, memory and PID pressure, unschedulable,
//     and on the host's network that there is none.
//   - W18: a pod is bound to its node by a required node affinity of its name, and the
//     scheduler places it there.
//   - W19: a pod that has Failed is deleted, with a back-off of 1 s · 2ⁿ up to 15 min
//     for each node and generation; one that has Succeeded, at once; of several on a
//     node the oldest stays. A pod without a node whose node is gone is deleted.
//   - W20: RollingUpdate deletes old pods that are not available, and others as long
//     as maxUnavailable of the nodes have no available pod; with maxSurge the new pod
//     comes first, and the old one goes when the new one is available. OnDelete does
//     neither.
//   - W21: the template is kept in a ControllerRevision; a former one that it equals
//     again gets the highest number; duplicates go, and beyond revisionHistoryLimit
//     the lowest that no pod has.
//   - W22: the status counts nodes. It is written also while the watch has not brought
//     what was created and deleted, when nothing else is done.
//
// Upstream's sync walks over all nodes several times. Here a roster for each set
// judges a node when the node, a pod on it or the set has changed, or a pod there has
// been ready for long enough, and a sync looks at the nodes on which something is to
// be done.
//
// Left open by upstream, and chosen here: the order of nodes, and of the pods that may
// go in a rollout.
//
// Deviation: which sets a changed node concerns is found when the change is observed,
// not by a worker a moment later. The releases of a sync come before its adoptions.
package daemonset
