package kubelet

import (
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// registration is what a kubelet does about its Node and its Lease. Nothing of it
// is periodic: a status that is as it should be is not written again (upstream
// does so each five minutes), and renewals are computed (see pulse).
type registration struct {
	obj        *corev1.Node // as the watch delivered it last; nil: there is none
	registered bool         // since the process came up: it is done once (registrationCompleted)
	cut        bool         // off from the API server
	process    uint32       `state:"incidental" why:"it tells processes apart"` // wake-ups and answers of earlier ones are void
	waits      [nodeTimers]bool
	// unready is why the node is not ready although its kubelet runs.
	unready string
}

// nodeSlot marks the tokens and wake-ups that are the node's, not a pod's.
const nodeSlot = 1<<31 - 1

// nodeTimer is what such a wake-up, or a request, is for.
type nodeTimer uint8

const (
	register nodeTimer = iota
	readNode
	writeStatus
	renewLease
	createLease
	nodeTimers
)

func (k *Kubelet) nodeToken(what nodeTimer) uint64 {
	return nodeSlot<<32 | uint64(what)<<24 | uint64(k.self.process&0xffffff)
}

// nodeAfter wakes the node after a span, unless it waits for that already.
func (k *Kubelet) nodeAfter(env *controller.Env, d time.Duration, class engine.Class, what nodeTimer) {
	if k.self.waits[what] {
		return
	}
	k.self.waits[what] = true
	env.WakeAfter(d, class, k.nodeToken(what))
}

// isNodes reports whether a token or wake-up is the node's, and what it is for;
// ok says that it is not of an earlier process.
func (k *Kubelet) isNodes(arg uint64) (what nodeTimer, isNodes, ok bool) {
	if arg>>32 != nodeSlot {
		return 0, false, false
	}
	return nodeTimer(arg >> 24 & 0xff), true, uint32(arg&0xffffff) == k.self.process&0xffffff && !k.down
}

// wakeNode runs a timer of the node's.
func (k *Kubelet) wakeNode(env *controller.Env, what nodeTimer) {
	k.self.waits[what] = false
	key := apiserver.Key{Name: k.cfg.Node}
	switch {
	case k.self.cut:
		// resume begins anew.
	case what == register:
		env.Send(k.nodeToken(readNode), apiserver.Request{Verb: apiserver.Get, Kind: apiserver.Node, Key: key})
	case what == writeStatus:
		env.Send(k.nodeToken(writeStatus), apiserver.Request{Verb: apiserver.Patch, Subresource: apiserver.Status,
			Kind: apiserver.Node, Key: key, Patch: nodeStatus{k.self.unready, apiserver.Stamp(env.Now()), k.disks.inUse()}})
	case what == renewLease:
		env.Send(k.nodeToken(renewLease), apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.Lease,
			Key: LeaseKey(k.cfg.Node), Patch: Renewal{env.Now()}})
	}
}

// answered takes in the answer to a request of the node's.
func (k *Kubelet) answered(env *controller.Env, what nodeTimer, res apiserver.Result) {
	failed := res.Err != nil && !apierrors.IsNotFound(res.Err)
	switch what {
	case readNode:
		switch {
		case failed:
			k.nodeAfter(env, ensureBackoff, engine.Retry, register)
		case res.Err != nil && k.cfg.Registers == nil:
		case res.Err != nil: // tryRegisterWithAPIServer
			env.Send(k.nodeToken(register), apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Node,
				Key: apiserver.Key{Name: k.cfg.Node}, Object: k.fresh(env.Now())})
		default:
			k.join(env, res.Object.(*corev1.Node))
		}
	case register:
		if res.Err != nil {
			k.nodeAfter(env, ensureBackoff, engine.Retry, register)
			return
		}
		k.join(env, res.Object.(*corev1.Node))
	case writeStatus:
		switch {
		case failed:
			k.nodeAfter(env, statusFrequency, engine.Retry, writeStatus)
		case res.Err == nil:
			k.statusPosted(env, res.Object.(*corev1.Node))
		}
	case renewLease:
		switch {
		case failed:
			k.nodeAfter(env, ensureBackoff, engine.Retry, renewLease)
		case res.Err != nil && k.self.obj != nil:
			env.Send(k.nodeToken(createLease), apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Lease,
				Key: LeaseKey(k.cfg.Node), Object: NewLease(k.self.obj, env.Now())})
		case res.Err == nil:
			k.renewed(env, res.Object.(*coordinationv1.Lease))
		}
	case createLease:
		if apierrors.IsNotFound(res.Err) {
			return // there is no namespace for it, which a node can live without
		}
		if res.Err != nil {
			k.nodeAfter(env, ensureBackoff, engine.Retry, renewLease)
			return
		}
		k.renewed(env, res.Object.(*coordinationv1.Lease))
	}
}

