// Package deployment is the Deployment controller of kube-controller-manager: it
// rolls a Deployment out over ReplicaSets, keeps its status, and rolls it back.
//
// The rules that it holds, by their numbers in the project's list:
//
//   - W6: the new ReplicaSet is the oldest whose template is the Deployment's, without
//     the label pod-template-hash; a name that another one has raises
//     status.collisionCount. Revisions count up, and stand in annotations.
//   - W7: a rolling update scales the new set up to replicas + maxSurge in all, then
//     old ones down as far as maxUnavailable lets it, unhealthy pods first.
//   - W8: Recreate scales the old sets to 0 and waits until none of their pods runs.
//   - W9: a change of replicas in the middle of a rollout, or while paused, is
//     shared out among the sets in proportion to their sizes.
//   - W10: the condition Progressing: what there is of progress, and
//     ProgressDeadlineExceeded when there has been none for so long. Paused
//     Deployments are not judged.
//   - W11: of the old sets without pods revisionHistoryLimit are kept.
//   - W12: the annotation deprecated.deployment.rollback.to rolls back.
//
// A sync reads as upstream's does, because controller.Replay runs it again with
// the answers. What upstream gets wrong it gets wrong, too: the Deployment that a
// sync has written once has an old version in every later write of that sync,
// which is refused, and the sync tried again.
//
// What comes at a progress deadline is of the class Background: a cluster does not
// wait ten minutes to come to rest because a rollout that is long over might have
// been late.
//
// Deviation: the pods of old sets are looked at when Recreate comes to them, and not
// at the beginning of the sync.
package deployment
