package kubelet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/resize"
)

// A volume that was enlarged gets its file system enlarged by the kubelet (V16):
// while it is mounted (expandVolumeDuringMount), or in use
// (GenerateExpandInUseVolumeFunc), which the kubelet notices when it looks at the
// pod for the next time, each 60 to 90 s. Both end in NodeExpander.expandOnPlugin.

// Resized tells the kubelet that a claim's volume has been enlarged: what it would
// notice when it next looks at each of its pods that have it mounted. The look is
// scheduled here, for pods at rest have none. It returns whether there is such a
// pod.
func (k *Kubelet) Resized(env *controller.Env, claim apiserver.Key) bool {
	if k.down {
		return false // it reads everything anew when it returns
	}
	found := false
	for _, p := range k.slots {
		if p == nil || p.stage != syncing || p.key.Namespace != claim.Namespace {
			continue
		}
		for i := range p.volumes {
			m := &p.volumes[i]
			if !m.done || m.claim == nil || m.claim.Name != claim.Name || m.isReadOnly(p.api) {
				continue
			}
			found = true
			wait := controller.Range{Max: resyncPeriod + resyncPeriod*resyncJitter/100}
			k.after(env, p, span(env, p, "kubelet/resync", wait), engine.Progress, resizeCheck, int16(i))
		}
	}
	return found
}

// resyncJitter is by how much, in percent, the time between two looks at a pod at
// rest is lengthened at most (workerResyncIntervalJitterFactor).
const resyncJitter = 50

// isReadOnly reports whether a pod mounts a claim for reading alone: such a
// volume is not enlarged (checkVolumeFSResize).
func (m *mount) isReadOnly(obj *corev1.Pod) bool {
	c := m.source(obj).PersistentVolumeClaim
	return c != nil && c.ReadOnly
}

// checkResize reads the claim and its volume again.
func (k *Kubelet) checkResize(env *controller.Env, p *pod, i int16) {
	if p.stage != syncing {
		return
	}
	m := &p.volumes[i]
	k.call(env, p, call{what: getGrown, volume: i}, apiserver.Request{
		Verb: apiserver.Get, Kind: apiserver.PersistentVolumeClaim, Key: apiserver.KeyOf(m.claim),
	})
}

// expands reports whether a volume's file system is to be enlarged here, and has
// that begin (runPreCheck, MarkNodeExpansionInProgress). Volumes of CSI drivers
// alone can be.
//
// Deviation: a claim without a status of its resize, as resizers older than
// v1.32 leave it, is left alone.
func (k *Kubelet) expands(env *controller.Env, p *pod, i int16) bool {
	m := &p.volumes[i]
	if m.pv == nil || m.pv.Spec.CSI == nil || m.isReadOnly(p.api) || !resize.IsOnNode(m.claim) {
		return false
	}
	allocated, has := m.claim.Status.AllocatedResources[corev1.ResourceStorage], m.claim.Status.Capacity[corev1.ResourceStorage]
	if allocated.Cmp(has) <= 0 {
		return false
	}
	k.writeClaim(env, p, markGrowth, i, resize.OnNode(m.claim))
	return true
}

// writeClaim writes a claim's status, unless it is that already.
func (k *Kubelet) writeClaim(env *controller.Env, p *pod, what callKind, i int16, claim *corev1.PersistentVolumeClaim) {
	req := apiserver.Request{Verb: apiserver.Update, Kind: apiserver.PersistentVolumeClaim, Subresource: apiserver.Status,
		Key: apiserver.KeyOf(claim), Object: claim, Given: true}
	if old := p.volumes[i].claim; resize.Status(old) == resize.Status(claim) {
		req = apiserver.Request{Verb: apiserver.Get, Kind: apiserver.PersistentVolumeClaim, Key: req.Key}
	}
	k.call(env, p, call{what: what, volume: i}, req)
}

// growth takes the answer to a request of an expansion and goes on.
func (k *Kubelet) growth(env *controller.Env, p *pod, c call, res apiserver.Result) {
	i := c.volume
	m := &p.volumes[i]
	claim, _ := res.Object.(*corev1.PersistentVolumeClaim)
	if res.Err != nil || claim == nil || p.stage != syncing {
		k.growthFailed(env, p, i, res.Err)
		return
	}
	m.claim = claim
	switch c.what {
	case getGrown:
		if !k.expands(env, p, i) && !m.done {
			k.after(env, p, 0, engine.Progress, mountTry, i)
		}
	case markGrowth:
		k.after(env, p, span(env, p, "kubelet/mount", k.cfg.Latency.Mount), engine.Progress, grown, i)
	case endGrowth:
		if !m.done {
			k.after(env, p, 0, engine.Progress, mountTry, i)
		}
	}
}

// fileSystemGrown says that the driver has enlarged a file system, and has the
// claim say so (MarkNodeExpansionFinishedWithRecovery).
func (k *Kubelet) fileSystemGrown(env *controller.Env, p *pod, i int16) {
	if p.stage != syncing {
		return
	}
	m := &p.volumes[i]
	message := fmt.Sprintf("MountVolume.NodeExpandVolume succeeded for volume %q %s", m.label, k.cfg.Node)
	k.note(env, p, corev1.EventTypeNormal, "FileSystemResizeSuccessful", message)
	env.Note(controller.Note{About: m.claim, Type: corev1.EventTypeNormal, Reason: "FileSystemResizeSuccessful", Message: message})
	k.writeClaim(env, p, endGrowth, i, resize.Finished(m.claim, m.claim.Status.AllocatedResources[corev1.ResourceStorage]))
}

// growthFailed has an expansion begin again, after the pause of mounts: somebody
// else wrote the claim.
func (k *Kubelet) growthFailed(env *controller.Env, p *pod, i int16, err error) {
	if p.stage != syncing || err == nil {
		return
	}
	m := &p.volumes[i]
	m.delay = min(max(2*m.delay, mountBackoffBase), mountBackoffMax)
	prefix := "NodeExpandVolume.NodeExpandVolume failed"
	reason := "VolumeResizeFailed"
	if !m.done {
		prefix, reason = "MountVolume.Setup failed while expanding volume", "FailedMount"
	}
	k.note(env, p, corev1.EventTypeWarning, reason, fmt.Sprintf("%s for volume %q : %s", prefix, m.label, err))
	k.after(env, p, m.delay, engine.Retry, resizeCheck, i)
}
