package attach

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// start takes in what there is when the controller begins: what nodes say is
// attached, what VolumeAttachments say may be, and the pods
// (populateActualStateOfWorld, populateDesiredStateOfWorld).
func (c *Controller) start(env *controller.Env) {
	c.started = true
	c.sweeps.began = env.Now()
	for _, obj := range env.List(apiserver.Node, "") {
		node := obj.(*corev1.Node)
		for _, v := range node.Status.VolumesAttached {
			c.actual.set(place{v.Name, node.Name}, nil, true)
		}
		c.actual.mounted(node.Name, node.Status.VolumesInUse)
		if isManaged(node) {
			c.desired.manage(node.Name)
		}
	}
	c.startAttachments(env)
	for _, obj := range env.List(apiserver.Pod, "") {
		if pod := obj.(*corev1.Pod); pod.Spec.NodeName != "" && hasClaims(pod) {
			c.startPod(env, pod)
		}
	}
	for volume := range c.actual.volumes { // marks in a set
		c.mark(env, volume)
	}
}

// startAttachments is processVolumeAttachments.
func (c *Controller) startAttachments(env *controller.Env) {
	for _, obj := range env.List(apiserver.VolumeAttachment, "") {
		a := obj.(*storagev1.VolumeAttachment)
		if a.Spec.Source.PersistentVolumeName == nil {
			continue
		}
		pv := env.Volume(*a.Spec.Source.PersistentVolumeName)
		if pv == nil {
			continue
		}
		vol, ok := attachable(env.View, pv)
		if !ok {
			continue
		}
		p := place{vol.UniqueName(), a.Spec.NodeName}
		if _, known := c.actual.at(p); !known {
			c.actual.set(p, remembered(pv), false)
		}
	}
}

func (c *Controller) startPod(env *controller.Env, pod *corev1.Pod) {
	c.observePod(env, pod, false)
	for i := range pod.Spec.Volumes {
		if claimOf(pod, &pod.Spec.Volumes[i]) == "" {
			continue
		}
		pv, known := volumeOf(env.View, pod, &pod.Spec.Volumes[i])
		if !known {
			continue
		}
		vol, ok := attachable(env.View, pv)
		if !ok {
			continue
		}
		p := place{vol.UniqueName(), pod.Spec.NodeName}
		node := env.Node(p.node)
		if at, ok := c.actual.at(p); ok && at.confirmed && node != nil &&
			slices.ContainsFunc(node.Status.VolumesAttached, func(a corev1.AttachedVolume) bool { return a.Name == p.volume }) {
			c.actual.set(p, remembered(pv), true)
		}
	}
}

// sweeps is the populator: each minute it drops what no pod wants any more, and
// each third it adds what was missed. It comes only when there is something to
// find.
type sweeps struct {
	began engine.Time `state:"incidental" why:"the phase of ticks is a latency"`
	soon  bool        // there is something to drop
	all   bool        // there may be something to add
	lost  bool        // a VolumeAttachment has changed that nobody looks at
	at    engine.Time `state:"deadline"` // for which it is armed; 0: not
}

// sweepSoon has the next sweep come.
func (c *Controller) sweepSoon(env *controller.Env) {
	c.sweeps.soon = true
	c.armSweep(env)
}

// verifySoon has the next sweep compare what is attached with the
// VolumeAttachments.
func (c *Controller) verifySoon(env *controller.Env) {
	c.sweeps.lost = true
	c.armSweep(env)
}

// sweepAll has the next sweep come that looks at all pods.
func (c *Controller) sweepAll(env *controller.Env) {
	if len(c.absent) > 0 {
		c.sweeps.all = true
		c.armSweep(env)
	}
}

func (c *Controller) armSweep(env *controller.Env) {
	s := &c.sweeps
	period := sweepPeriod
	if !s.soon && !s.lost {
		period = 3 * sweepPeriod
	}
	passed := env.Now().Sub(s.began)
	at := s.began.Add((passed/period + 1) * period)
	if s.at > env.Now() && s.at <= at {
		return
	}
	s.at = at
	env.WakeAt(at, engine.Progress, wakeSweep<<56)
}

// sweep is a run of the populator (populatorLoopFunc).
func (c *Controller) sweep(env *controller.Env) {
	s := &c.sweeps
	if env.Now() != s.at {
		return
	}
	s.at, s.soon = 0, false
	if s.lost {
		s.lost = false
		c.verify(env)
	}
	c.dropGone(env)
	if passed := env.Now().Sub(s.began); s.all && passed%(3*sweepPeriod) == 0 { // findAndAddActivePods
		s.all = false
		for _, pod := range c.missing() {
			c.miss(env, pod, false)
			c.observePod(env, pod, false)
		}
	}
	if s.all {
		c.armSweep(env)
	}
}

// dropGone is findAndRemoveDeletedPods.
func (c *Controller) dropGone(env *controller.Env) {
	var pods []types.UID
	for uid := range c.desired.byPod { // sorted below
		pods = append(pods, uid)
	}
	slices.SortFunc(pods, func(a, b types.UID) int { return cmp.Compare(a, b) })
	for _, uid := range pods {
		for _, p := range slices.Clone(c.desired.byPod[uid]) {
			w := c.desired.wants[p]
			pod := env.Pod(apiserver.KeyOf(w.pods[uid].Pod))
			if _, ok := attachable(env.View, w.pv); ok && pod != nil && pod.UID == uid && !hasEnded(pod) {
				continue
			}
			c.desired.drop(p, uid)
			c.mark(env, p.volume)
		}
	}
}

// verify forgets what is not attached any more, by the VolumeAttachments
// (VerifyVolumesAreAttached): what is wanted is then attached again.
func (c *Controller) verify(env *controller.Env) {
	for _, volume := range slices.Sorted(maps.Keys(c.actual.volumes)) {
		vol, ok := csi.Named(volume)
		pv := c.actual.pv(volume)
		if !ok || pv == nil {
			continue
		}
		if _, ok := attachable(env.View, pv); !ok {
			continue
		}
		for _, p := range c.actual.of(volume) {
			at, _ := c.actual.at(p)
			a, _ := env.Get(apiserver.VolumeAttachment, apiserver.Key{Name: vol.Attachment(p.node)}).(*storagev1.VolumeAttachment)
			if at.confirmed && (a == nil || !a.Status.Attached) {
				c.actual.remove(p)
				c.mark(env, volume)
			}
		}
	}
}
