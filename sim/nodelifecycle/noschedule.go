package nodelifecycle

import (
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// updateMemo is where the sync of a changed node stands.
type updateMemo struct {
	stage updateStage
	swap  swap
	tries int
}

type updateStage uint8

const (
	tainting updateStage = iota
	readingLabels
	writingLabels
)

// updateSync brings the NoSchedule taints and the old labels of a node in line
// with the rest of it (doNodeProcessingPassWorker). What fails is left: the next
// change of the node brings another sync.
type updateSync struct{}

// Step implements controller.Machine.
func (updateSync) Step(v controller.View, name string, m updateMemo, results [][]apiserver.Result) (controller.Plan, updateMemo) {
	node := v.Node(name)
	if results == nil {
		if node == nil {
			return controller.Plan{}, m
		}
		add, remove := noSchedule(node)
		m.swap = swapped(v, node, add, remove)
	}
	if m.stage == tainting {
		if req, err := m.swap.next(results); err == nil && req != nil {
			return controller.Send(req...), m
		}
		if node == nil || len(lacking(node)) == 0 {
			return controller.Plan{}, m
		}
		return readLabels(name, m)
	}
	res := results[0][0]
	switch {
	case res.Err != nil && !(m.stage == writingLabels && apierrors.IsConflict(res.Err) && m.tries < conflicts):
		return controller.Plan{}, m
	case res.Err != nil:
		return readLabels(name, m)
	case m.stage == writingLabels:
		return controller.Plan{}, m
	}
	live := res.Object.(*corev1.Node)
	m.stage = writingLabels
	if labels := lacking(live); len(labels) > 0 {
		return controller.Send(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Node, Key: apiserver.Key{Name: name}, Patch: labels}), m
	}
	return controller.Plan{}, m
}

// readLabels asks for a node whose labels are to be changed.
func readLabels(name string, m updateMemo) (controller.Plan, updateMemo) {
	m.stage = readingLabels
	m.tries++
	return controller.Send(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Node, Key: apiserver.Key{Name: name}}), m
}
