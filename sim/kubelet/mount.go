package kubelet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/storage/ephemeral"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// mount is the work on one volume of a pod.
type mount struct {
	index    int16  // in the pod's spec
	label    string // its name in messages: the PersistentVolume's if it has one
	done     bool
	delay    time.Duration // before the next try
	err      string        // of the last try
	slow     bool          // the NFS server has yet to answer
	claim    *corev1.PersistentVolumeClaim
	pv       *corev1.PersistentVolume
	contents []apiserver.Object      // ConfigMaps and Secrets, nil for a missing one
	disk     corev1.UniqueVolumeName // if it has to be attached
	attach   diskStage
}

// startMounts mounts a pod's volumes side by side; the sync goes on when all
// are mounted (WaitForAttachAndMount). Volumes that no container mounts are
// left alone.
func (k *Kubelet) startMounts(env *controller.Env, p *pod) {
	if p.volumes == nil {
		for i := range p.api.Spec.Volumes {
			if name := p.api.Spec.Volumes[i].Name; p.uses(name) {
				p.volumes = append(p.volumes, mount{index: int16(i), label: name})
			}
		}
	}
	p.mounting, p.mountsUntil = true, env.Now().Add(mountTimeout)
	for i := range p.volumes {
		if !p.volumes[i].done && p.mounting && !p.isMounting(int16(i)) {
			k.mount(env, p, i)
		}
	}
	k.allMounted(env, p)
	for i := range p.volumes {
		if m := &p.volumes[i]; !m.done && (m.err != "" || m.attach == awaited) {
			k.limitMounts(env, p)
		}
	}
}

// mountTimeout is how long a sync waits for mounts (podAttachAndMountTimeout).
const mountTimeout = 2*time.Minute + 3*time.Second

// limitMounts has a sync end that waits for too long. It is called when a mount is
// seen to take its time: most have no need of the timer.
func (k *Kubelet) limitMounts(env *controller.Env, p *pod) {
	if left := p.mountsUntil.Sub(env.Now()); p.mounting && left > 0 && !p.pending(mountGivenUp, 0) {
		k.after(env, p, left, engine.Background, mountGivenUp, 0)
	}
}

// isMounting reports whether a mount is under way.
func (p *pod) isMounting(i int16) bool {
	return p.volumes[i].attach == awaited || p.pending(mountTry, i) || p.pending(resizeCheck, i) || p.pending(grown, i) || p.pending(attachTry, i) ||
		slices.ContainsFunc(p.calls, func(c call) bool { return c.isMount() && c.volume == i })
}

// isMount reports whether a request belongs to a mount.
func (c call) isMount() bool {
	switch c.what {
	case getClaim, getVolume, getContent, getDriver, verifyNode, getAttachment, markGrowth, endGrowth, getGrown:
		return true
	}
	return false
}

// mountGivenUp ends a sync whose mounts take too long; they go on, and the next
// sync waits for them again (WaitForAttachAndMount).
func (k *Kubelet) mountGivenUp(env *controller.Env, p *pod) {
	if !p.mounting {
		return
	}
	var unmounted, unattached []string
	for i := range p.volumes {
		m := &p.volumes[i]
		if !m.done {
			unmounted = append(unmounted, m.source(p.api).Name)
		}
		if m.attach == awaited {
			unattached = append(unattached, m.source(p.api).Name)
		}
	}
	slices.Sort(unmounted)
	slices.Sort(unattached)
	k.note(env, p, corev1.EventTypeWarning, "FailedMount",
		fmt.Sprintf("Unable to attach or mount volumes: unmounted volumes=%v, unattached volumes=%v, failed to process volumes=[]: context deadline exceeded", unmounted, unattached))
	p.mounting, p.mountsUntil, p.failed = false, 0, true
	k.done(env, p)
}

