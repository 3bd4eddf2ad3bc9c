// Package manifest reads YAML and JSON as kubectl 1.37 does, and computes what
// `kubectl apply` sends for it.
//
// ReadEach follows kubectl's own steps (k8s.io/cli-runtime/pkg/resource): bytes
// to text by their byte order mark, a stream of YAML documents or of JSON
// values, lists unpacked in place, metadata checked, kinds looked up. So of a key
// that is given twice the last one counts, null documents are none, and one object
// may be given twice. What the server would refuse is decoded as strictly as it
// does: unknown fields and values of a wrong type. Read wants all of it to be
// right.
//
// Every error names the source, the document, the object and the field, and
// [Error.Kubectl] says it as kubectl does.
//
// Patch is kubectl's client-side three-way merge with the annotation
// kubectl.kubernetes.io/last-applied-configuration.
//
// Deviation: server-side apply is not modelled; the objects of custom resources
// are told apart, and what serves them takes them as Custom; kubectl's check for labels that are given twice
// in the JSON of a custom resource is not made. What YAML aliases expand to is
// bounded by its bytes, not only by its nodes, and so is a source.
package manifest
