package kubelet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// A volume that has to be attached goes this way before it is mounted (M11,
// waitForVolumeAttach): the Node's status says that it is in use, which is
// written when the kubelet next looks at that status; then its volumesAttached
// has to list the volume, which is the attach/detach controller's to say; then
// the Node is read, live, and the VolumeAttachment. In use a volume is until the
// last of the node's pods has unmounted it.

// diskStage is how far a volume's attachment is.
type diskStage uint8

const (
	unattached diskStage = iota
	awaited              // until the Node's status lists it
	verified             // it does; that is read once more
	attachedHere
)

// reconcilePeriod is the pause of the loop that looks for attached volumes
// (reconcilerLoopSleepPeriod).
const reconcilePeriod = 100 * time.Millisecond

// disks is who on the node uses which volumes that are to be attached.
type disks map[corev1.UniqueVolumeName]map[types.UID]bool

// inUse lists them as the Node's status does (GetVolumesInUse).
func (d disks) inUse() []corev1.UniqueVolumeName {
	if len(d) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(d))
}

// askDriver begins the way of a volume that is a CSI volume: whether such are
// attached is its driver's to say. Without a Node object nobody attaches.
func (k *Kubelet) askDriver(env *controller.Env, p *pod, i int16) bool {
	m := &p.volumes[i]
	vol, ok := csi.Of(m.pv)
	if !ok || k.self.obj == nil || m.attach == attachedHere {
		return false
	}
	k.call(env, p, call{what: getDriver, volume: i}, apiserver.Request{
		Verb: apiserver.Get, Kind: apiserver.CSIDriver, Key: apiserver.Key{Name: vol.Driver},
	})
	return true
}

// driverRead waits for the volume to be attached, or mounts it.
func (k *Kubelet) driverRead(env *controller.Env, p *pod, i int16, res apiserver.Result) {
	m := &p.volumes[i]
	driver, _ := res.Object.(*storagev1.CSIDriver)
	switch {
	case res.Err != nil && !apierrors.IsNotFound(res.Err):
		k.retryAttach(env, p, i)
		return
	case !csi.Attaches(driver):
		k.attached(env, p, i)
		return
	}
	vol, _ := csi.Of(m.pv)
	m.disk, m.attach = vol.UniqueName(), awaited
	k.use(m.disk, p.uid)
	k.limitMounts(env, p)
	k.report(env)
	k.lookForDisk(env, p, i)
}

// use takes in that a pod uses a volume.
func (k *Kubelet) use(disk corev1.UniqueVolumeName, uid types.UID) {
	if k.disks[disk] == nil {
		if k.disks == nil {
			k.disks = disks{}
		}
		k.disks[disk] = map[types.UID]bool{}
	}
	k.disks[disk][uid] = true
}

// adoptDisks takes in which volumes a pod uses that its Node's status lists: a
// kubelet finds them on its machine before it posts a status
// (ReconcilerStatesHasBeenSynced).
func (k *Kubelet) adoptDisks(p *pod, read Reader) {
	node, _ := read(apiserver.Node, apiserver.Key{Name: k.cfg.Node}).(*corev1.Node)
	if node == nil || len(node.Status.VolumesInUse) == 0 {
		return
	}
	for i := range p.api.Spec.Volumes {
		m := mount{index: int16(i)}
		src := m.source(p.api)
		if !p.uses(src.Name) || src.PersistentVolumeClaim == nil && src.Ephemeral == nil {
			continue
		}
		claim, _ := read(apiserver.PersistentVolumeClaim, apiserver.Key{Namespace: p.key.Namespace, Name: m.claimName(p.api)}).(*corev1.PersistentVolumeClaim)
		if claim == nil {
			continue
		}
		pv, _ := read(apiserver.PersistentVolume, apiserver.Key{Name: claim.Spec.VolumeName}).(*corev1.PersistentVolume)
		if pv == nil {
			continue
		}
		if vol, ok := csi.Of(pv); ok && slices.Contains(node.Status.VolumesInUse, vol.UniqueName()) {
			k.use(vol.UniqueName(), p.uid)
		}
	}
}

// report has the Node's status say what is in use, if it does not.
func (k *Kubelet) report(env *controller.Env) {
	if k.self.obj != nil && !k.down && !k.self.cut && !slices.Equal(k.self.obj.Status.VolumesInUse, k.disks.inUse()) {
		k.nodeAfter(env, k.untilStatus(env), engine.Progress, writeStatus)
	}
}

// lookForDisks goes on with the volumes that the Node's status lists by now.
func (k *Kubelet) lookForDisks(env *controller.Env) {
	if len(k.disks) == 0 {
		return
	}
	for _, p := range k.slots { // each for itself
		if p == nil {
			continue
		}
		for i := range p.volumes {
			k.lookForDisk(env, p, int16(i))
		}
	}
}

func (k *Kubelet) lookForDisk(env *controller.Env, p *pod, i int16) {
	m := &p.volumes[i]
	if m.attach == awaited && !p.pending(attachTry, i) && k.self.obj != nil && isListed(k.self.obj, m.disk) {
		k.after(env, p, span(env, p, "kubelet/reconcile", controller.Range{Max: reconcilePeriod}), engine.Progress, attachTry, i)
	}
}

