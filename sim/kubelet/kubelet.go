package kubelet

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Kubelet is one node: the kubelet process with the runtime beneath it. It is
// a controller.Actor, and needs a host whose World is a *World.
type Kubelet struct {
	cfg  Config
	node *corev1.Node // as last read; nil before
	// hostIPs is the node's address, shared by the statuses of its pods.
	hostIPs []corev1.HostIP `state:"immutable"`
	net     *hostnet

	machineNumber int32 `state:"incidental" why:"an index"`
	hasMachine    bool  `state:"incidental" why:"an index"` // the number is known

	slots  []*pod              `state:"set"` // nil: free
	free   []int32             `state:"incidental" why:"which slot is next, and they are handles"`
	byUID  map[types.UID]int32 `state:"incidental" why:"an index"`
	ticket uint32              `state:"incidental" why:"it tells timers and calls apart"` // of the last timer or call
	// used is what the node's pods ask for.
	used usage

	// pulling is until when the node's one download at a time lasts.
	pulling engine.Time `state:"deadline"`
	// started is when the kubelet process came up.
	started engine.Time `state:"phase"`
	// down is set while the kubelet process does not run. listed is then what
	// the API holds for this node, for its return.
	down   bool
	listed map[types.UID]*corev1.Pod
	self   registration
	disks  disks
}

// HashScope returns what the handles of a kubelet are of: its slots are those of the
// machine.
func (k *Kubelet) HashScope() string { return k.cfg.Node }

// HashArg takes in which timer or call of which pod a number stands for.
func (k *Kubelet) HashArg(h *state.Hasher, arg uint64, _ bool) {
	if what, isNodes, current := k.isNodes(arg); isNodes {
		h.Number(uint64(what))
		h.Bool(current)
		return
	}
	h.Within(k.cfg.Node)
	h.Handle(arg >> 32)
	h.Handle(uint64(uint32(arg)) | ticketed)
}

// ticketed tells tickets from slots.
const ticketed = 1 << 40

var (
	_ controller.NodeScoped = (*Kubelet)(nil)
	_ controller.Selective  = (*Kubelet)(nil)
)

// component is the name of every kubelet, as the author of its writes.
const component = "kubelet"

// New returns the kubelet of a node. It panics if cfg has no node name or a
// malformed range.
func New(cfg Config) *Kubelet {
	if cfg.Node == "" {
		panic("kubelet: Config.Node is empty")
	}
	if cfg.PodCIDR != "" {
		if _, err := newIPAM(cfg.PodCIDR, cfg.FirstIP); err != nil {
			panic(err)
		}
	}
	if cfg.ClusterDomain == "" {
		cfg.ClusterDomain = "cluster.local"
	}
	if cfg.ClusterDNS == "" {
		cfg.ClusterDNS = "10.96.0.10"
	}
	return &Kubelet{cfg: cfg, byUID: map[types.UID]int32{}}
}

// Name returns "kubelet".
func (k *Kubelet) Name() string { return component }

// NodeName returns the name of its node.
func (k *Kubelet) NodeName() string { return k.cfg.Node }

// Watches returns the pods and the nodes, which the host narrows to the node's.
func (k *Kubelet) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.Pod, apiserver.Node}
}

// Heeds implements controller.Selective: what a kubelet wrote itself and that
// changes nothing but the status, it knows from the answer to its write. Of its
// Node it heeds what it would write otherwise.
func (k *Kubelet) Heeds(rec *apiserver.Record) bool {
	if node, ok := rec.Object.(*corev1.Node); ok {
		old, _ := rec.Old.(*corev1.Node)
		return rec.Type != watch.Modified || !k.isPosted(node) || old == nil || !slices.Equal(old.Status.VolumesAttached, node.Status.VolumesAttached)
	}
	if rec.Type != watch.Modified || rec.By != component {
		return true
	}
	old, _ := rec.Old.(*corev1.Pod)
	return old == nil || concerns(old, rec.Object.(*corev1.Pod))
}

// Observe takes in a change of one of the node's pods (syncLoopIteration).
func (k *Kubelet) Observe(env *controller.Env, rec *apiserver.Record) {
	obj, ok := rec.Object.(*corev1.Pod)
	if !ok {
		k.observeNode(env, rec)
		return
	}
	if k.down {
		if rec.Type == watch.Deleted {
			delete(k.listed, obj.UID)
		} else {
			k.list(obj)
		}
		return
	}
	k.observe(env, obj, rec.Type == watch.Deleted)
}