// boot is what a kubelet that comes up does first: it registers its Node, or
// finds it (registerWithAPIServer).
func (k *Kubelet) boot(env *controller.Env) {
	k.self.process++
	k.self.registered, k.self.waits, k.self.unready = false, [nodeTimers]bool{}, ""
	env.Note(k.aboutNode(corev1.EventTypeNormal, "Starting", "Starting kubelet."))
	k.nodeAfter(env, env.Span("kubelet/boot", engine.KeyOf(k.cfg.Node), k.cfg.Latency.Boot), engine.Progress, register)
}

// join goes on with a Node that is there: its status and its Lease are written.
func (k *Kubelet) join(env *controller.Env, node *corev1.Node) {
	k.self.registered = true
	if k.self.obj == nil || version(k.self.obj) < version(node) {
		k.self.obj = node
	}
	k.nodeAfter(env, 0, engine.Progress, writeStatus)
	k.nodeAfter(env, 0, engine.Progress, renewLease)
}

// observeNode takes in a change of the kubelet's own Node. One that is deleted is
// not registered again before the kubelet is restarted (N6); its Lease goes with
// it, and is not made without it.
func (k *Kubelet) observeNode(env *controller.Env, rec *apiserver.Record) {
	if rec.Type == watch.Deleted {
		k.self.obj = nil
		k.stopPulse(env)
		return
	}
	made := k.self.obj == nil
	k.self.obj = rec.Object.(*corev1.Node)
	if !k.down {
		k.lookForDisks(env)
	}
	switch {
	case k.down || k.self.cut || k.self.waits[register]:
	case made && k.self.process == 0: // it was registered when the cluster began
		k.self.registered = true
		k.adoptLease(env)
	case made && !k.self.registered:
	case made: // by somebody else
		k.nodeAfter(env, k.untilStatus(env), engine.Progress, writeStatus)
		k.nodeAfter(env, k.untilRenewal(env), engine.Progress, renewLease)
	case !k.isPosted(k.self.obj):
		k.nodeAfter(env, k.untilStatus(env), engine.Progress, writeStatus)
	}
}

// adoptLease has the renewals of the Lease go on that a new cluster has.
func (k *Kubelet) adoptLease(env *controller.Env) {
	p := &k.machine(env.World().(*World)).pulse
	if p.known {
		return // of a cluster that was resumed
	}
	p.begin(env, engine.KeyOf(k.cfg.Node), env.Now())
	p.first = p.first.Add(-env.Span("kubelet/phase", engine.KeyOf(k.cfg.Node), controller.Range{Max: p.every}))
}

// renewed has the renewals of the Lease go on from one that was made.
func (k *Kubelet) renewed(env *controller.Env, lease *coordinationv1.Lease) {
	if k.self.obj == nil || k.self.cut {
		return
	}
	at := env.Now()
	if t := lease.Spec.RenewTime; t != nil {
		at = min(at, apiserver.VirtualTime(t.Time))
	}
	k.machine(env.World().(*World)).pulse.begin(env, engine.KeyOf(k.cfg.Node), at)
}

// untilStatus is the time until the kubelet next looks at the status of its Node,
// and untilRenewal until it next tries for its Lease.
func (k *Kubelet) untilStatus(env *controller.Env) time.Duration {
	return env.Span("kubelet/status-tick", engine.KeyOf(k.cfg.Node), controller.Range{Max: statusFrequency})
}

func (k *Kubelet) untilRenewal(env *controller.Env) time.Duration {
	return env.Span("kubelet/lease-tick", engine.KeyOf(k.cfg.Node), controller.Range{Max: renewInterval})
}

// fresh is the Node as a kubelet registers it, not ready yet.
func (k *Kubelet) fresh(now engine.Time) *corev1.Node {
	next := k.cfg.Registers.DeepCopy()
	next.ResourceVersion, next.UID = "", ""
	stamp := apiserver.Stamp(now)
	for i := range next.Status.Conditions {
		c := &next.Status.Conditions[i]
		c.LastHeartbeatTime, c.LastTransitionTime = stamp, stamp
		if c.Type == corev1.NodeReady {
			c.Status, c.Reason, c.Message = corev1.ConditionFalse, "KubeletNotReady", "container runtime status check may not have completed yet"
		}
	}
	return next
}

// nodeStatus is a Patcher: the conditions of a Node and its volumes in use, as its
// kubelet posts them.
type nodeStatus struct {
	unready string
	now     metav1.Time
	inUse   []corev1.UniqueVolumeName `state:"immutable,set"`
}

