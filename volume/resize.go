package volume

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/resize"
)

// Resizer is the external controller for which the Expander waits: the sidecar
// beside a CSI driver that has volumes grow with their claims (V16;
// kubernetes-csi/external-resizer, expandAndRecover, and what
// GenerateExpandAndRecoverVolumeFunc does for plugins within the tree). It works
// on the volumes that Config.Provision makes. Use NewResizer.
//
// A claim with a file system is then the kubelet's to finish; a block volume is
// done. The driver never fails.
type Resizer struct {
	workers controller.Workers[apiserver.Key, resizeMemo]
	pending map[apiserver.Key]bool // claims whose file system is to grow yet
}

// resizeMemo is where the resize of a volume has got to.
type resizeMemo struct {
	stage resizeStage
	claim *corev1.PersistentVolumeClaim // as last written
	size  resource.Quantity
}

type resizeStage uint8

const (
	resizeStart resizeStage = iota
	resizeMarked
	resizeGrown
	resizeDone
)

var (
	_ controller.Selective                          = (*Resizer)(nil)
	_ controller.Reporter                           = (*Resizer)(nil)
	_ controller.Machine[apiserver.Key, resizeMemo] = (*Resizer)(nil)
	_ apiserver.Patcher                             = growth{}
)

// The Events of a resize.
const (
	resizing                 = "Resizing"
	fileSystemResizeRequired = "FileSystemResizeRequired"
	volumeResizeSuccessful   = "VolumeResizeSuccessful"
	volumeResizeFailed       = "VolumeResizeFailed"
)

// NewResizer returns a controller that has seen nothing yet.
func NewResizer() *Resizer {
	r := &Resizer{pending: map[apiserver.Key]bool{}}
	r.workers.ID, r.workers.Count = 1, 10
	return r
}

// Name implements controller.Actor.
func (*Resizer) Name() string { return ResizerName }

// EventSource implements controller.Reporter: upstream's names the driver, too.
func (*Resizer) EventSource() string { return ResizerName + " " + anyProvisioner }

// Watches implements controller.Actor.
func (*Resizer) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.PersistentVolumeClaim, apiserver.PersistentVolume}
}

// Heeds implements controller.Selective: claims that ask for more than before, or
// got less than they ask for, and those whose file system waits, for the list of
// what is unfinished.
func (r *Resizer) Heeds(rec *apiserver.Record) bool {
	claim, ok := rec.Object.(*corev1.PersistentVolumeClaim)
	if !ok {
		return false
	}
	return r.pending[rec.Key] || rec.Type != watch.Deleted && (isToGrow(claim) || resize.IsOnNode(claim))
}

// Observe implements controller.Actor (addPVC, updatePVC).
// Deviation: upstream looks again at a claim that was enlarged a second time, while
// its file system grew, at its next resync, within ten minutes.
func (r *Resizer) Observe(env *controller.Env, rec *apiserver.Record) {
	claim, ok := rec.Object.(*corev1.PersistentVolumeClaim)
	if !ok {
		return
	}
	if rec.Type == watch.Deleted || !resize.IsOnNode(claim) {
		delete(r.pending, rec.Key)
	} else {
		r.pending[rec.Key] = true
	}
	old, _ := rec.Old.(*corev1.PersistentVolumeClaim)
	if rec.Type != watch.Deleted && isToGrow(claim) && (old == nil || rec.Type == watch.Added || isLarger(claim, old)) {
		r.workers.Add(env, rec.Key)
	}
}

// isToGrow reports whether a claim asks for more than it has (pvcNeedResize).
func isToGrow(claim *corev1.PersistentVolumeClaim) bool {
	asks, has := storageOf(claim.Spec.Resources.Requests), storageOf(claim.Status.Capacity)
	return claim.Status.Phase == corev1.ClaimBound && claim.Spec.VolumeName != "" && asks.Cmp(has) > 0
}

// isLarger reports whether a claim asks for more than before, or has got more.
func isLarger(claim, old *corev1.PersistentVolumeClaim) bool {
	asks, asked := storageOf(claim.Spec.Resources.Requests), storageOf(old.Spec.Resources.Requests)
	has, had := storageOf(claim.Status.Capacity), storageOf(old.Status.Capacity)
	return asks.Cmp(asked) > 0 || has.Cmp(had) > 0
}

func storageOf(list corev1.ResourceList) resource.Quantity { return list[corev1.ResourceStorage] }

// Step implements controller.Machine (syncPVC).
func (r *Resizer) Step(v controller.View, key apiserver.Key, m resizeMemo, results [][]apiserver.Result) (controller.Plan, resizeMemo) {
	res := answer(results)
	if m.stage == resizeStart {
		return r.start(v, key, m)
	}
	if res.Err != nil {
		plan := controller.Plan{Err: res.Err}
		if m.stage > resizeMarked { // markControllerResizeInProgress fails without an Event
			plan.Notes = []controller.Note{{About: m.claim, Type: warning, Reason: volumeResizeFailed, Message: res.Err.Error()}}
		}
		return plan, m
	}
	if claim, ok := res.Object.(*corev1.PersistentVolumeClaim); ok {
		m.claim = claim
	}
	switch m.stage {
	case resizeMarked:
		return r.grow(v, m)
	case resizeGrown:
		m.stage = resizeDone
		if isBlock(m.claim) {
			return controller.Send(updateClaim(resize.Finished(m.claim, m.size), apiserver.Status)), m
		}
		return controller.Send(updateClaim(resize.AwaitNode(m.claim, apiserver.Stamp(v.Now())), apiserver.Status)), m
	}
	note := controller.Note{About: m.claim, Type: normal, Reason: fileSystemResizeRequired, Message: "Require file system resize of volume on node"}
	if isBlock(m.claim) {
		note.Reason, note.Message = volumeResizeSuccessful, "Resize volume succeeded"
	}
	return controller.Plan{Notes: []controller.Note{note}}, m
}

