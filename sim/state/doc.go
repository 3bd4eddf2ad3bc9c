// Package state is how everything mutable in a cluster is forked. It is for
// authors of actors; a user of the simulator needs nothing of it.
//
// What an actor remembers is plain data: structs, maps, slices, numbers, texts,
// pointers. The package copies it by its types alone, so that an actor has no
// code for it. Only what differs from "a copy of everything" is declared, where
// the type or the field is:
//
//   - whatever is defined outside this module, the types of k8s.io/api above all,
//     is immutable once it is stored, and is shared; but maps and slices that
//     stand in a field of ours are ours, and are copied;
//   - a type of ours is immutable with a first field `_ state.Immutable`;
//   - what a field refers to is immutable with the tag `state:"immutable"`: it is
//     replaced, never changed;
//   - a map or list with the tag `state:"elements"` is copied, and its elements are
//     immutable;
//   - a list with the tag `state:"log"` is only appended to: a copy has the same
//     elements, and room of its own for more;
//   - a field with the tag `state:"scratch"` is memory that is used again: it is
//     empty in a copy;
//   - a [Sole] is false in a copy.
//
// Functions are shared: they are configuration. Channels cannot be copied, and a
// [Copy] of one panics.
//
// A [Box] holds what is copied late: when one of those that share it writes to
// it. Who shares is known by an [Owner], of which each cluster has one. A [List]
// is many boxes of one type. Reading copies nothing.
//
//	type Server struct{ ips state.Box[map[string]Key] }
//
//	_, taken := (*s.ips.Read())[ip]  // not to be changed
//	(*s.ips.Write())[ip] = key       // seen by no fork
//
// The same types say what the state of a cluster is: a [Digest] is a hash of what a
// value is made of, as far as that decides what happens next, and is kept until the
// value changes. Everything counts but what is declared not to:
//
//   - a field with the tag `state:"incidental"` and the reason in the tag why;
//   - a list with the tag "set" counts without its order; a time with "deadline" only
//     as long as it is not past, and with "phase" only by where in a minute it is; a
//     number with "rank" only by how it compares; a number with "handle", a text with
//     "id" and a resourceVersion with "version" only by which other places have it;
//   - a [Hashed] type says itself what counts, an [Amended] one what counts besides
//     its fields, and a [Scoped] one what its handles belong to;
//   - of the types of k8s.io/api what foreign.go lists does not count.
//
// [Sum] makes one hash of the Digests of a cluster: equal for two states that differ
// in the names of things alone. [Spell] says in words what it depends on, and
// [Undeclared] finds fields of which nobody has said whether they count.
//
// [Shared] finds what the types do not tell: memory that two values can both
// change.
package state
