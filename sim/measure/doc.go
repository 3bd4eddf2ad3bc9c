// Package measure tells how long things take in a cluster: from watch records
// it gathers the spans of virtual time in which pods are placed, started and
// stopped, claims bound and sets rolled out.
//
//	var m measure.Meter
//	stop := c.OnRecord(m.Observe)
//	… // drive the cluster
//	fmt.Println(m.Take().PodStart) // 30: half within 1.9s, 99 % within 2.8s, the longest 2.9s
//
// It needs no history and keeps a few words for each pod and claim that is
// under way or exists, so that it can be left on in the largest cluster.
//
// A rollout is over when the status of a set says so, as for kubectl rollout
// status; rule S32: a status speaks of the generation that it has observed.
//
// Deviation: none from Kubernetes, which has no such measures in one place. Pod
// start, here, ends when the watch shows Ready, as the service level objective
// of pod startup has it, but includes the pull of images and the wait for
// volumes, which that objective leaves out.
package measure