// list takes in what the API holds of a pod while the kubelet does not run.
func (k *Kubelet) list(obj *corev1.Pod) {
	if old := k.listed[obj.UID]; old == nil || version(old) < version(obj) {
		k.listed[obj.UID] = obj
	}
}

func (k *Kubelet) observe(env *controller.Env, obj *corev1.Pod, deleted bool) {
	i, known := k.byUID[obj.UID]
	if !known {
		if !deleted {
			k.add(env, obj)
		}
		return
	}
	p := k.slots[i]
	old := p.api
	if deleted {
		k.removed(env, p)
		return
	}
	if version(obj) <= version(old) {
		return // what was written after it is known already
	}
	k.update(p, obj)
	k.reconcile(env, p)
	switch {
	case obj.DeletionTimestamp != nil && (old.DeletionTimestamp == nil || graceOf(obj) < graceOf(old)):
		k.terminate(env, p, graceOf(obj))
	case p.stage == syncing && changed(old, obj):
		k.requestSync(env, p)
	}
}

// changed reports whether an update concerns the kubelet: the spec or what the
// downward API shows, or a readiness gate that the Ready condition misses
// (HandlePodUpdates, HandlePodReconcile).
func changed(old, obj *corev1.Pod) bool {
	if obj.Generation != old.Generation || !shared.Equal(old.Labels, obj.Labels) || !shared.Equal(old.Annotations, obj.Annotations) {
		return true
	}
	for i := range obj.Spec.ReadinessGates {
		t := obj.Spec.ReadinessGates[i].ConditionType
		if a, b := condition(old.Status.Conditions, t), condition(obj.Status.Conditions, t); (a == nil) != (b == nil) || a != nil && a.Status != b.Status {
			return true
		}
	}
	return false
}

// concerns reports whether an update is more than one of the status: changed, or
// the begin of the pod's end, or that come closer.
func concerns(old, obj *corev1.Pod) bool {
	return (old.DeletionTimestamp == nil) != (obj.DeletionTimestamp == nil) || graceOf(old) != graceOf(obj) || changed(old, obj)
}

// add takes on a pod that is new to the kubelet (HandlePodAdditions).
func (k *Kubelet) add(env *controller.Env, obj *corev1.Pod) *pod {
	p := newPod(obj)
	if n := len(k.free); n > 0 {
		p.slot = k.free[n-1]
		k.free = k.free[:n-1]
		k.slots[p.slot] = p
	} else {
		p.slot = int32(len(k.slots))
		k.slots = append(k.slots, p)
	}
	k.byUID[obj.UID] = p.slot
	k.receive(env, p)
	return p
}

// receive starts the work on a pod: its end if it is being deleted or is over,
// its admission otherwise.
func (k *Kubelet) receive(env *controller.Env, p *pod) {
	switch {
	case p.api.DeletionTimestamp != nil:
		k.terminate(env, p, graceOf(p.api))
	case isTerminal(p.api.Status.Phase):
		k.terminate(env, p, grace(p.api))
	default:
		k.call(env, p, call{what: getNode}, apiserver.Request{
			Verb: apiserver.Get, Kind: apiserver.Node, Key: apiserver.Key{Name: k.cfg.Node},
		})
	}
}

// removed handles a pod that is gone from the API: what still runs is stopped
// (N6), and then it is forgotten.
func (k *Kubelet) removed(env *controller.Env, p *pod) {
	p.gone = true
	if p.stage == finished || p.stage == rejected {
		k.forget(env, p)
		return
	}
	k.terminate(env, p, grace(p.api))
}

func (k *Kubelet) forget(env *controller.Env, p *pod) {
	k.releaseDisks(env, p.uid)
	w := env.World().(*World)
	w.leave(k.machine(w), p)
	delete(k.byUID, p.uid)
	k.slots[p.slot] = nil
	k.free = append(k.free, p.slot)
}

// Respond takes in the answer to a request.
func (k *Kubelet) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	if what, isNodes, ok := k.isNodes(token); isNodes {
		if ok {
			k.answered(env, what, res)
		}
		return
	}
	p := k.at(token)
	if p == nil {
		return
	}
	c, ok := p.takeCall(uint32(token))
	switch {
	case !ok:
		return
	case k.down: // a status that was under way when the kubelet stopped
		if obj, ok := res.Object.(*corev1.Pod); ok && res.Err == nil && k.listed[p.uid] != nil {
			k.list(obj)
		}
		return
	}
	switch c.what {
	case getNode:
		k.admit(env, p, res)
	case getClaim, getVolume, getContent, getDriver, verifyNode, getAttachment:
		k.fetched(env, p, c, res)
	case getEnv:
		k.fetchedEnv(env, p, c, res)
	case getPullSecret:
		k.pullSecretRead(env, p, int(c.volume), res)
	case patchStatus:
		k.statusWritten(env, p, res)
	case deletePod:
		k.podDeleted(env, p, res)
	case getGrown, markGrowth, endGrowth:
		k.growth(env, p, c, res)
	}
}

