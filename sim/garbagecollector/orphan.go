package garbagecollector

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// orphaner makes orphans of an owner's dependents (S40, attemptToOrphanWorker):
// all of them lose their reference side by side, and when every one has, the
// owner its finalizer.
type orphaner struct{ *Collector }

// orphaning is the memo of an attempt to orphan.
type orphaning struct {
	stage     orphanStage
	finalizer removal
}

type orphanStage uint8

const (
	starting  orphanStage = iota
	orphaned              // the dependents were patched
	finishing             // the finalizer is being removed
)

// Step implements controller.Machine.
func (o orphaner) Step(v controller.View, owner ref, m orphaning, results [][]apiserver.Result) (controller.Plan, orphaning) {
	f, err := o.resource(owner)
	if err != nil {
		return controller.Plan{Err: err}, m
	}
	switch m.stage {
	case starting:
		n := o.graph.nodes[owner.uid]
		if n == nil {
			return controller.Plan{}, m // it is gone: its dependents are looked at
		}
		if len(n.dependents) > 0 {
			m.stage = orphaned
			return o.orphan(owner, shuffled(v, owner, o.graph.dependents(n))), m
		}
	case orphaned:
		for _, chain := range results {
			if err := chain[0].Err; err != nil && !apierrors.IsNotFound(err) {
				return controller.Plan{Err: fmt.Errorf("failed to orphan dependents of owner %s: %w", owner, err)}, m
			}
		}
	case finishing:
		plan, fin := m.finalizer.step(o.defined, owner, metav1.FinalizerOrphanDependents, results[0][0])
		m.finalizer = fin
		return plan, m
	}
	m.stage = finishing
	return get(f), m
}

// orphan takes an owner's reference off each of its dependents. An object with
// another UID under a dependent's name is not touched.
func (o orphaner) orphan(owner ref, dependents []ref) controller.Plan {
	var plan controller.Plan
	for _, dep := range dependents {
		f, _ := o.resource(dep) // dependents were observed: their kinds are known
		plan.Chains = append(plan.Chains, []apiserver.Request{{
			Verb: apiserver.Patch, Kind: f.kind, Key: f.key, UID: dep.uid, Patch: dropOwners{uids{owner.uid}},
		}})
	}
	return plan
}
