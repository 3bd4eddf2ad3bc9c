// Package statefulset is the StatefulSet controller of Kubernetes v1.37.2: it
// decides which pods and claims a set gets, in which order, and what the set's
// status says. It holds the rules S1–S40, and what v1.37 does otherwise than one
// knows it: §0.4, §0.5 and §0.10.
//
// A sync ([Controller.Step]) is a machine that stops wherever upstream would
// wait for the API server. Its course, and the files that hold it:
//
//	observe.go   what asks for a sync (S1), and the indices that it reads
//	writes.go    it waits until it sees its own writes (S2)
//	sync.go      the course of a sync; S20's batches; S31–S33 at its end
//	adoption.go  orphans are adopted, misfits released (S2, S3, S38–S40)
//	history.go   the update revision is found or made (S7, S8, S9)
//	revision.go  what a revision holds and how it is called (S5, S6)
//	agenda.go    what is to be done, settled once for each sync (S11, S25)
//	decide.go    … by the rules (S18, S21–S28), over an index of the pods
//	podlist.go   the index that looks at every pod, as upstream does (S10, S13, S30)
//	rosterindex.go  the index whose cost does not grow with the set
//	roster.go    the rosters
//	task.go      one pod of the agenda: S4, S15–S19, S35
//	repair.go    the update of a pod that does not match (S19)
//	identity.go  names, ordinals, the new pod (S3, S10, S12)
//	claims.go    claims and who owns them (S12, S16, S34, S36)
//	status.go    the status (S30–S32) and the Progressing condition (S28)
//	events.go    the Events (S37)
//
// [Next] needs none of this: it says what the controller does next about a set and
// the objects around it.
//
// Upstream's bugs are here too: S29, and what sim/RULES.md lists as still so. One
// more came up in the tests: a Parallel set with type RollingUpdate and no
// rollingUpdate field, in the middle of an update, that lacks a pod below
// status.currentReplicas, creates it at the current revision and deletes it again
// in the same sync (S11, S27), counts currentReplicas down to -1, has that status
// refused, and begins anew, without end.
//
// Left out, or otherwise than in Kubernetes:
//
//   - Deviation: a sync takes the list of pods, and learns which pods' claims
//     need their owners repaired, when the revisions are known; upstream lists
//     pods a request earlier and reads the claims when a pod's turn comes. Either
//     differs only if something changes within one sync, and is then what
//     upstream would do had it seen the change sooner or later.
//   - Deviation: the tasks of a batch move in step: each waits with its second
//     write until all have made their first.
//   - Deviation: of two owned pods with one ordinal ("web-1" and "web-01") the one
//     that is called as the set would call it counts; upstream takes either. One
//     that was adopted just now counts before one that was owned, as upstream.
//   - Deviation: pods are adopted, released and deleted in parallel batches in the
//     order of their ordinals (requests then arrive in any order).
//   - Deviation: a sync of a Parallel set attends to 1,048,576 replicas at the
//     most; later ones have their turn in later syncs.
//   - Metrics are not modelled.
package statefulset
