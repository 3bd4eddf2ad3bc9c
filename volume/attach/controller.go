package attach

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Controller is the attach/detach controller. Use New.
type Controller struct {
	started bool
	desired desired
	actual  actual
	ops     pending
	tasks   map[uint32]*task  `state:"incidental" why:"counts in HashAlso"`
	names   map[string]uint32 `state:"incidental" why:"an index of the tasks"` // by the VolumeAttachments that they wait for
	last    uint32            `state:"incidental" why:"it tells tasks apart"`

	loop   loop
	alarms []alarm
	sweeps sweeps
	absent map[types.UID]user                   // on a node that is not managed, or with a volume that is not to be found
	claims map[apiserver.Key]map[types.UID]bool // of those
}

// alarm has a volume be looked at.
type alarm struct {
	at     engine.Time
	volume corev1.UniqueVolumeName
}

// What tells apart wake-ups and answers, in the top byte.
const (
	wakeTick uint64 = iota + 1
	wakeAlarm
	wakeSweep
	wakeLook   // a task's
	wakeExpiry // likewise
	answerStatus
	answerTask
)

var (
	_ controller.Selective = (*Controller)(nil)
	_ controller.ArgHasher = (*Controller)(nil)
)

// New returns a controller that has seen nothing yet.
func New() *Controller {
	return &Controller{desired: newDesired(), actual: newActual(), tasks: map[uint32]*task{}, names: map[string]uint32{},
		loop: newLoop(), absent: map[types.UID]user{}, claims: map[apiserver.Key]map[types.UID]bool{}}
}

// Name implements controller.Actor.
func (*Controller) Name() string { return "attachdetach-controller" }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.CSIDriver, apiserver.PersistentVolume, apiserver.PersistentVolumeClaim,
		apiserver.VolumeAttachment, apiserver.Node, apiserver.Pod}
}

// Heeds implements controller.Selective: nodes; pods that come to a node or end; claims and volumes while a pod misses
// one; attachments that an operation waits for.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	switch obj := rec.Object.(type) {
	case *corev1.Node:
		return true
	case *corev1.Pod:
		if obj.Spec.NodeName == "" || !hasClaims(obj) {
			return false
		}
		known := len(c.desired.byPod[obj.UID]) > 0
		ended := rec.Type == watch.Deleted || hasEnded(obj)
		return known == ended || c.absent[obj.UID].Pod != nil
	case *corev1.PersistentVolumeClaim:
		return rec.Type != watch.Deleted && obj.Status.Phase == corev1.ClaimBound && len(c.claims[rec.Key]) > 0
	case *corev1.PersistentVolume:
		return len(c.claims) > 0
	}
	if a, ok := rec.Object.(*storagev1.VolumeAttachment); ok {
		_, ok := c.names[rec.Key.Name]
		return ok || isLost(rec, a)
	}
	return true // drivers
}

// Observe implements controller.Actor. Nothing is done before everything that
// exists has been listed.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	if !c.started {
		if env.Synced() {
			c.start(env)
		}
		return
	}
	gone := rec.Type == watch.Deleted
	switch obj := rec.Object.(type) {
	case *corev1.Node:
		c.observeNode(env, obj, rec.Type)
	case *corev1.Pod:
		c.observePod(env, obj, gone)
	case *corev1.PersistentVolumeClaim:
		c.observeClaim(env, rec.Key)
	case *corev1.PersistentVolume:
		c.sweepAll(env)
	case *storagev1.VolumeAttachment:
		c.observeAttachment(env, rec, obj)
	default:
		c.sweepSoon(env) // volumes of the driver may not have to be attached any more
	}
}

// isLost reports whether a record says that a volume is not attached any more.
func isLost(rec *apiserver.Record, a *storagev1.VolumeAttachment) bool {
	old, _ := rec.Old.(*storagev1.VolumeAttachment)
	return rec.Type == watch.Deleted || old != nil && old.Status.Attached && !a.Status.Attached
}

// observeNode is nodeAdd, nodeUpdate and nodeDelete.
func (c *Controller) observeNode(env *controller.Env, node *corev1.Node, typ watch.EventType) {
	if typ == watch.Deleted {
		c.desired.leave(node.Name)
	} else if isManaged(node) && c.desired.manage(node.Name) {
		c.sweepAll(env)
	}
	for _, volume := range c.actual.mounted(node.Name, node.Status.VolumesInUse) {
		c.mark(env, volume)
	}
	for volume := range c.actual.onNode[node.Name] { // marks in a set
		if c.desired.wants[place{volume, node.Name}] == nil {
			c.mark(env, volume)
		}
	}
	if typ == watch.Added && c.actual.need(node.Name) {
		c.arm(env, engine.Progress)
	}
}

