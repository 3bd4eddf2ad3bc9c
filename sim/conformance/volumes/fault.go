package volumes

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume"
)

// fault is what goes wrong during a step: between two writes of the binder, so
// that a binding is left half done (V8).
type fault struct {
	kind  faultKind
	after int // how many writes of the binder to volumes and claims come before it
}

type faultKind uint8

const (
	noFault faultKind = iota
	refusal           // the next write is refused
	crash             // the controller manager ends, and starts again at a multiple of resyncPeriod
)

func (f fault) String() string {
	switch f.kind {
	case refusal:
		return fmt.Sprintf(", with the write after %d refused", f.after)
	case crash:
		return fmt.Sprintf(", with a crash after %d writes", f.after)
	}
	return ""
}

// errRefused is the server's answer to a write that is refused.
var errRefused = apierrors.NewInternalError(errors.New("refused"))

// isBinding reports whether a write is one of those that faults count.
func isBinding(by string, kind apiserver.Kind) bool {
	return by == volume.BinderName && (kind == apiserver.PersistentVolume || kind == apiserver.PersistentVolumeClaim)
}

// restartAfter returns when controllers start again that ended at a time. It is
// when a resync would have come, so that the next one does.
func restartAfter(t engine.Time) engine.Time {
	const period = engine.Time(resyncPeriod)
	return (t/period + 1) * period
}

// resyncPeriod is the controller manager's PVClaimBinderSyncPeriod.
const resyncPeriod = 15 * time.Second
