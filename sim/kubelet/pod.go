package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// stage is where a pod is in its life on the node (pod_workers.go).
type stage uint8

const (
	admitting   stage = iota // the node is being read
	rejected                 // not admitted: it has no worker
	syncing                  // being set up, or running
	terminating              // containers are being stopped
	terminated               // they are, volumes are being unmounted
	finished                 // nothing is left of it on the node
)

// pod is what a node knows of one pod. It is plain data: API objects and exits
// in it are shared and immutable.
type pod struct {
	api  *corev1.Pod // as the watch delivered it last
	key  apiserver.Key
	uid  types.UID
	hash engine.Key
	slot int32 `state:"handle"`

	stage    stage
	gone     bool  // no longer in the API
	grace    int64 // seconds, once terminating
	stopping bool  // … and the containers have been told
	queued   bool  // a start of the worker is scheduled
	busy     bool  // the worker is at it
	again    bool  // … and has to run once more
	twice    bool  // two events led to the next sync: it is followed by another
	awaits   bool  // the next sync waits for a look at the runtime

	// The worker's program of the current sync (kuberuntime's SyncPod).
	todo   []action
	failed bool        // a step failed
	acted  bool        // a step succeeded
	expiry engine.Time `state:"deadline"` // when the first back-off of a failed step ends; 0: unknown

	// Of the container that is being started.
	fetched   []apiserver.Object // what its environment refers to, so far
	secrets   pullSecrets
	pullBegan engine.Time   `state:"incidental" why:"for an Event"`
	pullTook  time.Duration `state:"incidental" why:"for an Event"`

	containers  []container // init containers first, then the others, as in the spec
	inits       int16
	volumes     []mount
	mounting    bool
	mountsUntil engine.Time // when the sync that mounts gives up; 0: none does
	mounted     bool
	image       []imageBackoff

	sandbox sandbox // as the runtime has it
	seen    sandbox // as the kubelet saw it last

	status statusCache
	timers []timer `state:"set"`
	calls  []call  `state:"set"`
}

// sandbox is a pod's sandbox with its network.
type sandbox struct {
	attempts int32 // how many there have been
	up       bool
	ip       string `state:"id"` // kept after its end, for the last status
}

// exit is how a container ended.
type exit struct {
	_       state.Immutable
	code    int32
	reason  string
	message string                           // its last words
	stopped engine.Time                      `state:"incidental" why:"counts in HashAlso"`
	state   *corev1.ContainerStateTerminated // as statuses show it
}

// HashAlso takes in when it ended, until no back-off can depend on it.
func (e *exit) HashAlso(h *state.Hasher) { h.Deadline(int64(e.stopped.Add(2*backoffMax + 1))) }

// exitOf gives an exit code the runtime's reason for it.
func exitOf(code int32) exit {
	if code == 0 {
		return exit{reason: "Completed"}
	}
	return exit{code: code, reason: "Error"}
}

// end ends a run that goes on.
func (r *run) end(e exit, now engine.Time) {
	e.stopped = now
	e.state = &corev1.ContainerStateTerminated{
		ExitCode: e.code, Reason: e.reason, Message: e.message, ContainerID: r.id,
		StartedAt: apiserver.Stamp(r.started), FinishedAt: apiserver.Stamp(now),
	}
	r.running, r.exit = false, &e
}

// run is one run of a container, and the one before it.
type run struct {
	id      string `state:"id"` // with the runtime's scheme; empty: never created
	attempt int32
	sandbox int32 // which of the pod's it is in
	running bool
	started engine.Time `state:"incidental" why:"counts with probes, in container.HashAlso"`
	exit    *exit       // of this run, once it has ended
	last    *exit       // of the run before
	image   *image
}

// container is what a node knows of one container of a pod.
type container struct {
	name    string
	path    string // of the container in the pod, for Events
	index   int16  // in its list of the spec
	init    bool
	sidecar bool // an init container that restarts for ever

	run  run // as the runtime has it
	seen run // as the kubelet saw it last (PLEG)

	// reason is why the last start failed (reasonCache), message its text.
	reason, message string
	backoff         backoff
	kill            killing
	probes          [probeTypes]probeState
	env             []corev1.EnvVar `state:"immutable"`
}

