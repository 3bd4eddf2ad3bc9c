// Package manifest reads YAML and JSON as kubectl does, strictly, and computes
// what `kubectl apply` sends for it.
//
// Read splits a stream into documents, unpacks lists, and decodes each document
// into its k8s.io/api type. Unknown kinds, unknown and duplicate fields and
// values of a wrong type are errors that name the source, the document, the
// object and the field; a source with an error yields nothing.
//
// Patch is kubectl's client-side three-way merge with the annotation
// kubectl.kubernetes.io/last-applied-configuration.
//
// Deviation: server-side apply is not modelled.
package manifest