// Wake runs a timer.
func (k *Kubelet) Wake(env *controller.Env, arg uint64) {
	if what, isNodes, ok := k.isNodes(arg); isNodes {
		if ok {
			k.wakeNode(env, what)
		}
		return
	}
	p := k.at(arg)
	if p == nil {
		return
	}
	t, ok := p.takeTimer(uint32(arg))
	if !ok {
		return
	}
	switch t.what {
	case exitProcess:
		k.exited(env, p, t.container, exitOf(k.load(env, p, t.container).ExitCode))
	case signalled:
		k.exited(env, p, t.container, exitOf(k.load(env, p, t.container).StopCode))
	case killed:
		k.exited(env, p, t.container, exit{code: 137, reason: "Error"})
	case preStopped, turned:
		k.killOn(env, p, t.container, t.what)
	case syncNow:
		p.queued = false
		k.sync(env, p)
	case relist:
		k.relist(env, p)
	case mountTry:
		k.mountTry(env, p, int(t.container))
	case sandboxUp:
		k.sandboxUp(env, p)
	case sandboxDown:
		k.sandboxDown(env, p)
	case pulled:
		k.pulled(env, p)
	case containerUp:
		k.containerUp(env, p)
	case postStarted:
		k.postStarted(env, p)
	case unmounted:
		k.unmounted(env, p)
	case probeTick + timerKind(startup), probeTick + timerKind(readiness), probeTick + timerKind(liveness):
		k.probe(env, p, t.container, probeType(t.what-probeTick))
	case deadline:
		if p.stage == syncing {
			k.requestSync(env, p)
		}
	case statusRetry:
		k.pushStatus(env, p)
	case statusCheck:
		k.checkStatus(env, p)
	case attachTry:
		k.tryAttach(env, p, t.container)
	case mountGivenUp:
		k.mountGivenUp(env, p)
	case resizeCheck:
		k.checkResize(env, p, t.container)
	case grown:
		k.fileSystemGrown(env, p, t.container)
	}
}

// Waiting lists the pods that do not run and why, by key and UID.
func (k *Kubelet) Waiting(*controller.Env) []controller.Wait {
	if k.down {
		return k.unattended()
	}
	var list []*pod
	for _, p := range k.slots {
		if p != nil && p.reasonWaiting() != "" {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *pod) int {
		if c := a.key.Compare(b.key); c != 0 {
			return c
		}
		return strings.Compare(string(a.uid), string(b.uid))
	})
	var waits []controller.Wait
	for _, p := range list {
		waits = append(waits, controller.Wait{Kind: apiserver.Pod, Key: p.key, Reason: p.reasonWaiting()})
	}
	return waits
}

// unattended lists the pods that wait for the kubelet itself.
func (k *Kubelet) unattended() []controller.Wait {
	var waits []controller.Wait
	for _, obj := range k.listed { // sorted below; two pods of one key have equal entries
		if obj.DeletionTimestamp != nil || obj.Status.Phase == corev1.PodPending {
			waits = append(waits, controller.Wait{Kind: apiserver.Pod, Key: apiserver.KeyOf(obj), Reason: "the kubelet of node " + k.cfg.Node + " does not run"})
		}
	}
	slices.SortFunc(waits, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return waits
}

// load returns what a container of a pod does.
func (k *Kubelet) load(env *controller.Env, p *pod, c int16) Workload {
	return env.World().(*World).workload(p.containers[c].spec(p.api).Image)
}

// graceOf is the grace period of a pod that is being deleted, in seconds.
func graceOf(obj *corev1.Pod) int64 {
	if g := obj.DeletionGracePeriodSeconds; g != nil {
		return *g
	}
	return grace(obj)
}

// grace is what the pod's spec grants, in seconds.
func grace(obj *corev1.Pod) int64 {
	if g := obj.Spec.TerminationGracePeriodSeconds; g != nil {
		return *g
	}
	return 30
}

func isTerminal(p corev1.PodPhase) bool { return p == corev1.PodSucceeded || p == corev1.PodFailed }

func condition(list []corev1.PodCondition, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range list {
		if list[i].Type == t {
			return &list[i]
		}
	}
	return nil
}