// observePod is podAdd, podUpdate and podDelete.
func (c *Controller) observePod(env *controller.Env, pod *corev1.Pod, gone bool) {
	if pod.Spec.NodeName == "" {
		return
	}
	add := !gone && !hasEnded(pod)
	changed, unknown := c.process(env.View, pod, add)
	for _, volume := range changed {
		c.mark(env, volume)
	}
	c.miss(env, pod, add && unknown)
	if !add && len(c.desired.byPod[pod.UID]) > 0 {
		c.sweepSoon(env) // its volumes are not to be found: the next sweep drops them
	}
}

// miss remembers whether a volume of a pod is not to be found.
func (c *Controller) miss(env *controller.Env, pod *corev1.Pod, misses bool) {
	known := c.absent[pod.UID].Pod != nil
	if misses == known {
		return
	}
	if misses {
		c.absent[pod.UID] = user{pod}
	} else {
		delete(c.absent, pod.UID)
	}
	if _, managed := c.desired.nodes[pod.Spec.NodeName]; !managed && misses {
		return // nothing but the node can help
	}
	fresh, first := false, len(c.claims) == 0
	for i := range pod.Spec.Volumes {
		key := apiserver.Key{Namespace: pod.Namespace, Name: claimOf(pod, &pod.Spec.Volumes[i])}
		switch {
		case key.Name == "":
		case !misses:
			if delete(c.claims[key], pod.UID); len(c.claims[key]) == 0 {
				delete(c.claims, key)
			}
		case c.claims[key] == nil:
			c.claims[key], fresh = map[types.UID]bool{pod.UID: true}, true
		default:
			c.claims[key][pod.UID] = true
		}
	}
	if fresh && first {
		env.Reheed(apiserver.PersistentVolume)
	}
	if fresh {
		env.Reheed(apiserver.PersistentVolumeClaim)
	}
}

// observeClaim looks again at the pods that use a claim which is bound
// (syncPVCByKey).
func (c *Controller) observeClaim(env *controller.Env, key apiserver.Key) {
	if claim := env.Claim(key); claim == nil || claim.Status.Phase != corev1.ClaimBound || claim.Spec.VolumeName == "" {
		return
	}
	var pods []*corev1.Pod
	for uid := range c.claims[key] { // sorted below
		pods = append(pods, c.absent[uid].Pod)
	}
	sortPods(pods)
	for _, pod := range pods {
		c.observePod(env, pod, false)
	}
}

// missing lists the pods of which a volume is not to be found, by name.
func (c *Controller) missing() []*corev1.Pod {
	var list []*corev1.Pod
	for _, u := range c.absent { // sorted below
		list = append(list, u.Pod)
	}
	sortPods(list)
	return list
}

func sortPods(list []*corev1.Pod) {
	slices.SortFunc(list, func(a, b *corev1.Pod) int {
		return cmp.Or(apiserver.KeyOf(a).Compare(apiserver.KeyOf(b)), cmp.Compare(a.UID, b.UID))
	})
}

// HashAlso takes in the operations, whose numbers are handles.
func (c *Controller) HashAlso(h *state.Hasher) {
	h.Within(c.Name())
	h.Set(func(one func(func())) {
		for id, t := range c.tasks { // a set
			one(func() {
				h.Handle(uint64(id))
				h.Value(t)
			})
		}
	})
}

// HashArg takes in which operation a number stands for.
func (c *Controller) HashArg(h *state.Hasher, arg uint64, _ bool) {
	h.Within(c.Name())
	h.Number(arg >> 56)
	if id := uint64(uint32(arg)); id != 0 {
		h.Handle(id)
	}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	id := uint32(arg)
	switch arg >> 56 {
	case wakeTick:
		c.tick(env)
	case wakeAlarm:
		for len(c.alarms) > 0 && c.alarms[0].at <= env.Now() {
			volume := c.alarms[0].volume
			c.alarms = c.alarms[1:]
			c.mark(env, volume)
		}
	case wakeSweep:
		c.sweep(env)
	case wakeLook:
		c.look(env, id)
	case wakeExpiry:
		c.expire(env, id)
	}
}

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	if token>>56 == answerStatus {
		c.statusWritten(env, res)
	} else {
		c.taskAnswered(env, uint32(token), res)
	}
}

// Waiting implements controller.Actor: the pods whose volumes are not attached,
// and why.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for p, w := range c.desired.wants { // sorted below
		if at, _ := c.actual.at(p); at.confirmed {
			continue
		}
		for _, pod := range w.scheduled() {
			ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), Reason: c.reason(p, w)})
		}
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.Reason, b.Reason)) })
	return ws
}

// setAlarm has a volume be looked at at a time.
func (c *Controller) setAlarm(env *controller.Env, volume corev1.UniqueVolumeName, at engine.Time) {
	a := alarm{at, volume}
	i, found := slices.BinarySearchFunc(c.alarms, a, func(a, b alarm) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.volume, b.volume))
	})
	if !found {
		c.alarms = slices.Insert(c.alarms, i, a)
		env.WakeAt(at, engine.Retry, wakeAlarm<<56)
	}
}
