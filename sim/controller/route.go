package controller

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// routes is where records go.
type routes struct {
	byKind [apiserver.Behaving][]int // indices of subs
	byNode map[string]int            // node name → index of the subscription to its pods
	selves map[string]int            // node name → index of its own subscription to its Node
	// untrimmed is how long the tail of a kind's log was after it was trimmed last.
	untrimmed [apiserver.Behaving]int
	// beyond are those of the kinds without behaviour.
	beyond map[apiserver.Kind]route
}

// route is where records of a kind without behaviour go.
type route struct {
	subs      []int
	untrimmed int
}

// to returns the subscriptions to a kind.
func (r *routes) to(kind apiserver.Kind) []int {
	if kind < apiserver.Behaving {
		return r.byKind[kind]
	}
	return r.beyond[kind].subs
}

// change replaces the subscriptions to a kind.
func (r *routes) change(kind apiserver.Kind, subs []int) {
	if kind < apiserver.Behaving {
		r.byKind[kind] = subs
		return
	}
	if r.beyond == nil {
		r.beyond = map[apiserver.Kind]route{}
	}
	r.beyond[kind] = route{subs, r.beyond[kind].untrimmed}
}

// left returns how long the tail of a kind's log was after it was trimmed last.
func (r *routes) left(kind apiserver.Kind) int {
	if kind < apiserver.Behaving {
		return r.untrimmed[kind]
	}
	return r.beyond[kind].untrimmed
}

// leave remembers how long it is.
func (r *routes) leave(kind apiserver.Kind, n int) {
	if kind < apiserver.Behaving {
		r.untrimmed[kind] = n
		return
	}
	r.beyond[kind] = route{r.beyond[kind].subs, n}
}

// watch has an actor observe a kind: what exists, as Added, and then every change.
func (h *Host) watch(id ActorID, kind apiserver.Kind) {
	i, to := h.subs.Len(), h.routes.Write()
	h.actors.Write(int(id)).see(kind, 0)
	to.change(kind, append(to.to(kind), i))
	sub := subscription{actor: id, kind: kind, next: h.server.Log(kind).End()}
	sub.pending.items = h.server.Live(kind)
	h.subscribe(sub)
}

// watchNode has an actor observe the pods of a node.
func (h *Host) watchNode(id ActorID, node string) {
	sub := subscription{actor: id, kind: apiserver.Pod, node: node}
	h.routes.Write().byNode[node] = h.subs.Len()
	for _, rec := range h.server.Live(apiserver.Pod) {
		if rec.Object.(*corev1.Pod).Spec.NodeName == node {
			sub.pending.push(rec)
		}
	}
	h.subscribe(sub)
}

// watchSelf has an actor observe the Node that is its own.
func (h *Host) watchSelf(id ActorID, node string) {
	sub := subscription{actor: id, kind: apiserver.Node, node: node}
	h.routes.Write().selves[node] = h.subs.Len()
	if rec := h.server.LiveOne(apiserver.Node, apiserver.Key{Name: node}); rec != nil {
		sub.pending.push(rec)
	}
	h.subscribe(sub)
}

func (h *Host) subscribe(sub subscription) {
	sub.listed, sub.since = sub.pending.len(), h.server.Version()
	h.subs.Append(sub)
	if sub.pending.len() > 0 {
		h.arm(h.subs.Len() - 1)
	}
}
