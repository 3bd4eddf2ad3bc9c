package volume

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// VolumeProtection is the controller that lets a deleted volume go when it is
// not bound (V15): pkg/controller/volume/pvprotection. Use NewVolumeProtection.
type VolumeProtection struct {
	workers controller.Workers[string, struct{}]
}

var (
	_ controller.Actor                     = (*VolumeProtection)(nil)
	_ controller.Machine[string, struct{}] = (*VolumeProtection)(nil)
)

// NewVolumeProtection returns a controller that has seen nothing yet.
func NewVolumeProtection() *VolumeProtection {
	p := &VolumeProtection{}
	p.workers.ID, p.workers.Count = 1, 1
	return p
}

// Name implements controller.Actor.
func (*VolumeProtection) Name() string { return VolumeProtectionName }

// Watches implements controller.Actor.
func (*VolumeProtection) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.PersistentVolume}
}

// Heeds implements controller.Selective: volumes that need something.
func (p *VolumeProtection) Heeds(rec *apiserver.Record) bool {
	return rec.Type != watch.Deleted && (isCandidate(rec.Object, VolumeFinalizer) || lacksFinalizer(rec.Object, VolumeFinalizer))
}

// Observe implements controller.Actor.
func (p *VolumeProtection) Observe(env *controller.Env, rec *apiserver.Record) {
	if p.Heeds(rec) {
		p.workers.Add(env, rec.Key.Name)
	}
}

// Step implements controller.Machine (processPV).
func (p *VolumeProtection) Step(v controller.View, name string, m struct{}, results [][]apiserver.Result) (controller.Plan, struct{}) {
	if res := answer(results); res != nil {
		return controller.Plan{Err: res.Err}, m
	}
	volume := v.Volume(name)
	if volume == nil {
		return controller.Plan{}, m
	}
	next := *volume
	switch {
	case isCandidate(volume, VolumeFinalizer) && volume.Status.Phase != corev1.VolumeBound:
		next.Finalizers = withoutFinalizer(volume.Finalizers, VolumeFinalizer)
	case lacksFinalizer(volume, VolumeFinalizer):
		next.Finalizers = append(slices.Clone(volume.Finalizers), VolumeFinalizer)
	default:
		return controller.Plan{}, m
	}
	return controller.Send(updateVolume(&next, apiserver.None)), m
}

// Respond implements controller.Actor.
func (p *VolumeProtection) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	p.workers.Respond(env, p, token, res)
}

// Wake implements controller.Actor.
func (p *VolumeProtection) Wake(env *controller.Env, arg uint64) { p.workers.Wake(env, p, arg) }

// Waiting implements controller.Actor: volumes that failed and are tried again.
func (p *VolumeProtection) Waiting(*controller.Env) []controller.Wait {
	failing := p.workers.Failing()
	var waits []controller.Wait
	for _, name := range sortedNames(failing) {
		waits = append(waits, controller.Wait{Kind: apiserver.PersistentVolume, Key: apiserver.Key{Name: name}, Reason: failing[name]})
	}
	return waits
}

// isCandidate reports whether an object is being deleted and held by a
// finalizer.
func isCandidate(obj metav1.Object, finalizer string) bool {
	return obj.GetDeletionTimestamp() != nil && slices.Contains(obj.GetFinalizers(), finalizer)
}

// lacksFinalizer reports whether an object that is not being deleted is without
// the finalizer that admission gives to new ones.
func lacksFinalizer(obj metav1.Object, finalizer string) bool {
	return obj.GetDeletionTimestamp() == nil && !slices.Contains(obj.GetFinalizers(), finalizer)
}

func withoutFinalizer(finalizers []string, finalizer string) []string {
	return slices.DeleteFunc(slices.Clone(finalizers), func(f string) bool { return f == finalizer })
}