func (p *pod) uses(volume string) bool {
	for i := range p.containers {
		spec := p.containers[i].spec(p.api)
		for j := range spec.VolumeMounts {
			if spec.VolumeMounts[j].Name == volume {
				return true
			}
		}
		for j := range spec.VolumeDevices {
			if spec.VolumeDevices[j].Name == volume {
				return true
			}
		}
	}
	return false
}

// stopMounting gives the mounts up that are under way.
func (k *Kubelet) stopMounting(p *pod) {
	p.mounting, p.mountsUntil = false, 0
	p.stop(mountGivenUp, 0)
	for i := range p.volumes {
		p.stop(mountTry, int16(i))
		p.stop(attachTry, int16(i))
		if !p.volumes[i].done {
			p.volumes[i].attach = unattached
			p.stop(resizeCheck, int16(i))
			p.stop(grown, int16(i))
		}
	}
	p.calls = slices.DeleteFunc(p.calls, func(c call) bool {
		return c.isMount() && !p.volumes[c.volume].done
	})
}

func (k *Kubelet) allMounted(env *controller.Env, p *pod) {
	for i := range p.volumes {
		if !p.volumes[i].done {
			return
		}
	}
	if p.mounting {
		p.mounting, p.mountsUntil, p.mounted = false, 0, true
		p.stop(mountGivenUp, 0)
		k.syncContainers(env, p)
	}
}

// source is the volume's part of the pod's spec.
func (m *mount) source(obj *corev1.Pod) *corev1.Volume { return &obj.Spec.Volumes[m.index] }

// mount begins a volume: what it needs is read from the API, live, and then it
// is mounted.
func (k *Kubelet) mount(env *controller.Env, p *pod, i int) {
	m := &p.volumes[i]
	src := m.source(p.api)
	switch {
	case src.PersistentVolumeClaim != nil || src.Ephemeral != nil:
		k.call(env, p, call{what: getClaim, volume: int16(i)}, apiserver.Request{
			Verb: apiserver.Get, Kind: apiserver.PersistentVolumeClaim, Key: apiserver.Key{Namespace: p.key.Namespace, Name: m.claimName(p.api)},
		})
	case src.NFS != nil:
		k.after(env, p, span(env, p, "kubelet/mount", k.cfg.Latency.Mount), engine.Progress, mountTry, int16(i))
	default:
		m.contents = nil
		k.content(env, p, i)
	}
}

// content asks for the next ConfigMap or Secret of a volume; with all of them
// the volume is mounted.
func (k *Kubelet) content(env *controller.Env, p *pod, i int) {
	m := &p.volumes[i]
	refs := contentRefs(m.source(p.api))
	if n := len(m.contents); n < len(refs) {
		k.call(env, p, call{what: getContent, volume: int16(i)}, apiserver.Request{
			Verb: apiserver.Get, Kind: refs[n].kind, Key: apiserver.Key{Namespace: p.key.Namespace, Name: refs[n].name},
		})
		return
	}
	k.after(env, p, 0, engine.Progress, mountTry, int16(i))
}

// fetched takes in what a volume needs (createVolumeSpec).
func (k *Kubelet) fetched(env *controller.Env, p *pod, c call, res apiserver.Result) {
	i := int(c.volume)
	m := &p.volumes[i]
	switch c.what {
	case getContent:
		if res.Err != nil {
			res.Object = nil
		}
		m.contents = append(m.contents, res.Object)
		k.content(env, p, i)
	case getClaim:
		claim, _ := res.Object.(*corev1.PersistentVolumeClaim)
		err := claimError(claim, res.Err)
		if err == nil && m.source(p.api).Ephemeral != nil {
			err = ephemeral.VolumeIsForPod(p.api, claim)
		}
		if err != nil {
			k.unprocessable(env, p, i, c, err)
			return
		}
		m.claim = claim
		k.call(env, p, call{what: getVolume, volume: c.volume}, apiserver.Request{
			Verb: apiserver.Get, Kind: apiserver.PersistentVolume, Key: apiserver.Key{Name: claim.Spec.VolumeName},
		})
	case getVolume:
		pv, _ := res.Object.(*corev1.PersistentVolume)
		if err := volumeError(m.claim, pv, res.Err); err != nil {
			k.unprocessable(env, p, i, c, err)
			return
		}
		m.pv, m.label = pv, pv.Name
		if !k.askDriver(env, p, c.volume) {
			k.beginMount(env, p, c.volume)
		}
	case getDriver:
		k.driverRead(env, p, c.volume, res)
	case verifyNode:
		k.diskVerified(env, p, c.volume, res)
	case getAttachment:
		k.attachmentRead(env, p, c.volume, res)
	}
}

