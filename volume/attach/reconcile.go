package attach

import (
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// DefaultTimerConfig.
const (
	loopPeriod  = 100 * time.Millisecond
	maxUnmount  = 6 * time.Minute // maxWaitForUnmountDuration
	sweepPeriod = time.Minute
)

// loop is the reconciler's. Upstream's looks at everything every 100 ms; this one
// looks at the volumes about which something has changed, when that one would.
type loop struct {
	dirty map[corev1.UniqueVolumeName]bool
	armed bool
	next  engine.Time `state:"deadline"` // it comes round no earlier

	// Of the turn that is under way.
	busy     bool
	round    map[corev1.UniqueVolumeName]bool // what it looks at
	leaving  []place                          // attachments that are still to be looked at
	leaves   bool                             // the status that is being written is for the first of them
	statuses []string                         // nodes whose status is still to be written
	failed   bool                             // a status could not be written
}

func newLoop() loop {
	return loop{dirty: map[corev1.UniqueVolumeName]bool{}, round: map[corev1.UniqueVolumeName]bool{}}
}

// mark has the next turn of the loop look at a volume.
func (c *Controller) mark(env *controller.Env, volume corev1.UniqueVolumeName) {
	c.loop.dirty[volume] = true
	c.arm(env, engine.Progress)
}

// arm makes sure that a turn comes, when the loop comes round.
func (c *Controller) arm(env *controller.Env, class engine.Class) {
	l := &c.loop
	if l.armed || l.busy || !c.started {
		return
	}
	l.armed = true
	at := l.next
	if at < env.Now() { // it has gone round since without anything to do
		at = env.Now().Add(env.Span("attach/phase", 0, controller.Range{Max: loopPeriod}))
	}
	env.WakeAt(at, class, wakeTick<<56)
}

// tick begins a turn (M5, reconcile): what is to be detached, then what is to be
// attached, then what nodes are to be told.
func (c *Controller) tick(env *controller.Env) {
	l := &c.loop
	l.armed, l.busy, l.failed = false, true, false
	l.round, l.dirty = l.dirty, map[corev1.UniqueVolumeName]bool{}
	l.leaving = l.leaving[:0]
	for _, volume := range slices.Sorted(maps.Keys(l.round)) {
		l.leaving = append(l.leaving, c.actual.of(volume)...)
	}
	shuffle(env, "attach/detach-order", l.leaving)
	c.leave(env)
}

// shuffle puts a list into one of the orders in which a map may be walked.
func shuffle[T any](env *controller.Env, concern engine.Concern, list []T) {
	for n := len(list); n > 1; n-- {
		i := env.Choose(concern, "", n)
		list[i], list[n-1] = list[n-1], list[i]
	}
}

// leave goes through the attachments that are to be looked at, up to the first for
// which a node's status has to be written.
func (c *Controller) leave(env *controller.Env) {
	l := &c.loop
	for len(l.leaving) > 0 {
		p := l.leaving[0]
		if c.isToDetach(env, p) {
			c.actual.hide(p)
			if c.writeStatus(env, p.node) {
				l.leaves = true
				return // statusWritten goes on
			}
			c.begin(env, p, detaching)
		}
		l.leaving = l.leaving[1:]
	}
	c.join(env)
}

// isToDetach decides whether a volume is taken from a node now: when the node does
// not use it any more (M6), when it is out of service (M9), and when it has not been
// healthy for six minutes (M8).
func (c *Controller) isToDetach(env *controller.Env, p place) bool {
	if c.desired.wants[p] != nil {
		return false
	}
	pv := c.actual.pv(p.volume)
	if ok, until := c.ops.ready(p.volume, keyNode(pv, p.node), detaching, env.Now()); !ok {
		if until > 0 {
			c.setAlarm(env, p.volume, until)
		}
		return false
	}
	at, ok := c.actual.at(p)
	if !ok {
		return false
	}
	if !at.leaving { // SetDetachRequestTime
		at.leaving, at.expiry = true, env.Now().Add(maxUnmount+1)
		c.actual.volumes[p.volume].nodes[p.node] = at
	}
	node := env.Node(p.node)
	if !c.actual.inUse[p.node][p.volume] || isOutOfService(node) {
		return true
	}
	switch {
	case isHealthy(node):
		return false
	case env.Now() < at.expiry:
		c.setAlarm(env, p.volume, at.expiry)
		return false
	}
	return true
}

// isVerified reports whether a node is asked whether it uses a volume before that
// is detached.
func (c *Controller) isVerified(env *controller.Env, p place) bool {
	at, _ := c.actual.at(p)
	return env.Now() < at.expiry && !isOutOfService(env.Node(p.node))
}

// join attaches what is to be attached (attachDesiredVolumes).
func (c *Controller) join(env *controller.Env) {
	l := &c.loop
	maps.Copy(l.round, l.dirty)
	var list []place
	for _, volume := range slices.Sorted(maps.Keys(l.round)) {
		list = append(list, c.desired.of(volume)...)
	}
	shuffle(env, "attach/attach-order", list)
	for _, p := range list {
		c.attachOne(env, p)
	}
	l.statuses = c.actual.needy()
	shuffle(env, "attach/status-order", l.statuses)
	c.tell(env)
}

// attachOne decides about one volume that a node is to have.
func (c *Controller) attachOne(env *controller.Env, p place) {
	w := c.desired.wants[p]
	node := keyNode(w.pv, p.node)
	if c.ops.isBusy(p.volume, node) {
		return
	}
	if at, ok := c.actual.at(p); ok && at.confirmed { // ResetDetachRequestTime
		at.leaving, at.expiry = false, 0
		c.actual.volumes[p.volume].nodes[p.node] = at
		return
	}
	if !csi.IsShared(w.pv) {
		if nodes := c.actual.elsewhere(p.volume); len(nodes) > 0 {
			if !w.reported {
				w.reported = true
				c.reportElsewhere(env, p, w, nodes)
			}
			return
		}
	}
	if ok, until := c.ops.ready(p.volume, node, attaching, env.Now()); !ok {
		c.setAlarm(env, p.volume, until)
		return
	}
	c.begin(env, p, attaching)
}

// tell writes the statuses of nodes that have changed (UpdateNodeStatuses), and
// ends the turn.
func (c *Controller) tell(env *controller.Env) {
	l := &c.loop
	for len(l.statuses) > 0 {
		node := l.statuses[0]
		l.statuses = l.statuses[1:]
		if c.writeStatus(env, node) {
			return
		}
	}
	l.busy, l.next = false, env.Now().Add(loopPeriod)
	clear(l.round)
	switch {
	case l.failed:
		c.arm(env, engine.Retry)
	case len(l.dirty) > 0 || len(c.actual.needy()) > 0:
		c.arm(env, engine.Progress)
	}
}

// writeStatus sends what a node's status is to list, if that has changed
// (UpdateNodeStatusForNode). A node that is not there is not told.
func (c *Controller) writeStatus(env *controller.Env, node string) bool {
	list, needed := c.actual.take(node)
	if !needed {
		return false
	}
	obj := env.Node(node)
	if obj == nil {
		return false
	}
	env.Send(answerStatus<<56, apiserver.Request{Verb: apiserver.Patch, Subresource: apiserver.Status, Kind: apiserver.Node,
		Key: apiserver.Key{Name: node}, Patch: volumesAttached{List: list, Same: sameVolumes(obj.Status.VolumesAttached, list)}})
	c.loop.statuses = append([]string{node}, c.loop.statuses...)
	return true
}

// statusWritten goes on with a turn.
func (c *Controller) statusWritten(env *controller.Env, res apiserver.Result) {
	l := &c.loop
	node := l.statuses[0]
	l.statuses = l.statuses[1:]
	ok := res.Err == nil || apierrors.IsNotFound(res.Err)
	if !ok {
		c.actual.need(node)
		l.failed = true
	}
	if !l.leaves {
		c.tell(env)
		return
	}
	p := l.leaving[0]
	l.leaving, l.leaves = l.leaving[1:], false
	if ok {
		c.begin(env, p, detaching)
	} else {
		c.actual.show(p)
		l.dirty[p.volume] = true
	}
	c.leave(env)
}

// volumesAttached is a Patcher: the volumes that are attached to a node. Same says
// that the controller sees no difference to what it saw last of the node: its
// patch is empty.
type volumesAttached struct {
	List []corev1.AttachedVolume `state:"immutable,set"`
	Same bool
}

// Apply implements apiserver.Patcher.
func (a volumesAttached) Apply(obj apiserver.Object) (apiserver.Object, error) {
	if a.Same {
		return obj, nil
	}
	next := *obj.(*corev1.Node)
	next.Status.VolumesAttached = a.List
	return &next, nil
}

func sameVolumes(a, b []corev1.AttachedVolume) bool { return slices.Equal(a, b) }

// isManaged reports whether a node leaves its volumes to the controller.
func isManaged(node *corev1.Node) bool {
	_, ok := node.Annotations["volumes.kubernetes.io/controller-managed-attach-detach"]
	return ok
}

// isHealthy is nodeIsHealthy: a node that is not there is not.
func isHealthy(node *corev1.Node) bool {
	return node != nil && slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// isOutOfService is hasOutOfServiceTaint.
func isOutOfService(node *corev1.Node) bool {
	return node != nil && slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeOutOfService })
}
