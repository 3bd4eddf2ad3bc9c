// Package manifest holds sim/manifest against what kubectl reads files with: the
// resource builder of k8s.io/cli-runtime, set up as `kubectl apply` sets it up,
// behind kubectl's own check of a document's head, with a mapper made from the
// kinds that sim/apiserver stores.
//
// Files are put together from documents of many kinds, in YAML and JSON, alone and
// in lists, and mangled: separators of every form, byte order marks, line ends,
// tabs, anchors, keys given twice or with null, lines lost, doubled and moved,
// bytes changed. Equal must be the objects, each with its kind, its namespace and
// its JSON, in order, and the errors, each with its text, sorted.
//
// Normalised:
//
//   - An object whose kind the server does not know stands among our documents,
//     since a CustomResourceDefinition may be stored for it. It is compared as the
//     error that it is for kubectl.
//   - What goes beyond our bounds (the size of a source, what aliases expand to)
//     is left out.
//
// The files are the same each time (package seeded): -files N for more, -seed N for
// others; a failure prints the command that replays it.
package manifest
