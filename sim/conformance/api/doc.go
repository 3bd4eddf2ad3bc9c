// Package api holds the API server's rules about objects against upstream's own:
// defaults, what a strategy takes from or adds to an object before it is
// stored, and validation.
//
// A base object of testdata/bases.yaml, rich and valid, is changed in one or
// two places at random: a field is removed, emptied, doubled, renamed, set to a
// good or a bad value, or added. The places come from the Go types, so that
// fields which the bases do not mention are reached too. The result goes
// through upstream's scheme and strategies (pkg/apis/*/v1, pkg/registry/*) and
// through sim/apiserver/defaults and sim/apiserver/validation, as a creation,
// as an update of another such object, and as an update of its status. Equal
// must be: the defaulted object, the prepared object, and the list of errors by
// type, path, value and detail.
//
// TestFields changes one field at a time, each that users write: it was accepted
// and refused, or stands in a list of those to which only one can happen.
//
// Normalised:
//
//   - What is absent, empty or null on the wire is one, save for structs that
//     are pointers, where upstream distinguishes them ({} as an emptyDir, a
//     securityContext).
//   - Equal errors count once, as apierrors.NewInvalid counts them.
//   - Upstream walks maps in several rules, so the order of its errors varies,
//     and with claim templates the indices of the volumes in them.
//     It is asked up to 32 times whether it can give the errors in our order;
//     if it does not, the sorted lists are compared, and a list in which an
//     order never varied fails.
//   - Where errors about metadata.generateName stand among others on an update is
//     not compared.
//   - What was prepared counts only if it is accepted: nothing else is stored.
//   - Stored objects have been accepted by upstream, their status too, so that
//     its leniency towards what older versions accepted does not show.
//   - An update carries the name, UID, version and generation of what is stored,
//     as the server sees to it before any strategy.
//   - With the gate MaxUnavailableStatefulSet off, defaulted objects are not
//     compared (package defaults, Deviation), only prepared ones.
//   - The time of a volume's phase and of a pod's condition: upstream reads its
//     clock.
//   - The conversion of upstream's strategies is entered with the defaulted
//     object; kinds and versions are left out.
//   - A Service goes through what upstream's storage does to it before the
//     strategy (patchAllocatedValues, normalizeClusterIPs); its allocation of a
//     health check port is left out, and so is the error that a port is missing.
//
// The requests are the same each time (package seeded): -states N for more, -seed N
// for others; a failure prints the command that replays it, and -survey N prints
// up to N kinds of difference instead of failing.
//
// Nodes, EndpointSlices and ConfigMaps are not compared.
// Left out are the fields that package validation lists as passed through; see
// passed.
package api
