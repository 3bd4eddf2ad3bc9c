package volume

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Expander is the controller that looks at claims that have grown (V16):
// pkg/controller/volume/expand. No plugin that the controller manager still has
// can expand a volume, so all it does is to say who is waited for. Use
// NewExpander.
type Expander struct {
	workers controller.Workers[apiserver.Key, struct{}]
}

var (
	_ controller.Selective                        = (*Expander)(nil)
	_ controller.Machine[apiserver.Key, struct{}] = (*Expander)(nil)
)

// preResize is on a volume between the two halves of its resize.
const preResize = "volume.alpha.kubernetes.io/pre-resize-capacity"

// NewExpander returns a controller that has seen nothing yet.
func NewExpander() *Expander {
	x := &Expander{}
	x.workers.ID, x.workers.Count = 1, 10
	return x
}

// Name implements controller.Actor.
func (*Expander) Name() string { return ExpanderName }

// Watches implements controller.Actor.
func (*Expander) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.PersistentVolumeClaim}
}

// Heeds implements controller.Selective: bound claims that are new to the watch,
// ask for more than before, or have got more. The first capacity of a claim is
// that of its binding; it is of interest only if it is too small.
func (x *Expander) Heeds(rec *apiserver.Record) bool {
	claim := rec.Object.(*corev1.PersistentVolumeClaim)
	if rec.Type == watch.Deleted || claim.Status.Phase != corev1.ClaimBound {
		return false
	}
	asks := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	has := claim.Status.Capacity[corev1.ResourceStorage]
	old, _ := rec.Old.(*corev1.PersistentVolumeClaim)
	if rec.Type == watch.Added || old == nil {
		return true
	}
	asked, had := old.Spec.Resources.Requests[corev1.ResourceStorage], old.Status.Capacity[corev1.ResourceStorage]
	return asks.Cmp(asked) > 0 || has.Cmp(had) > 0 && (!had.IsZero() || asks.Cmp(has) > 0)
}

// Observe implements controller.Actor (enqueuePVC).
func (x *Expander) Observe(env *controller.Env, rec *apiserver.Record) {
	if x.Heeds(rec) {
		x.workers.Add(env, rec.Key)
	}
}

// Step implements controller.Machine (syncHandler): the volume is read from the
// server itself.
func (x *Expander) Step(v controller.View, key apiserver.Key, m struct{}, results [][]apiserver.Result) (controller.Plan, struct{}) {
	claim := v.Claim(key)
	if claim == nil {
		return controller.Plan{}, m
	}
	res := answer(results)
	if res == nil {
		return controller.Send(apiserver.Request{Verb: apiserver.Get, Kind: apiserver.PersistentVolume, Key: apiserver.Key{Name: claim.Spec.VolumeName}}), m
	}
	if res.Err != nil {
		return controller.Plan{Err: fmt.Errorf("failed to get PV %q: %w", claim.Spec.VolumeName, res.Err)}, m
	}
	volume := res.Object.(*corev1.PersistentVolume)
	if ref := volume.Spec.ClaimRef; ref == nil || ref.Namespace != claim.Namespace || ref.UID != claim.UID {
		return controller.Plan{Err: fmt.Errorf("persistent Volume is not bound to PVC being updated : %s", key)}, m
	}
	asks, has := claim.Spec.Resources.Requests[corev1.ResourceStorage], claim.Status.Capacity[corev1.ResourceStorage]
	if _, resizing := volume.Annotations[preResize]; asks.Cmp(has) <= 0 && !resizing {
		return controller.Plan{}, m
	}
	return controller.Plan{Notes: []controller.Note{{
		About: claim, Type: corev1.EventTypeNormal, Reason: "ExternalExpanding",
		Message: "waiting for an external controller to expand this PVC",
	}}}, m
}

// Respond implements controller.Actor.
func (x *Expander) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	x.workers.Respond(env, x, token, res)
}

// Wake implements controller.Actor.
func (x *Expander) Wake(env *controller.Env, arg uint64) { x.workers.Wake(env, x, arg) }

// Waiting implements controller.Actor: claims that failed and are tried again.
func (x *Expander) Waiting(*controller.Env) []controller.Wait {
	return failingClaims(x.workers.Failing())
}