// isListed reports whether a Node's status says that a volume is in use and
// attached.
func isListed(node *corev1.Node, disk corev1.UniqueVolumeName) bool {
	return slices.Contains(node.Status.VolumesInUse, disk) &&
		slices.ContainsFunc(node.Status.VolumesAttached, func(a corev1.AttachedVolume) bool { return a.Name == disk })
}

// verifyDisk reads the Node (VerifyControllerAttachedVolume).
func (k *Kubelet) verifyDisk(env *controller.Env, p *pod, i int16) {
	if p.volumes[i].attach == unattached { // its driver could not be read
		k.mount(env, p, int(i))
		return
	}
	k.call(env, p, call{what: verifyNode, volume: i}, apiserver.Request{
		Verb: apiserver.Get, Kind: apiserver.Node, Key: apiserver.Key{Name: k.cfg.Node},
	})
}

// diskVerified reads the VolumeAttachment (WaitForAttach).
func (k *Kubelet) diskVerified(env *controller.Env, p *pod, i int16, res apiserver.Result) {
	m := &p.volumes[i]
	node, _ := res.Object.(*corev1.Node)
	if res.Err != nil || !isListed(node, m.disk) {
		k.retryAttach(env, p, i)
		return
	}
	m.attach, m.delay = verified, 0
	k.readAttachment(env, p, i)
}

func (k *Kubelet) readAttachment(env *controller.Env, p *pod, i int16) {
	vol, _ := csi.Of(p.volumes[i].pv)
	k.call(env, p, call{what: getAttachment, volume: i}, apiserver.Request{
		Verb: apiserver.Get, Kind: apiserver.VolumeAttachment, Key: apiserver.Key{Name: vol.Attachment(k.cfg.Node)},
	})
}

// attachmentRead mounts a volume that is attached, or says why it is not.
func (k *Kubelet) attachmentRead(env *controller.Env, p *pod, i int16, res apiserver.Result) {
	m := &p.volumes[i]
	vol, _ := csi.Of(m.pv)
	name := vol.Attachment(k.cfg.Node)
	a, _ := res.Object.(*storagev1.VolumeAttachment)
	var err error
	switch {
	case res.Err != nil:
		err = fmt.Errorf("volume %v has GET error for volume attachment %v: %w", vol.Handle, name, res.Err)
	case a.DeletionTimestamp != nil:
		err = errors.New("volume attachment is being deleted")
	case a.Status.Attached:
		k.attached(env, p, i)
		return
	case a.Status.AttachError != nil:
		err = errors.New(a.Status.AttachError.Message)
	default:
		err = fmt.Errorf("volume %v is not attached for volume attachment %v", vol.Handle, name)
	}
	k.note(env, p, corev1.EventTypeWarning, "FailedMount", fmt.Sprintf("MountVolume.WaitForAttach failed for volume %q : %s", m.label, err))
	k.retryAttach(env, p, i)
}

// attached goes on to mount a volume.
func (k *Kubelet) attached(env *controller.Env, p *pod, i int16) {
	p.volumes[i].attach, p.volumes[i].delay = attachedHere, 0
	k.beginMount(env, p, i)
}

// retryAttach takes the last step again after a pause.
func (k *Kubelet) retryAttach(env *controller.Env, p *pod, i int16) {
	m := &p.volumes[i]
	m.delay = min(max(2*m.delay, mountBackoffBase), mountBackoffMax)
	k.after(env, p, m.delay, engine.Retry, attachTry, i)
}

// tryAttach is the end of such a pause, or the loop that has come round.
func (k *Kubelet) tryAttach(env *controller.Env, p *pod, i int16) {
	if p.volumes[i].attach == verified {
		k.readAttachment(env, p, i)
	} else {
		k.verifyDisk(env, p, i)
	}
}

// releaseDisks ends the use of all volumes by a pod that has unmounted them.
func (k *Kubelet) releaseDisks(env *controller.Env, uid types.UID) {
	changed := false
	for name, users := range k.disks { // each for itself
		if users[uid] {
			if delete(users, uid); len(users) == 0 {
				delete(k.disks, name)
				changed = true
			}
		}
	}
	if changed {
		k.report(env)
	}
}

// forgetDisks ends the use of volumes by pods that the node does not know any
// more.
func (k *Kubelet) forgetDisks(env *controller.Env) {
	var gone []types.UID
	for _, users := range k.disks { // sorted below
		for uid := range users {
			if _, known := k.byUID[uid]; !known {
				gone = append(gone, uid)
			}
		}
	}
	slices.Sort(gone)
	for _, uid := range slices.Compact(gone) {
		k.releaseDisks(env, uid)
	}
}

// errOncePod is why a volume for one pod is not mounted for a second
// (GenerateMountVolumeFunc).
var errOncePod = errors.New("volume uses the ReadWriteOncePod access mode and is already in use by another pod")

// isTaken reports whether a volume for one pod alone is mounted for another one.
func (k *Kubelet) isTaken(p *pod, m *mount) bool {
	modes := m.pv.Spec.AccessModes
	if len(modes) != 1 || modes[0] != corev1.ReadWriteOncePod {
		return false
	}
	for _, other := range k.slots {
		if other != nil && other != p && slices.ContainsFunc(other.volumes, func(o mount) bool { return o.done && o.pv != nil && o.pv.UID == m.pv.UID }) {
			return true
		}
	}
	return false
}