// Apply implements apiserver.Patcher.
func (s nodeStatus) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*corev1.Node)
	next.Status.VolumesInUse = s.inUse
	next.Status.Conditions = slices.Clone(next.Status.Conditions)
	for _, want := range s.conditions() {
		want.LastHeartbeatTime, want.LastTransitionTime = s.now, s.now
		if was := nodeCondition(next.Status.Conditions, want.Type); was == nil {
			next.Status.Conditions = append(next.Status.Conditions, want)
		} else {
			if was.Status == want.Status {
				want.LastTransitionTime = was.LastTransitionTime
			}
			*was = want
		}
	}
	return &next, nil
}

func (s nodeStatus) conditions() []corev1.NodeCondition {
	list := []corev1.NodeCondition{
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory", Message: "kubelet has sufficient memory available"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure", Message: "kubelet has no disk pressure"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID", Message: "kubelet has sufficient PID available"},
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status"},
	}
	if s.unready != "" {
		c := &list[len(list)-1]
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "KubeletNotReady", s.unready
	}
	return list
}

// isPosted reports whether a Node says what its kubelet would post.
func (k *Kubelet) isPosted(node *corev1.Node) bool {
	if !slices.Equal(node.Status.VolumesInUse, k.disks.inUse()) {
		return false
	}
	if len(node.Status.Conditions) >= 4 && k.self.unready == "" { // most often
		ready := 0
		for i := range node.Status.Conditions {
			switch c := &node.Status.Conditions[i]; c.Type {
			case corev1.NodeReady:
				if c.Status == corev1.ConditionTrue {
					ready++
				}
			case corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure:
				if c.Status == corev1.ConditionFalse {
					ready++
				}
			}
		}
		return ready == 4
	}
	for _, want := range (nodeStatus{unready: k.self.unready}).conditions() {
		if c := nodeCondition(node.Status.Conditions, want.Type); c == nil || c.Status != want.Status || c.Message != want.Message {
			return false
		}
	}
	return true
}

// statusPosted records what has changed by a status that was written
// (recordNodeStatusEvent, in the order of defaultNodeStatusFuncs).
func (k *Kubelet) statusPosted(env *controller.Env, node *corev1.Node) {
	old := k.self.obj
	if old == nil {
		return // it is gone by now
	}
	if version(node) > version(old) {
		k.self.obj = node
	}
	reasons := map[corev1.NodeConditionType][2]string{
		corev1.NodeMemoryPressure: {"NodeHasSufficientMemory", ""}, corev1.NodeDiskPressure: {"NodeHasNoDiskPressure", ""},
		corev1.NodePIDPressure: {"NodeHasSufficientPID", ""}, corev1.NodeReady: {"NodeReady", "NodeNotReady"},
	}
	for _, now := range (nodeStatus{unready: k.self.unready}).conditions() {
		reason := reasons[now.Type][0]
		if now.Type == corev1.NodeReady && now.Status != corev1.ConditionTrue {
			reason = reasons[now.Type][1]
		}
		if was := nodeCondition(old.Status.Conditions, now.Type); was == nil || was.Status != now.Status {
			env.Note(k.aboutNode(corev1.EventTypeNormal, reason, "Node "+k.cfg.Node+" status is now: "+reason))
		}
	}
	k.lookForDisks(env)
	k.report(env)
}

// aboutNode is an Event of the kubelet's about its Node, which it names by the
// name in place of the UID (nodeRef).
func (k *Kubelet) aboutNode(typ, reason, message string) controller.Note {
	return controller.Note{About: &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: k.cfg.Node, UID: types.UID(k.cfg.Node)}},
		Type: typ, Reason: reason, Message: message}
}

func nodeCondition(list []corev1.NodeCondition, t corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range list {
		if list[i].Type == t {
			return &list[i]
		}
	}
	return nil
}

// LeaseKey is the key of a node's Lease.
func LeaseKey(node string) apiserver.Key {
	return apiserver.Key{Namespace: corev1.NamespaceNodeLease, Name: node}
}

// NewLease returns the Lease that a kubelet makes for its Node (SetNodeOwnerFunc).
func NewLease(node *corev1.Node, now engine.Time) *coordinationv1.Lease {
	holder, seconds, renewed := node.Name, int32(leaseDuration/time.Second), microTime(now)
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: node.Name, OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}}},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &renewed},
	}
}

// microTime is a time as a Lease stores it.
func microTime(t engine.Time) metav1.MicroTime {
	return metav1.MicroTime{Time: apiserver.WallTime(t).Truncate(time.Microsecond)}
}

// Renewal is a Patcher: a Lease that is renewed at a time.
type Renewal struct{ At engine.Time }

// Apply implements apiserver.Patcher.
func (r Renewal) Apply(obj apiserver.Object) (apiserver.Object, error) {
	next := *obj.(*coordinationv1.Lease)
	renewed := microTime(r.At)
	next.Spec.RenewTime = &renewed
	return &next, nil
}
