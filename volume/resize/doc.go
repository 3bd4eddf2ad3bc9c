// Package resize is what a claim's status says while its volume grows: which
// conditions, sizes and states the resizer beside a CSI driver writes and which a
// kubelet does (V16; pkg/volume/util/resize_util.go). All functions return a new
// claim and leave the one that they are given as it is.
//
// A resize passes these states, in status.allocatedResourceStatuses:
// ControllerResizeInProgress ([InProgress]), then for a file system
// NodeResizePending ([AwaitNode]) and NodeResizeInProgress ([OnNode]), and then none
// ([Finished]).
//
// Deviation: what fails for good is not written: drivers here do not fail.
package resize
