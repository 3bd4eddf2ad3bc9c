package daemonset

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/controller"
)

// roll replaces old pods as the strategy lets it (W20, rollingUpdate).
func (s *sync) roll() error {
	adopted, err := s.claimed()
	if err != nil {
		return err
	}
	return s.carryOut(controller.Read(s.Replay, func(v controller.View) *work {
		r := s.roster(v, adopted)
		down, err := unavailable(s.set, r.status.desired)
		if err != nil {
			return &work{err: fmt.Errorf("couldn't get unavailable numbers: invalid value for MaxUnavailable: %v", err)}
		}
		up, err := surge(s.set, r.status.desired)
		if err != nil {
			return &work{err: fmt.Errorf("couldn't get unavailable numbers: invalid value for MaxSurge: %v", err)}
		}
		if r.status.desired > 0 && down == 0 && up == 0 {
			down = 1
		}
		order := func(st stage) []string { return ordered(v, s.key.String(), r.listed[st]) }
		if up == 0 {
			return r.replace(down, order)
		}
		return r.doubleUp(up, order)
	}))
}

// old is the old pod of a node where there is one.
func (r *roster) old(node string) *corev1.Pod {
	_, old, _ := r.updatedPods(r.spots[node])
	return old
}

// replace deletes the old pods that are not available, and others as long as so many
// nodes may be without.
func (r *roster) replace(most int, order func(stage) []string) *work {
	w := &work{}
	for _, node := range order(oldWaits) {
		w.delete = append(w.delete, r.old(node))
	}
	without := r.stages[empty] + r.stages[crowded] + r.stages[freshWaits] + r.stages[bothWait] + r.stages[bothReady] + r.stages[oldWaits]
	if without >= most || len(r.listed[oldReady]) == 0 {
		return w
	}
	candidates := order(oldReady)
	for _, node := range candidates[:min(most-without, len(candidates))] {
		w.delete = append(w.delete, r.old(node))
	}
	return w
}

// doubleUp creates new pods beside old ones, on so many nodes at a time, and deletes
// the old ones beside which a new one is available. Old pods on nodes where none
// should run go when there are enough available ones without them.
func (r *roster) doubleUp(most int, order func(stage) []string) *work {
	w := &work{}
	for _, node := range order(bothReady) {
		w.delete = append(w.delete, r.old(node))
	}
	room := max(most-r.stages[crowded]-r.stages[bothWait], 0)
	waiting, ready := order(oldWaits), order(oldReady)
	for _, node := range slices.Concat(waiting, ready) {
		if r.spots[node].node == nil {
			missing := apierrors.NewNotFound(schema.GroupResource{Resource: "node"}, node)
			return &work{err: fmt.Errorf("couldn't get node for nodeName %q: %v", node, missing)}
		}
	}
	for _, node := range waiting {
		if r.spots[node].run {
			w.create = append(w.create, node)
		} else {
			w.delete = append(w.delete, r.old(node))
		}
	}
	spare := max(r.serving-r.status.desired, 0)
	for _, node := range ready {
		switch {
		case r.spots[node].run && room > 0:
			w.create = append(w.create, node)
			room--
		case !r.spots[node].run && spare > 0:
			w.delete = append(w.delete, r.old(node))
			spare--
		}
	}
	return w
}