// beginMount mounts a volume that is attached if it has to be.
func (k *Kubelet) beginMount(env *controller.Env, p *pod, i int16) {
	if k.expands(env, p, i) {
		return // the mount goes on when its file system has grown
	}
	k.after(env, p, span(env, p, "kubelet/mount", k.cfg.Latency.Mount), engine.Progress, mountTry, i)
}

// claimError says why a claim cannot be mounted (getPVCExtractPV), or nil.
func claimError(claim *corev1.PersistentVolumeClaim, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("failed to fetch PVC from API server: %w", err)
	case claim.DeletionTimestamp != nil && !slices.Contains(claim.Finalizers, "kubernetes.io/pvc-protection"):
		return errors.New("PVC is being deleted")
	case claim.Status.Phase != corev1.ClaimBound:
		return errors.New("PVC is not bound")
	case claim.Spec.VolumeName == "":
		return errors.New("PVC has empty pvc.Spec.VolumeName")
	}
	return nil
}

// volumeError says why a claim's volume cannot be mounted (getPVSpec), or nil.
func volumeError(claim *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("failed to fetch PV %s from API server: %w", claim.Spec.VolumeName, err)
	case pv.Spec.ClaimRef == nil:
		return fmt.Errorf("found PV object %s but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim", pv.Name)
	case pv.Spec.ClaimRef.UID != claim.UID:
		return fmt.Errorf("found PV object %s but its pv.Spec.ClaimRef.UID %s does not point to claim.UID %s", pv.Name, pv.Spec.ClaimRef.UID, claim.UID)
	}
	return nil
}

// unprocessable ends the sync because a claim cannot be used; the worker tries
// again like after any failed sync.
func (k *Kubelet) unprocessable(env *controller.Env, p *pod, i int, c call, err error) {
	name := p.volumes[i].claimName(p.api)
	var missing []string
	for j := range p.volumes {
		if !p.volumes[j].done {
			missing = append(missing, p.volumes[j].source(p.api).Name)
		}
	}
	slices.Sort(missing)
	p.volumes[i].err = fmt.Sprintf("error processing PVC %s/%s: %v", p.key.Namespace, name, err)
	k.note(env, p, corev1.EventTypeWarning, "FailedMount",
		fmt.Sprintf("Unable to attach or mount volumes: unmounted volumes=%v, unattached volumes=[], failed to process volumes=[%s]: %s",
			missing, p.volumes[i].source(p.api).Name, p.volumes[i].err))
	if !p.mounting {
		return // between two syncs: the next one begins anew
	}
	k.stopMounting(p)
	p.failed = true
	k.done(env, p)
}

// claimName is the name of the claim that a volume is.
func (m *mount) claimName(obj *corev1.Pod) string {
	if src := m.source(obj); src.PersistentVolumeClaim != nil {
		return src.PersistentVolumeClaim.ClaimName
	}
	return obj.Name + "-" + m.source(obj).Name
}

