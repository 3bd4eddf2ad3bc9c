// Package endpoint tells which endpoints of an EndpointSlice an update changed.
//
// A slice holds a hundred endpoints and more, and its writer changes one at a
// time: validation, the EndpointSlice controller and the name service would
// spend their time on the ninety-nine others. Stored objects are immutable, and a
// successor shares the memory of what it took over: two endpoints that point to the
// same things are equal, and to see that costs next to nothing.
//
//	gone, come := endpoint.Changed(old.Endpoints, next.Endpoints)
//
// It models nothing of Kubernetes, and whoever asks decides what a change means:
// equal endpoints that were copied, as in an update by hand, count as changed.
package endpoint
