package kubelet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// start begins to start a container: its back-off, its image, its environment,
// its process, its postStart hook (startContainer). It reports whether that
// takes time.
func (k *Kubelet) start(env *controller.Env, p *pod, a action) bool {
	c := &p.containers[a.container]
	if c.run.running {
		return false
	}
	if a.ended != nil && k.backingOff(env, p, c, a.ended.stopped) {
		return false
	}
	return k.ensureImage(env, p, c)
}

// backingOff applies the back-off between restarts (K19, doBackOff): the first
// restart comes at once, later ones 10 s, 20 s … 300 s after the latest run
// ended that was over when the sync began. A new image has a back-off of its own.
func (k *Kubelet) backingOff(env *controller.Env, p *pod, c *container, ended engine.Time) bool {
	if image := c.spec(p.api).Image; c.backoff.of != image {
		c.backoff = backoff{of: image}
	}
	c.backoff.expire(env.Now())
	if !c.backoff.holds(env.Now(), ended) {
		c.backoff.next(env.Now(), ended)
		return false
	}
	k.noteOn(env, p, c, corev1.EventTypeWarning, "BackOff",
		fmt.Sprintf("Back-off restarting failed container %s in pod %s", c.name, p.format()))
	p.fail(c, "CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", c.backoff.delay, c.name, p.format()))
	if ends := ended.Add(c.backoff.delay); p.expiry == 0 || ends < p.expiry {
		p.expiry = ends
	}
	return true
}

// fail records why a container did not start.
func (p *pod) fail(c *container, reason, message string) {
	c.reason, c.message = reason, message
	p.failed = true
}

// format names a pod in messages.
func (p *pod) format() string {
	return p.key.Name + "_" + p.key.Namespace + "(" + string(p.uid) + ")"
}

// create makes the container and its process, its environment being known.
func (k *Kubelet) create(env *controller.Env, p *pod) bool {
	k.after(env, p, span(env, p, "kubelet/start", k.cfg.Latency.Start), engine.Progress, containerUp, 0)
	return true
}

// containerUp ends the start of a container: its process runs, unless the runtime
// can create no container, or can start none (startContainer).
func (k *Kubelet) containerUp(env *controller.Env, p *pod) {
	i := p.todo[0].container
	c := &p.containers[i]
	spec := c.spec(p.api)
	w := env.World().(*World)
	load := w.workload(spec.Image)
	if load.CreateError != "" {
		k.noteOn(env, p, c, corev1.EventTypeWarning, "Failed", "Error: "+load.CreateError)
		p.fail(c, "CreateContainerError", load.CreateError)
		k.step(env, p)
		return
	}
	next := run{attempt: c.run.attempt, running: true, started: env.Now(), last: c.run.exit, image: w.image(spec.Image), sandbox: p.sandbox.attempts}
	if c.run.id != "" {
		next.attempt++
	}
	next.id = containerID(p.uid, c.name, next.attempt)
	c.run = next
	k.machine(w).use(next.image.full, env.Now())
	p.acted = true
	k.noteOn(env, p, c, corev1.EventTypeNormal, "Created", "Container created") // §0.8
	if load.StartError != "" {
		k.notStarted(env, p, c, load.StartError)
		return
	}
	c.reason, c.message = "", ""
	r := k.machine(w).enter(p)
	r.procs = append(r.procs, process{id: next.id[len(scheme):], since: env.Now(), spec: spec, env: c.env})
	k.noteOn(env, p, c, corev1.EventTypeNormal, "Started", "Container started")

	if load.OnStart != nil {
		load.OnStart(w.filesOf(r, r.proc(c.name)))
	}
	job := !c.sidecar && (c.init || isOfJob(p.api))
	if d, ok := load.exits(); ok || job {
		if !ok && !c.init {
			d = jobSpan
		}
		class := engine.Retry // a server that will fail
		if job || p.api.Spec.RestartPolicy != corev1.RestartPolicyAlways {
			class = engine.Progress // a job that will end
		}
		k.after(env, p, d, class, exitProcess, i)
	}
	if spec.Lifecycle != nil && spec.Lifecycle.PostStart != nil {
		d := load.PostStart
		if s := spec.Lifecycle.PostStart.Sleep; s != nil {
			d = time.Duration(s.Seconds) * time.Second
		}
		k.after(env, p, d, engine.Progress, postStarted, 0)
		return
	}
	k.step(env, p)
}

