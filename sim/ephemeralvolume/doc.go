// Package ephemeralvolume is the controller of generic ephemeral volumes
// (pkg/controller/volume/ephemeral): for each such volume of a pod it creates the
// claim "POD-VOLUME", which the pod owns, so that it goes with the pod. A claim of
// that name that is not the pod's is never used: the pod gets a FailedBinding
// Event, and waits until it is gone.
//
// A sync is run again for what a claim's deletion may have taken from a pod; a pod
// that changes needs none, for its volumes do not.
package ephemeralvolume