// isBlock reports whether a claim's volume has no file system.
func isBlock(claim *corev1.PersistentVolumeClaim) bool {
	return claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == corev1.PersistentVolumeBlock
}

// start looks whether there is anything to do, and notes it on the claim
// (expandAndRecover, markControllerResizeInProgress).
func (r *Resizer) start(v controller.View, key apiserver.Key, m resizeMemo) (controller.Plan, resizeMemo) {
	claim := v.Claim(key)
	if claim == nil || !isToGrow(claim) {
		return controller.Plan{}, m
	}
	volume := v.Volume(claim.Spec.VolumeName)
	if volume == nil || !isResizable(volume, claim) {
		return controller.Plan{}, m
	}
	size, ok := targetOf(claim, volume)
	if !ok {
		return controller.Plan{}, m
	}
	m.stage, m.claim, m.size = resizeMarked, claim, size
	if allocated, ok := claim.Status.AllocatedResources[corev1.ResourceStorage]; ok && allocated.Cmp(size) == 0 && resize.HasCondition(claim, corev1.PersistentVolumeClaimResizing) {
		return r.grow(v, m)
	}
	return controller.Send(updateClaim(resize.InProgress(claim, size, apiserver.Stamp(v.Now())), apiserver.Status)), m
}

// isResizable reports whether a volume is one that Config.Provision made for the
// claim (CanSupport, pvCanBeExpanded).
func isResizable(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) bool {
	ref := volume.Spec.ClaimRef
	return volume.Spec.CSI != nil && isAnnotated(volume, ProvisionedBy) &&
		ref != nil && ref.Namespace == claim.Namespace && ref.UID == claim.UID
}

// targetOf returns the size that a volume is to get now; none if a kubelet is to
// finish first (expandAndRecover).
func targetOf(claim *corev1.PersistentVolumeClaim, volume *corev1.PersistentVolume) (resource.Quantity, bool) {
	asks, has := storageOf(claim.Spec.Resources.Requests), storageOf(volume.Spec.Capacity)
	allocated, isAllocated := claim.Status.AllocatedResources[corev1.ResourceStorage]
	status, node := resize.Status(claim), resize.IsOnNode(claim)
	if has.Cmp(asks) >= 0 && node {
		return asks, false
	}
	size := asks
	switch {
	case !isAllocated:
	case has.Cmp(asks) >= 0, node, status == corev1.PersistentVolumeClaimNodeResizeInfeasible,
		status == corev1.PersistentVolumeClaimControllerResizeInProgress:
		size = allocated // what was begun is finished first
	}
	return size, !node || has.Cmp(size) < 0
}

// grow has the driver enlarge the volume, and says so on it (callResizeOnPlugin,
// updatePVCapacity).
func (r *Resizer) grow(v controller.View, m resizeMemo) (controller.Plan, resizeMemo) {
	m.stage = resizeGrown
	plan := controller.Send(apiserver.Request{
		Verb: apiserver.Patch, Kind: apiserver.PersistentVolume, Key: apiserver.Key{Name: m.claim.Spec.VolumeName}, Patch: growth{m.size},
	})
	plan.Notes = []controller.Note{{About: m.claim, Type: normal, Reason: resizing, Message: "External resizer is resizing volume " + m.claim.Spec.VolumeName}}
	return plan, m
}

// growth is the patch of a volume's capacity.
type growth struct{ size resource.Quantity }

// Apply implements apiserver.Patcher.
func (g growth) Apply(obj apiserver.Object) (apiserver.Object, error) {
	volume, ok := obj.(*corev1.PersistentVolume)
	if !ok {
		return nil, fmt.Errorf("no volume: %T", obj)
	}
	if has := storageOf(volume.Spec.Capacity); has.Cmp(g.size) == 0 {
		return obj, nil
	}
	next := *volume
	next.Spec.Capacity = maps.Clone(volume.Spec.Capacity)
	next.Spec.Capacity[corev1.ResourceStorage] = g.size
	return &next, nil
}

// Respond implements controller.Actor.
func (r *Resizer) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	r.workers.Respond(env, r, token, res)
}

// Wake implements controller.Actor.
func (r *Resizer) Wake(env *controller.Env, arg uint64) { r.workers.Wake(env, r, arg) }

// Waiting implements controller.Actor: claims that failed and are tried again, and
// those whose file system waits for a pod.
func (r *Resizer) Waiting(*controller.Env) []controller.Wait {
	reasons := r.workers.Failing()
	for key := range r.pending { // into a map, which is sorted below
		if reasons[key] == "" {
			reasons[key] = resize.Pending
		}
	}
	return failingClaims(reasons)
}
