// Package podgc is the pod garbage collector: it deletes, without grace, the pods
// that nobody else will end (pkg/controller/podgc): those on nodes that are gone,
// those terminating on a node that is not ready and out of service, those
// terminating without a node, and of those that have ended the oldest, if there
// are too many.
//
//	controller.go  when a look is worth while
//	gc.go          the look, and what is done about it
//
// Upstream looks at all pods each 20 s. Here a look takes place only if there is a
// pod that it might concern, and at the tick at which upstream's would.
//
// Rules held: N6.
package podgc
