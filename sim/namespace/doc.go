// Package namespace is the namespace controller: it empties a Namespace that is
// being deleted and then lets it go.
//
// As upstream (pkg/controller/namespace) it begins five seconds after the
// deletion, deletes the pods first and all else when they are gone, and comes
// back for what is left after half the time that this is expected to take.
//
// Deviation: the conditions of a terminating Namespace
// (NamespaceContentRemaining and the like) are not written.
package namespace
