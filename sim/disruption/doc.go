// Package disruption is the disruption controller of kube-controller-manager: it
// keeps the status of PodDisruptionBudgets, by which the eviction of pods and
// the scheduler's preemption are decided, and takes back the condition
// DisruptionTarget of pods that were not deleted after all.
//
// The rules that it holds, by their numbers in the project's list:
//
//   - N8: the expected pods of a budget are those of the controllers of the pods
//     it selects, counted by spec.replicas (getExpectedScale); for a minAvailable
//     that is a number they are the pods that there are. Percentages round up.
//     Healthy is a pod that is Ready, not deleting, and not about to be evicted.
//     Allowed are max(0, healthy − desired), and none while nothing is expected.
//   - A pod that the server has allowed to evict is about to go for two minutes
//     (DeletionTimeout). Then it counts again, with the Event NotDeleted, which
//     names the budget's namespace twice, as upstream's does.
//   - A sync that fails says so in the condition DisruptionAllowed and allows
//     nothing (failSafe). A conflict is retried and says nothing.
//   - A pod with DisruptionTarget=True that is not deleting two minutes later gets
//     False, unless a kubelet wrote the condition or the pod has ended.
//
// Upstream's sync lists the pods of the namespace. Here a roster for each budget
// counts them as they change, so that a sync costs as much as the budget has
// controllers and evictions under way, whatever the number of its pods. Pods of
// namespaces without a budget are not looked at.
//
// What comes two minutes after an eviction or a preemption is of the class
// Background: a cluster does not wait for it to come to rest, because it nearly
// always finds the pod gone.
//
// Left open by upstream, and chosen here: which budget is synced for a pod that
// several select, and which pod without a controller is named.
//
// Deviation: ReplicaSets, Deployments and ReplicationControllers, on which no
// controller acts here, are read from the server and not from a watch. The
// NotDeleted of several pods come in the order of their names.
package disruption