// HashAlso takes in how old the container is, if a probe asks for that.
func (c *container) HashAlso(h *state.Hasher) {
	for i := range c.probes {
		if c.probes[i].on {
			h.Moment(int64(c.run.started))
			h.Moment(int64(c.seen.started))
			return
		}
	}
}

// backoff is an entry of client-go's flowcontrol.Backoff.
type backoff struct {
	of      string        `state:"hashed"` // the image that it is about
	delay   time.Duration `state:"hashed"`
	updated engine.Time   `state:"hashed"`
}

// HashState takes in the back-off, until it would begin anew.
func (b *backoff) HashState(h *state.Hasher) {
	h.Text(b.of)
	h.Number(uint64(b.delay))
	if b.updated != 0 {
		h.Deadline(int64(b.updated.Add(2*backoffMax + 1)))
	}
}

// imageBackoff is the back-off of one image.
type imageBackoff struct {
	backoff
	err string // the last error, with its kind
}

func newPod(obj *corev1.Pod) *pod {
	p := &pod{
		api: obj, key: apiserver.KeyOf(obj), uid: obj.UID,
		hash:  engine.KeyOf(obj.Namespace, obj.Name),
		inits: int16(len(obj.Spec.InitContainers)),
	}
	p.containers = make([]container, 0, len(obj.Spec.InitContainers)+len(obj.Spec.Containers))
	for i := range obj.Spec.InitContainers {
		c := &obj.Spec.InitContainers[i]
		p.containers = append(p.containers, container{
			name: c.Name, path: "spec.initContainers{" + c.Name + "}", index: int16(i), init: true, sidecar: isSidecar(c),
		})
	}
	for i := range obj.Spec.Containers {
		name := obj.Spec.Containers[i].Name
		p.containers = append(p.containers, container{name: name, path: "spec.containers{" + name + "}", index: int16(i)})
	}
	return p
}

// spec returns the container's part of the pod's spec.
func (c *container) spec(obj *corev1.Pod) *corev1.Container {
	if c.init {
		return &obj.Spec.InitContainers[c.index]
	}
	return &obj.Spec.Containers[c.index]
}

func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// next raises a back-off after a failure (Backoff.Next): 10 s doubling to
// 300 s, from the start again when the last failure is more than 600 s before
// the event (K18, K19).
func (b *backoff) next(now, event engine.Time) {
	if b.delay == 0 || event.Sub(b.updated) > 2*backoffMax {
		b.delay = backoffBase
	} else {
		b.delay = min(2*b.delay, backoffMax)
	}
	b.updated = now
}

// expire forgets an entry that has not changed for 600 s, as the kubelet's
// housekeeping does every 2 s (Backoff.GC).
func (b *backoff) expire(now engine.Time) {
	if now.Sub(b.updated) > 2*backoffMax {
		b.delay = 0
	}
}

// holds reports whether something must still wait after an event
// (IsInBackOffSince).
func (b *backoff) holds(now, event engine.Time) bool {
	return b.delay > 0 && event.Sub(b.updated) <= 2*backoffMax && now.Sub(event) < b.delay
}

// reasonWaiting says what keeps a pod from running, or "".
func (p *pod) reasonWaiting() string {
	switch {
	case p.stage == rejected || p.stage == finished:
		return ""
	case p.stage >= terminating:
		return "Terminating"
	}
	for i := range p.volumes {
		if v := &p.volumes[i]; v.err != "" {
			return "FailedMount: " + v.err
		}
	}
	for i := range p.containers {
		if c := &p.containers[i]; c.reason != "" && !c.run.running {
			return c.reason + ": " + c.message
		}
	}
	if s := p.status.last; s != nil {
		if r := condition(s.Conditions, corev1.PodReady); s.Phase == corev1.PodRunning && r != nil && r.Status != corev1.ConditionTrue {
			return r.Reason + ": " + r.Message
		}
		if s.Phase != corev1.PodPending {
			return ""
		}
	}
	return "ContainerCreating"
}
