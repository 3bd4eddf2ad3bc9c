package attach

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// AttacherConfig says how long a driver takes. The zero value is no time.
type AttacherConfig struct {
	// Publish is the time to attach a volume to a machine, Unpublish to take it
	// from one.
	Publish, Unpublish controller.Range
}

// Validate returns the first thing that is wrong with the times, by field.
func (c AttacherConfig) Validate() error {
	if err := c.Publish.Validate(); err != nil {
		return fmt.Errorf("Publish: %w", err)
	}
	if err := c.Unpublish.Validate(); err != nil {
		return fmt.Errorf("Unpublish: %w", err)
	}
	return nil
}

// Attacher is the sidecar beside CSI drivers (kubernetes-csi/external-attacher)
// with the drivers behind it: it attaches what a VolumeAttachment asks for and
// says so in its status, and detaches when it is deleted. A volume that may be in
// one place alone is refused to a second machine. Use NewAttacher.
type Attacher struct {
	cfg     AttacherConfig
	workers controller.Workers[string, attacherStage]
	calls   map[string]call
	faults  map[string]string // messages, by PersistentVolume
	// published is the truth: the machines that have a volume, and by which
	// VolumeAttachment.
	published map[csi.Volume]map[string]bool
	made      map[string]csi.Volume
}

// call is one of a driver's that is under way, or that failed.
type call struct {
	until    engine.Time `state:"deadline"`
	detaches bool
	failures int
}

type attacherStage uint8

const (
	attacherStart attacherStage = iota
	attacherMarked
	attacherDetached
	attacherDone
	attacherRefused
)

// The pauses after a driver's failures (retry-interval-start, retry-interval-max).
const (
	firstRetry = time.Second
	maxRetry   = 5 * time.Minute
)

var (
	_ controller.Selective                      = (*Attacher)(nil)
	_ controller.Machine[string, attacherStage] = (*Attacher)(nil)
)

// NewAttacher returns an Attacher that has seen nothing yet.
func NewAttacher(cfg AttacherConfig) *Attacher {
	a := &Attacher{cfg: cfg, calls: map[string]call{}, faults: map[string]string{}, published: map[csi.Volume]map[string]bool{}, made: map[string]csi.Volume{}}
	a.workers.ID, a.workers.Count = 1, 10
	return a
}

// AttacherName is the name of the Attacher among the actors of a cluster.
const AttacherName = "csi-attacher"

// Name implements controller.Actor.
func (*Attacher) Name() string { return AttacherName }

// Watches implements controller.Actor.
func (*Attacher) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.VolumeAttachment, apiserver.PersistentVolume}
}

// Heeds implements controller.Selective: attachments that are to be made or ended,
// and those of before.
func (a *Attacher) Heeds(rec *apiserver.Record) bool {
	va, ok := rec.Object.(*storagev1.VolumeAttachment)
	if !ok || rec.Type == watch.Deleted {
		return false
	}
	_, known := a.made[rec.Key.Name]
	return va.DeletionTimestamp != nil || !va.Status.Attached || !known
}

// Observe implements controller.Actor.
func (a *Attacher) Observe(env *controller.Env, rec *apiserver.Record) {
	if rec.Kind == apiserver.VolumeAttachment && rec.Type != watch.Deleted {
		a.workers.Add(env, rec.Key.Name)
	}
}

// Wake implements controller.Actor.
func (a *Attacher) Wake(env *controller.Env, arg uint64) { a.workers.Wake(env, a, arg) }

// Respond implements controller.Actor.
func (a *Attacher) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	a.workers.Respond(env, a, token, res)
}

// Waiting implements controller.Actor.
func (a *Attacher) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for name, err := range a.workers.Failing() { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.VolumeAttachment, Key: apiserver.Key{Name: name}, Reason: err})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return cmp.Compare(a.Key.Name, b.Key.Name) })
	return ws
}

// SetFault has the driver fail with a message whatever it is asked about a
// PersistentVolume, until it is set to "".
func (a *Attacher) SetFault(volume, message string) {
	if message == "" {
		delete(a.faults, volume)
	} else {
		a.faults[volume] = message
	}
}

// Attached lists the nodes to which a volume is attached in truth, sorted.
func (a *Attacher) Attached(volume csi.Volume) []string {
	return slices.Sorted(maps.Keys(a.published[volume]))
}

// Step implements controller.Machine (SyncNewOrUpdatedVolumeAttachment). What the
// driver does is what it changes beside the API.
func (a *Attacher) Step(v controller.View, name string, stage attacherStage, results [][]apiserver.Result) (controller.Plan, attacherStage) {
	if len(results) > 0 {
		if err := results[0][len(results[0])-1].Err; err != nil {
			return controller.Plan{Err: err}, stage
		}
	}
	va, _ := v.Get(apiserver.VolumeAttachment, apiserver.Key{Name: name}).(*storagev1.VolumeAttachment)
	switch {
	case stage == attacherDone, stage == attacherRefused, va == nil:
		if stage != attacherRefused {
			delete(a.calls, name)
		}
		return a.rest(v, name, stage), stage
	case va.DeletionTimestamp != nil:
		return a.detach(v, va, stage)
	case va.Status.Attached: // before the Attacher began, unless it knows of it
		a.adopt(v, va)
		return controller.Plan{}, stage
	}
	finalizer := finalizerOf(va.Spec.Attacher)
	if stage == attacherStart && (!slices.Contains(va.Finalizers, finalizer) || va.Annotations[nodeID] != va.Spec.NodeName) {
		return patch(va, apiserver.None, marked{finalizer, va.Spec.NodeName}), attacherMarked
	}
	if wait, class := a.callDriver(v, name, false, a.cfg.Publish); wait > 0 {
		return controller.Plan{After: wait, Class: class}, stage
	}
	if message := a.publish(v, va); message != "" {
		return patch(va, apiserver.Status, refused{message: message, at: apiserver.Stamp(v.Now())}), attacherRefused
	}
	return patch(va, apiserver.Status, attachedNow(true)), attacherDone
}

