package attach

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// Back-off between the attempts at an operation (M10, exponentialbackoff).
const (
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = 2*time.Minute + 2*time.Second
)

// kind is what an operation does.
type kind uint8

const (
	attaching kind = iota
	detaching
)

// pending is the operations that are under way and those that failed: of one key
// there is one at a time (nestedPendingOperations).
type pending struct {
	ops map[corev1.UniqueVolumeName][]operation
}

// operation is the last one of its key.
type operation struct {
	node  string // empty: the key is the volume's alone
	kind  kind
	busy  bool
	until engine.Time `state:"deadline"` // the end of its back-off, if it failed
	delay time.Duration
}

// keyNode is the node in the key of operations: where a volume can be in one
// place alone, they wait for each other whatever the node.
func keyNode(pv *corev1.PersistentVolume, node string) string {
	if csi.IsShared(pv) {
		return node
	}
	return ""
}

// find returns the operation that stands in the way of one with a key
// (isOperationExists).
func (p *pending) find(volume corev1.UniqueVolumeName, node string) *operation {
	var found *operation
	for i := range p.ops[volume] {
		op := &p.ops[volume][i]
		if op.node != "" && node != "" && op.node != node {
			continue
		}
		if op.busy {
			return op
		}
		if found == nil || op.node == node {
			found = op
		}
	}
	return found
}

// isBusy is IsOperationPending.
func (p *pending) isBusy(volume corev1.UniqueVolumeName, node string) bool {
	op := p.find(volume, node)
	return op != nil && op.busy
}

// ready reports whether an operation may begin now (IsOperationSafeToRetry); if it
// has to wait for its back-off, until says when that ends.
func (p *pending) ready(volume corev1.UniqueVolumeName, node string, k kind, now engine.Time) (ok bool, until engine.Time) {
	op := p.find(volume, node)
	switch {
	case op == nil:
		return true, 0
	case op.busy:
		return false, 0
	case op.kind == k && now < op.until:
		return false, op.until
	}
	return true, 0
}

// begin starts an operation that is ready (Run). An operation of another kind
// forgets the back-off that it cuts short.
func (p *pending) begin(volume corev1.UniqueVolumeName, node string, k kind, now engine.Time) {
	op := p.find(volume, node)
	if op == nil {
		if p.ops == nil {
			p.ops = map[corev1.UniqueVolumeName][]operation{}
		}
		p.ops[volume] = append(p.ops[volume], operation{node: node, kind: k, busy: true})
		return
	}
	if now < op.until {
		op.kind, op.delay, op.until = k, 0, 0
	}
	op.busy, op.node = true, node
}

// end takes in how an operation went (operationComplete), and returns when it may
// be tried again.
func (p *pending) end(volume corev1.UniqueVolumeName, node string, failed bool, now engine.Time) (retry engine.Time) {
	list := p.ops[volume]
	i := slices.IndexFunc(list, func(op operation) bool { return op.node == node })
	if i < 0 {
		return now
	}
	if failed {
		op := &list[i]
		op.busy = false
		if op.delay == 0 {
			op.delay = firstBackoff
		} else {
			op.delay = min(2*op.delay, maxBackoff)
		}
		op.until = now.Add(op.delay + 1)
		return op.until
	}
	list = slices.Delete(list, i, i+1)
	if len(list) == 0 {
		delete(p.ops, volume)
	} else {
		p.ops[volume] = list
	}
	return now
}
