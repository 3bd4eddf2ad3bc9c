// Package resourcequota is the resource quota controller of
// kube-controller-manager: it keeps in the status of a ResourceQuota how much of
// it is used. The server's admission plugin charges what is created; the
// controller counts what there is, and by that gives back what is gone.
//
// The rules that it holds, by their numbers in the project's list:
//
//   - Q5: a sync writes status.hard and status.used if they differ from what is
//     wanted and counted. It counts what its watches have shown: a pod that was
//     charged and that it has not seen yet is not used. The write names the version
//     of the quota, so that a charge in between has it fail and tried again.
//   - Q6: a quota is counted when it is new, when its spec.hard changes, when what
//     it counts is deleted, and when a pod ends or its deadline comes or goes, a
//     Service changes its type, or a claim changes at all. What changes otherwise (a
//     write that was charged and then failed, a pod that is overdue, another scope
//     selector) is found by the count of everything, every five minutes.
//
// Upstream lists the namespace in every sync. Here a roster keeps the sums as
// objects come and go, so that a sync costs as much as the quota has names. What no
// quota counts is not watched, and namespaces without a quota are not looked at. The
// count of everything is scheduled only where it would find something, which is
// judged when a namespace has been quiet for a second.
//
// Left open by upstream, and chosen here: whether a sum of 1Gi and 1G is written in
// powers of two or of ten.
//
// Deviation: a kind is watched from the moment when the first quota counts it, and
// what there is then is seen at once. Monitors are listed anew every twelve hours or
// so upstream, which counts the quotas of claims once more, between two counts of
// everything.
package resourcequota
