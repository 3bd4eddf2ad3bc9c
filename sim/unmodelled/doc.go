// Package unmodelled is the one list of what the cluster stores and does not act
// on, although a real cluster would: kinds of objects ([About]) and fields of the
// kinds that it does act on ([In]). From it come the warnings at apply, the
// line beneath a verdict ([Report]), the clause in the reason of a wait, and a
// section of the README ([Markdown]).
//
// A field of a pod, claim, volume, Service, StatefulSet and so on is in one of
// three states, which a test holds against the source of the whole module: the
// code that decides reads it; or it is told, because a real cluster could come
// to another outcome by it; or it is quiet, for a reason that is written down
// beside it. What is told says what happens "in a real cluster": its words follow
// these.
//
// Deviation: what a container's program would make of its field (its command, its
// files' modes, its user) is the Workload's to say, and so is quiet.
package unmodelled
