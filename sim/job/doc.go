// Package job is the Job controller and the controller that deletes Jobs some time
// after they have finished. It is for authors of clusters: a cluster of package sim has
// both.
//
// A Job runs pods until as many as spec.completions have succeeded, at most
// spec.parallelism at a time. Every pod has a finalizer, by which none is lost before
// it has been counted: first its UID is written into the status, then the finalizer
// goes, then the counter rises.
//
//	controller.go  what asks for a sync (W30), and what the controller remembers
//	orphan.go      pods that nobody counts lose their finalizer (W36)
//	sync.go        the course of a sync: when a Job has failed or succeeded (W32)
//	manage.go      pods are created and deleted (W31, W33)
//	track.go       pods are counted and let go (W34)
//	index.go       the indexes of a Job with completionMode Indexed
//	policy.go      the rules for failed pods and for success (W35)
//	backoff.go     how long the next pod waits after a failure (W33)
//	ttl.go         Jobs that have finished are deleted (W37)
//
// Rules held: W30–W37 (sim/RULES.md), of pkg/controller/job and
// pkg/controller/ttlafterfinished.
//
// Deviation: upstream lists the pods of a Job in an order that is nobody's; here it is
// that of their names, whose ends are drawn. Where a pod loses its finalizer and is
// deleted in one, upstream deletes it as soon as its own patch was answered; here when
// those of all were.
//
// Not modelled: the Workload and the PodGroup of a Job (alpha, off by default).
package job