// notStarted ends the start of a container whose process the runtime cannot start:
// the container has ended before it began, in 1970 (containerd's StartError).
func (k *Kubelet) notStarted(env *controller.Env, p *pod, c *container, why string) {
	k.noteOn(env, p, c, corev1.EventTypeWarning, "Failed", "Error: "+why)
	c.run.end(exit{code: 128, reason: "StartError", message: why}, env.Now())
	c.run.exit.state.StartedAt = metav1.Unix(0, 0)
	p.fail(c, "RunContainerError", why)
	k.step(env, p)
}

// postStarted ends a postStart hook; a container whose hook fails is killed.
func (k *Kubelet) postStarted(env *controller.Env, p *pod) {
	i := p.todo[0].container
	c := &p.containers[i]
	load := k.load(env, p, i)
	if !load.PostStartFails || c.spec(p.api).Lifecycle.PostStart.Sleep != nil {
		k.step(env, p)
		return
	}
	k.noteOn(env, p, c, corev1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed")
	p.fail(c, "PostStartHookError", "PostStartHook failed")
	if !c.run.running {
		k.step(env, p)
		return
	}
	c.kill.step = true
	k.kill(env, p, i, grace(p.api), "FailedPostStartHook", false)
}

// exited handles the end of a process.
func (k *Kubelet) exited(env *controller.Env, p *pod, i int16, e exit) {
	c := &p.containers[i]
	if !c.run.running {
		return
	}
	for _, t := range [...]timerKind{exitProcess, signalled, killed, preStopped, turned} {
		p.stop(t, i)
	}
	if r := k.machine(env.World().(*World)).room(p); r != nil {
		e.message = r.lastWords(env.World().(*World), c.spec(p.api))
		r.end(c.name)
	}
	c.run.end(e, env.Now())
	stopping, ofStep := c.kill.on, c.kill.step
	c.kill = killing{}
	switch {
	case k.down:
	case stopping && p.stage >= terminating && !ofStep:
		k.turns(env, p)
		k.stopped(env, p)
	case stopping && ofStep:
		p.acted = true
		if k.turns(env, p); p.isStopping() {
			return
		}
		if len(p.todo) > 0 && p.todo[0].what == stopPod {
			k.stopAll(env, p)
		}
		k.step(env, p)
	default:
		k.notice(env, p)
	}
}

// scheme names the runtime in a status.
const scheme = "containerd://"

// containerID returns a runtime's identifier for one run of a container, with
// the scheme.
func containerID(uid types.UID, name string, attempt int32) string {
	var seed [128]byte
	sum := sha256.Sum256(strconv.AppendInt(append(append(append(append(seed[:0], uid...), '/'), name...), '/'), int64(attempt), 10))
	var id [len(scheme) + 2*len(sum)]byte
	hex.Encode(id[copy(id[:], scheme):], sum[:])
	return string(id[:])
}

// fetchEnv asks for the objects that a container's environment refers to, one
// after the other, and then creates the container.
func (k *Kubelet) fetchEnv(env *controller.Env, p *pod) bool {
	c := &p.containers[p.todo[0].container]
	refs := envRefs(c.spec(p.api))
	if n := len(p.fetched); n < len(refs) {
		k.call(env, p, call{what: getEnv}, apiserver.Request{
			Verb: apiserver.Get, Kind: refs[n].kind, Key: apiserver.Key{Namespace: p.key.Namespace, Name: refs[n].name},
		})
		return true
	}
	vars, err := k.environment(p, c.spec(p.api), refs, p.fetched)
	p.fetched = nil
	if err == nil {
		err = k.configError(env, p, c.spec(p.api), vars)
	}
	c.env = vars
	if err != nil {
		k.noteOn(env, p, c, corev1.EventTypeWarning, "Failed", "Error: "+err.Error())
		p.fail(c, "CreateContainerConfigError", err.Error())
		return false
	}
	return k.create(env, p)
}

// fetchedEnv takes in one of these objects.
func (k *Kubelet) fetchedEnv(env *controller.Env, p *pod, _ call, res apiserver.Result) {
	if len(p.todo) == 0 || p.todo[0].what != startContainer {
		return
	}
	if res.Err != nil {
		res.Object = nil
	}
	p.fetched = append(p.fetched, res.Object)
	if !k.fetchEnv(env, p) {
		k.step(env, p)
	}
}

// jobSpan is how long a container of a Job works, unless its Workload says otherwise.
const jobSpan = 5 * time.Second

// isOfJob reports whether a pod belongs to a Job: its containers do their work and end,
// unless their Workload says otherwise.
func isOfJob(pod *corev1.Pod) bool {
	ref := metav1.GetControllerOfNoCopy(pod)
	return ref != nil && ref.Kind == "Job"
}
