package garbagecollector

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Collector is the garbage collector. Use New.
type Collector struct {
	kinds []apiserver.Kind `state:"immutable"` // never written to after New
	graph graph
	defined
	// absent owners are shared by all attempts, as upstream.
	absent  absent
	deletes controller.Workers[ref, attempt]
	orphans controller.Workers[ref, orphaning]

	// What steps found out, to be acted on when they are done: objects that do
	// not exist, and dependents to look at, in order.
	gone  []ref
	again []ref
}

var _ controller.Actor = (*Collector)(nil)

const workers = 20 // of each queue: --concurrent-gc-syncs

// New returns a collector that watches the given kinds; of these it leaves out
// Events, which own nothing and have no owners, and the kinds without
// behaviour but CustomResourceDefinitions. No kinds at all means every kind with
// behaviour.
func New(kinds []apiserver.Kind) *Collector {
	if len(kinds) == 0 {
		kinds = slices.DeleteFunc(apiserver.Kinds(), func(k apiserver.Kind) bool { return k == definitionKind })
	}
	c := &Collector{}
	for _, k := range kinds {
		if k < apiserver.Behaving && k != apiserver.Event || k == definitionKind {
			c.kinds = append(c.kinds, k)
		}
	}
	c.deletes.ID, c.deletes.Count = 1, workers
	c.orphans.ID, c.orphans.Count = 2, workers
	return c
}

// Name implements controller.Actor.
func (c *Collector) Name() string { return "generic-garbage-collector" }

// Watches implements controller.Actor.
func (c *Collector) Watches() []apiserver.Kind { return c.kinds }

// Observe implements controller.Actor.
func (c *Collector) Observe(env *controller.Env, rec *apiserver.Record) {
	c.define(rec)
	c.observe(env, rec)
}

// Respond implements controller.Actor.
func (c *Collector) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	if c.deletes.Owns(token) {
		c.deletes.Respond(env, deleter{c}, token, res)
	} else {
		c.orphans.Respond(env, orphaner{c}, token, res)
	}
	c.settle(env)
}

// Wake implements controller.Actor.
func (c *Collector) Wake(env *controller.Env, arg uint64) {
	if c.deletes.Owns(arg) {
		c.deletes.Wake(env, deleter{c}, arg)
	} else {
		c.orphans.Wake(env, orphaner{c}, arg)
	}
	c.settle(env)
}

// settle acts on what the steps found out.
func (c *Collector) settle(env *controller.Env) {
	for _, r := range c.again {
		c.deletes.Add(env, r)
	}
	c.again = c.again[:0]
	for _, r := range c.gone {
		c.confirmAbsent(env, r)
	}
	c.gone = c.gone[:0]
}

// Waiting implements controller.Actor: the attempts that fail, and the owners
// that wait for their dependents.
func (c *Collector) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	add := func(r ref, reason string) {
		f, err := c.resource(r)
		if err != nil {
			f.key = apiserver.Key{Namespace: r.namespace, Name: r.name}
		}
		ws = append(ws, controller.Wait{Kind: f.kind, Key: f.key, Reason: reason})
	}
	for r, err := range c.deletes.Failing() { // sorted below
		add(r, err)
	}
	for r, err := range c.orphans.Failing() { // sorted below
		add(r, err)
	}
	for uid := range c.graph.foreground { // sorted below
		n := c.graph.nodes[uid]
		add(n.ref, fmt.Sprintf("foreground deletion waits for %d dependents", n.blocking))
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Key.Compare(b.Key), cmp.Compare(a.Reason, b.Reason))
	})
	return ws
}

// lookup returns the node that a queued ref means, and whether it is virtual
// under that name: the node may have been observed under another since. It
// returns nil if there is nothing to do any more.
func (c *Collector) lookup(r ref) (n *node, virtual bool) {
	n = c.graph.nodes[r.uid]
	if n == nil || n.ref != r && !n.virtual {
		return nil, false
	}
	return n, n.virtual
}

// isPolled reports whether a virtual node of the kind will be observed some
// time, so that it is worth looking again.
func (c *Collector) isPolled(r ref) bool {
	f, err := c.resource(r)
	return err != nil || slices.Contains(c.kinds, f.kind)
}

// uids is a set of UIDs small enough to search.
type uids []types.UID

func (u uids) with(id types.UID) uids { return append(slices.Clip(u), id) } // forks may share u
