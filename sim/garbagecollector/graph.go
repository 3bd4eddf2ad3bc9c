package garbagecollector

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// node is an object in the graph.
type node struct {
	ref    ref
	owners []metav1.OwnerReference `state:"immutable"` // shared with the object: never written to
	// dependents are the objects that refer to this one, by UID; true are
	// those that block its deletion.
	dependents map[types.UID]bool `state:"incidental" why:"follows from their owners"`
	blocking   int                `state:"incidental" why:"follows from their owners"` // how many of dependents are true
	// resting are the blocking dependents that are not being deleted: all
	// that an owner waiting for its dependents still has to see to. Upstream
	// walks all dependents instead, each time that one of them is gone.
	resting map[types.UID]struct{} `state:"incidental" why:"follows from the nodes"`
	// virtual marks an object that is referred to and was not observed.
	virtual            bool
	beingDeleted       bool
	deletingDependents bool // being deleted in the foreground
}

// graph is who owns whom. The zero graph is empty.
type graph struct {
	nodes map[types.UID]*node
	// foreground are the nodes that wait for their dependents.
	foreground map[types.UID]struct{} `state:"incidental" why:"follows from the nodes"`
}

func (g *graph) add(n *node) {
	if g.nodes == nil {
		g.nodes, g.foreground = map[types.UID]*node{}, map[types.UID]struct{}{}
	}
	g.nodes[n.ref.uid] = n
	if n.deletingDependents {
		g.foreground[n.ref.uid] = struct{}{}
	}
}

// remove takes a node out, and out of the dependents of its owners.
func (g *graph) remove(n *node) {
	for _, o := range n.owners { // itself, perhaps
		g.unlink(o.UID, n)
	}
	delete(g.nodes, n.ref.uid)
	delete(g.foreground, n.ref.uid)
}

// link makes dep a dependent of an owner, or brings that up to date.
func (g *graph) link(owner, dep *node) {
	uid, blocks := dep.ref.uid, false
	for _, o := range dep.owners {
		blocks = blocks || o.UID == owner.ref.uid && isBlocking(o)
	}
	if owner.dependents[uid] {
		owner.blocking--
	}
	if owner.dependents == nil {
		owner.dependents = map[types.UID]bool{}
	}
	owner.dependents[uid] = blocks
	if !blocks {
		delete(owner.resting, uid)
		return
	}
	owner.blocking++
	if dep.beingDeleted {
		return
	}
	if owner.resting == nil {
		owner.resting = map[types.UID]struct{}{}
	}
	owner.resting[uid] = struct{}{}
}

func (g *graph) unlink(owner types.UID, dep *node) {
	n := g.nodes[owner]
	if n == nil {
		return
	}
	if n.dependents[dep.ref.uid] {
		n.blocking--
	}
	delete(n.dependents, dep.ref.uid)
	delete(n.resting, dep.ref.uid)
}

// markBeingDeleted notes that a node's deletion has begun, for good.
func (g *graph) markBeingDeleted(n *node) {
	if n.beingDeleted {
		return
	}
	n.beingDeleted = true
	for _, o := range n.owners {
		if owner := g.nodes[o.UID]; owner != nil {
			delete(owner.resting, n.ref.uid)
		}
	}
}

func (g *graph) markDeletingDependents(n *node) {
	n.deletingDependents = true
	g.foreground[n.ref.uid] = struct{}{}
}

// dependents returns the refs of a node's dependents, in no order.
func (g *graph) dependents(n *node) []ref {
	refs := make([]ref, 0, len(n.dependents))
	for uid := range n.dependents { // the caller sorts
		refs = append(refs, g.nodes[uid].ref)
	}
	return refs
}

// restingDependents returns those that block a node's deletion and are not
// being deleted, in no order.
func (g *graph) restingDependents(n *node) []ref {
	refs := make([]ref, 0, len(n.resting))
	for uid := range n.resting { // the caller sorts
		refs = append(refs, g.nodes[uid].ref)
	}
	return refs
}

// isForegroundInside reports whether a dependent of n waits for dependents of
// its own: perhaps a circle.
func (g *graph) isForegroundInside(n *node) bool {
	for uid := range n.dependents { // any one will do
		if g.nodes[uid].deletingDependents {
			return true
		}
	}
	return false
}