// mountTry mounts one volume. If that fails, it is tried again after 500 ms,
// doubling to 2 m 2 s, and an Event says why each time (M4).
func (k *Kubelet) mountTry(env *controller.Env, p *pod, i int) {
	m := &p.volumes[i]
	if m.err != "" && m.contents != nil { // a retry reads anew
		m.err = ""
		k.mount(env, p, i)
		return
	}
	w := env.World().(*World)
	if d := w.NFS.Delay(m.server(p.api)); d > 0 && !m.slow { // it answers late
		m.slow = true
		k.after(env, p, d, engine.Progress, mountTry, int16(i))
		return
	}
	m.slow = false
	v, err := k.volume(w, p, m)
	if err != nil {
		m.err = err.Error()
		k.limitMounts(env, p)
		m.delay = min(max(2*m.delay, mountBackoffBase), mountBackoffMax)
		k.note(env, p, corev1.EventTypeWarning, "FailedMount", fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", m.label, err))
		k.after(env, p, m.delay, engine.Retry, mountTry, int16(i))
		return
	}
	m.done, m.err, m.contents = true, "", nil
	v.name = m.source(p.api).Name
	k.machine(w).enter(p).mount(v)
	k.allMounted(env, p)
}

// volume makes the volume, or says why it cannot be mounted. Any number of
// nodes may mount an export at a time, whatever the access mode (M1).
func (k *Kubelet) volume(w *World, p *pod, m *mount) (volume, error) {
	src := m.source(p.api)
	switch {
	case m.pv != nil && k.isTaken(p, m):
		return volume{}, errOncePod
	case m.pv != nil && m.pv.Spec.NFS != nil:
		readOnly := src.PersistentVolumeClaim != nil && src.PersistentVolumeClaim.ReadOnly
		return k.mountNFS(w, p, m, m.pv.Spec.NFS, m.pv.Spec.MountOptions, readOnly)
	case m.pv != nil && m.pv.Spec.Local != nil:
		return volume{tree: "node/" + k.cfg.Node + m.pv.Spec.Local.Path}, nil
	case m.pv != nil && m.pv.Spec.HostPath != nil:
		return k.hostPath(w, m.pv.Spec.HostPath)
	case m.pv != nil: // any other source is a disk of its own
		return volume{tree: "pv/" + string(m.pv.UID) + "/" + m.pv.Name}, nil
	case src.NFS != nil:
		return k.mountNFS(w, p, m, src.NFS, nil, src.NFS.ReadOnly)
	case src.HostPath != nil:
		return k.hostPath(w, src.HostPath)
	case src.EmptyDir != nil:
		if v := k.machine(w).enter(p).volume(src.Name); v != nil && src.EmptyDir.Medium != corev1.StorageMediumMemory {
			return *v, nil // the machine was off: the directory is on its disk
		}
		return volume{}, nil
	}
	files, err := k.contentFiles(p, src, m.contents)
	if err != nil {
		return volume{}, err
	}
	return volume{files: files, readOnly: true}, nil
}

// server is the NFS server of a volume, or "".
func (m *mount) server(obj *corev1.Pod) string {
	switch src := m.source(obj); {
	case m.pv != nil && m.pv.Spec.NFS != nil:
		return m.pv.Spec.NFS.Server
	case src.NFS != nil:
		return src.NFS.Server
	}
	return ""
}

// mountNFS mounts an export; its error is what mount-utils makes of the words
// of mount.nfs.
func (k *Kubelet) mountNFS(w *World, p *pod, m *mount, nfs *corev1.NFSVolumeSource, options []string, readOnly bool) (volume, error) {
	if err := w.NFS.Mount(nfs.Server, nfs.Path); err != nil {
		if readOnly {
			options = append(slices.Clone(options), "ro")
		}
		opts := ""
		if len(options) > 0 {
			opts = "-o " + strings.Join(options, ",") + " "
		}
		return volume{}, fmt.Errorf("mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs %s%s:%s /var/lib/kubelet/pods/%s/volumes/kubernetes.io~nfs/%s\nOutput: %w\n",
			opts, nfs.Server, nfs.Path, p.uid, m.label, err)
	}
	return volume{server: nfs.Server, path: nfs.Path, readOnly: readOnly || nfs.ReadOnly}, nil
}