// rest ends a sync: one whose driver failed comes again after a pause.
func (a *Attacher) rest(v controller.View, name string, stage attacherStage) controller.Plan {
	c, ok := a.calls[name]
	if stage != attacherRefused || !ok {
		return controller.Plan{}
	}
	pause := min(firstRetry<<min(c.failures, 12), maxRetry)
	c.failures++
	c.until = v.Now().Add(pause)
	a.calls[name] = c
	return controller.Plan{After: pause, Class: engine.Retry}
}

// detach takes a volume from a machine, and lets its VolumeAttachment go.
func (a *Attacher) detach(v controller.View, va *storagev1.VolumeAttachment, stage attacherStage) (controller.Plan, attacherStage) {
	finalizer := finalizerOf(va.Spec.Attacher)
	if !slices.Contains(va.Finalizers, finalizer) {
		return controller.Plan{}, stage
	}
	if stage != attacherDetached {
		if wait, class := a.callDriver(v, va.Name, true, a.cfg.Unpublish); wait > 0 {
			return controller.Plan{After: wait, Class: class}, stage
		}
		if message := a.faults[volumeName(va)]; message != "" {
			return patch(va, apiserver.Status, refused{message: message, at: apiserver.Stamp(v.Now()), detaches: true}), attacherRefused
		}
		a.unpublish(va)
		if va.Status.Attached || va.Status.DetachError != nil {
			return patch(va, apiserver.Status, attachedNow(false)), attacherDetached
		}
	}
	return patch(va, apiserver.None, unmarked(finalizer)), attacherDone
}

// callDriver begins a call, or returns how long the one that is under way, or the
// pause after one that failed, lasts.
func (a *Attacher) callDriver(v controller.View, name string, detaches bool, span controller.Range) (time.Duration, engine.Class) {
	c, ok := a.calls[name]
	if !ok || c.detaches != detaches {
		c = call{until: v.Now().Add(v.Span("attach/driver", engine.KeyOf(name), span)), detaches: detaches}
		a.calls[name] = c
	}
	if c.failures > 0 {
		return c.until.Sub(v.Now()), engine.Retry
	}
	return c.until.Sub(v.Now()), engine.Progress
}

// publish attaches a volume to a machine (ControllerPublishVolume), or returns the
// driver's error.
func (a *Attacher) publish(v controller.View, va *storagev1.VolumeAttachment) string {
	if message := a.faults[volumeName(va)]; message != "" {
		return message
	}
	pv := v.Volume(volumeName(va))
	if pv == nil {
		return "persistentvolume \"" + volumeName(va) + "\" not found"
	}
	vol, ok := csi.Of(pv)
	if !ok {
		return "persistent volume is not a CSI volume"
	}
	for _, node := range a.Attached(vol) {
		if node != va.Spec.NodeName && !csi.IsShared(pv) {
			return "rpc error: code = FailedPrecondition desc = volume " + vol.Handle + " is attached to node " + node
		}
	}
	a.put(va, vol)
	return ""
}

// adopt takes in that a volume is attached to a machine.
func (a *Attacher) adopt(v controller.View, va *storagev1.VolumeAttachment) {
	pv := v.Volume(volumeName(va))
	if pv == nil {
		return
	}
	if vol, ok := csi.Of(pv); ok {
		a.put(va, vol)
	}
}

func (a *Attacher) put(va *storagev1.VolumeAttachment, vol csi.Volume) {
	if a.published[vol] == nil {
		a.published[vol] = map[string]bool{}
	}
	a.published[vol][va.Spec.NodeName], a.made[va.Name] = true, vol
}

// unpublish takes a volume from a machine (ControllerUnpublishVolume). The volume
// may be gone from the API by now.
func (a *Attacher) unpublish(va *storagev1.VolumeAttachment) {
	vol, ok := a.made[va.Name]
	if !ok {
		return
	}
	delete(a.made, va.Name)
	delete(a.published[vol], va.Spec.NodeName)
	if len(a.published[vol]) == 0 {
		delete(a.published, vol)
	}
}

func volumeName(va *storagev1.VolumeAttachment) string {
	if n := va.Spec.Source.PersistentVolumeName; n != nil {
		return *n
	}
	return ""
}

// nodeID is the annotation that keeps a machine's name as its driver knows it.
const nodeID = "csi.alpha.kubernetes.io/node-id"

// finalizerOf is the finalizer of a driver's attacher (GetFinalizerName).
func finalizerOf(driver string) string {
	return "external-attacher/" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, driver)
}
