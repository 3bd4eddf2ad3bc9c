// Package nfs models the NFS servers outside a cluster as plain data: which
// servers answer, which paths they export, and the files that lie there. It is
// a leaf: it knows no Kubernetes and no clock.
//
// A [Network] is the set of all servers. By default every path of every server
// exists, and is created when it is first mounted; a strict network, or a path
// taken away with [Network.Unexport], answers as a real server does; one can be
// down, slow, read-only or full. Files
// outlive their readers: what one pod wrote, the next finds (this is what a
// StatefulSet's identity is for). NFS has no attacher, so any number of clients
// may mount one export at a time (M1); a failed mount gives the text that a
// node prints (M4).
//
// Left out: permissions, directories as things of their own, locks, and
// clients that hang in a mount made before the server went down.
package nfs
