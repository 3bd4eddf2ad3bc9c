package kubelet

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// probeType is startup, readiness or liveness.
type probeType uint8

const (
	startup probeType = iota
	readiness
	liveness
	probeTypes = 3
)

var probeNames = [probeTypes]string{"Startup", "Readiness", "Liveness"}

// verdict is what a probe found, or what the kubelet holds of it.
type verdict uint8

const (
	unknown verdict = iota
	success
	failure
)

// probeState is the worker of one probe (prober.worker).
type probeState struct {
	base   engine.Time // of its ticker
	id     string      `state:"id"` // the run that it knows
	on     bool        // the worker exists
	value  verdict     // what the kubelet holds of that run
	last   verdict     // the last answer
	count  int32       // how often in a row
	onHold bool        // until there is a new run
	broken bool        // a fault makes it fail
}

// failed reports whether a run of a container has failed the probe.
func (s *probeState) failed(id string) bool { return s.on && s.id == id && s.value == failure }

// probeSpec returns a container's probe, or nil.
func probeSpec(c *corev1.Container, t probeType) *corev1.Probe {
	switch t {
	case startup:
		return c.StartupProbe
	case readiness:
		return c.ReadinessProbe
	}
	return c.LivenessProbe
}

// startProbes begins to probe a pod (probeManager.AddPod).
func (k *Kubelet) startProbes(env *controller.Env, p *pod) {
	for i := range p.containers {
		c := &p.containers[i]
		if c.init && !c.sidecar {
			continue
		}
		for t := range probeType(probeTypes) {
			if s := &c.probes[t]; !s.on && probeSpec(c.spec(p.api), t) != nil {
				s.on, s.base = true, env.Now()
				if k.started > 0 { // so that not all probe at once after a restart
					if period := time.Duration(probeSpec(c.spec(p.api), t).PeriodSeconds) * time.Second; env.Now().Sub(k.started) < period {
						s.base = env.Now().Add(span(env, p, "kubelet/probe-start", controller.Range{Max: period}))
					}
				}
			}
		}
	}
}

// stopProbes ends probes of a pod.
func (k *Kubelet) stopProbes(p *pod, types ...probeType) {
	for i := range p.containers {
		for _, t := range types {
			p.containers[i].probes[t].on = false
			p.stop(probeTick+timerKind(t), int16(i))
		}
	}
}

// isStarted reports whether the run that the kubelet sees has started: it has
// no startup probe, or that has succeeded (isContainerStarted).
func (c *container) isStarted(obj *corev1.Pod) bool {
	if !c.seen.running {
		return false
	}
	s := &c.probes[startup]
	if c.spec(obj).StartupProbe == nil {
		return true
	}
	return s.id == c.seen.id && s.value == success
}

// isReady reports whether the run that the kubelet sees is ready. Readiness
// starts as failure (K20).
func (c *container) isReady(obj *corev1.Pod) bool {
	if !c.isStarted(obj) {
		return false
	}
	s := &c.probes[readiness]
	return c.spec(obj).ReadinessProbe == nil || s.id == c.seen.id && s.value == success
}

// trigger probes the readiness at once of a container that has started and is
// not ready, as every look at the pod's status does (UpdatePodStatus), and has
// the other probes wait for their ticks.
func (k *Kubelet) trigger(env *controller.Env, p *pod) {
	for i := range p.containers {
		c := &p.containers[i]
		if s := &c.probes[readiness]; s.on && c.isStarted(p.api) && !c.isReady(p.api) && p.stage == syncing {
			s.base = env.Now()
			k.after(env, p, 0, engine.Progress, probeTick+timerKind(readiness), int16(i))
		}
		k.planProbes(env, p, int16(i))
	}
}

// planProbes schedules the next tick of each probe of a container that can
// change anything. A probe that succeeds, and has succeeded often enough, is
// next looked at when the workload's answer changes; until then its ticks would
// do nothing.
func (k *Kubelet) planProbes(env *controller.Env, p *pod, i int16) {
	c := &p.containers[i]
	for t := range probeType(probeTypes) {
		s := &c.probes[t]
		what := probeTick + timerKind(t)
		if !s.on || p.pending(what, i) {
			continue
		}
		if at, class, ok := k.nextTick(env, p, i, t); ok {
			k.after(env, p, at.Sub(env.Now()), class, what, i)
		}
	}
}

// nextTick returns the next tick of a probe that can change anything.
func (k *Kubelet) nextTick(env *controller.Env, p *pod, i int16, t probeType) (engine.Time, engine.Class, bool) {
	c := &p.containers[i]
	s := &c.probes[t]
	spec := probeSpec(c.spec(p.api), t)
	from := env.Now() + 1
	switch {
	case s.onHold && s.id == c.seen.id:
		return 0, 0, false
	case !c.seen.running: // a probe notices the end of the run that it knows
		return tickFrom(s.base, spec, from), engine.Retry, c.seen.id != "" && s.id == c.seen.id && s.value != failure
	case c.isStarted(p.api) == (t == startup):
		return 0, 0, false
	}
	began := apiserver.VirtualTime(apiserver.Stamp(c.seen.started).Time)
	if delay := began.Add(time.Duration(spec.InitialDelaySeconds) * time.Second); delay > from {
		from = delay
	}
	at := tickFrom(s.base, spec, from)
	if c.noPort(p.api, spec) != "" { // never answered
		return at, engine.Retry, true
	}
	load := k.load(env, p, i)
	if k.asksProcess(&load, spec) {
		if s.value == success && s.last == success && s.id == c.seen.id {
			return at, engine.Background, true
		}
		return at, engine.Retry, true
	}
	h := load.probed(t, at.Sub(c.run.started), s.faults())
	settled := s.id == c.seen.id && h.ok && s.last == success && s.value == success
	if !settled {
		// A probe that will succeed is awaited; one that fails for good is not.
		if h.ok || h.until > 0 && t != liveness {
			return at, engine.Progress, true
		}
		return at, engine.Retry, true
	}
	if h.until == 0 {
		return 0, 0, false
	}
	return tickFrom(s.base, spec, c.run.started.Add(h.until)), engine.Background, true
}

// faults is the window that a fault adds to the workload's.
func (s *probeState) faults() []Window {
	if s.broken {
		return []Window{{}}
	}
	return nil
}

// tickFrom returns a ticker's first tick at or after a time.
func tickFrom(base engine.Time, spec *corev1.Probe, from engine.Time) engine.Time {
	period := engine.Time(max(spec.PeriodSeconds, 1)) * engine.Time(time.Second)
	if from <= base {
		return base
	}
	return base + (from-base+period-1)/period*period
}

// probe is one tick (worker.doProbe).
func (k *Kubelet) probe(env *controller.Env, p *pod, i int16, t probeType) {
	c := &p.containers[i]
	s := &c.probes[t]
	if !s.on || p.status.last == nil || isTerminal(p.status.last.Phase) {
		return
	}
	before, run := s.value, s.id
	k.probeOnce(env, p, i, t)
	k.planProbes(env, p, i)
	if s.value == before && s.id == run {
		return
	}
	switch {
	case t == liveness && s.value != failure:
		return
	case run != s.id && s.value == initial(t):
		return
	}
	if t != liveness { // SetContainerReadiness, SetContainerStartup
		k.setStatus(env, p, k.generate(env, p, false))
	}
	k.requestSync(env, p)
}

// initial is what a probe of a new run holds.
func initial(t probeType) verdict {
	return [probeTypes]verdict{startup: unknown, readiness: failure, liveness: success}[t]
}

func (k *Kubelet) probeOnce(env *controller.Env, p *pod, i int16, t probeType) {
	c := &p.containers[i]
	s := &c.probes[t]
	spec := probeSpec(c.spec(p.api), t)
	if s.id != c.seen.id {
		s.id, s.value, s.onHold = c.seen.id, initial(t), false
	}
	switch {
	case s.onHold:
		return
	case !c.seen.running:
		if c.seen.id != "" {
			s.value = failure
		}
		return
	}
	age := int32(apiserver.WallTime(env.Now()).Sub(apiserver.Stamp(c.seen.started).Time) / time.Second)
	if age < spec.InitialDelaySeconds || c.isStarted(p.api) == (t == startup) {
		return
	}
	if err := c.noPort(p.api, spec); err != "" {
		k.noteOn(env, p, c, corev1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe errored and resulted in unknown state: %s", probeNames[t], err))
		return // what an error says is thrown away: nothing changes
	}
	answer, output := k.ask(env, p, i, t, spec)
	if answer == failure {
		k.noteOn(env, p, c, corev1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe failed: %s", probeNames[t], output))
	}
	if s.last == answer {
		s.count++
	} else {
		s.last, s.count = answer, 1
	}
	if answer == failure && s.count < max(spec.FailureThreshold, 1) || answer == success && s.count < max(spec.SuccessThreshold, 1) {
		return
	}
	s.value = answer
	if t == liveness && answer == failure || t == startup {
		s.onHold, s.count = true, 0
	}
}

// asksProcess reports whether a probe is answered by the workload's HTTP, or by its
// ProbeExec.
func (k *Kubelet) asksProcess(load *Workload, spec *corev1.Probe) bool {
	return load.ProbeHTTP && load.HTTP != nil && spec.HTTPGet != nil || load.ProbeExec != nil && spec.Exec != nil
}

// ask puts the probe's question to the process, and returns what the kubelet
// would print of a failure.
func (k *Kubelet) ask(env *controller.Env, p *pod, i int16, t probeType, spec *corev1.Probe) (verdict, string) {
	c := &p.containers[i]
	load := k.load(env, p, i)
	age := env.Now().Sub(c.run.started)
	h := load.probed(t, age, c.probes[t].faults())
	if !c.run.running {
		h = health{}
	}
	asks := h.listening && k.asksProcess(&load, spec) && !c.probes[t].broken
	if h.ok && !asks { // who is well listens
		return success, ""
	}
	ip, port := c.address(p, spec)
	refused := fmt.Sprintf("dial tcp %s:%d: connect: connection refused", ip, port)
	switch {
	case spec.HTTPGet != nil:
		path, scheme := spec.HTTPGet.Path, "http"
		if spec.HTTPGet.Scheme != "" {
			scheme = strings.ToLower(string(spec.HTTPGet.Scheme))
		}
		url := fmt.Sprintf("%s://%s:%d%s", scheme, ip, port, path)
		if asks {
			w := env.World().(*World)
			r := k.machine(w).room(p)
			req := HTTPRequest{Path: path, Port: port, Scheme: scheme, Host: spec.HTTPGet.Host, Headers: spec.HTTPGet.HTTPHeaders}
			switch {
			case !listens(c.spec(p.api), port):
				return failure, fmt.Sprintf("Get %q: %s", url, refused)
			case scheme == "https" && !load.TLS:
				return failure, fmt.Sprintf("Get %q: http: server gave HTTP response to HTTPS client", url)
			case scheme == "http" && load.TLS:
				return failure, "HTTP probe failed with statuscode: 400"
			}
			res := w.ask(env.Now(), r, r.proc(c.name), &load, req)
			if res.Status >= 200 && res.Status < 400 {
				return success, ""
			}
			return failure, fmt.Sprintf("HTTP probe failed with statuscode: %d", res.Status)
		}
		if !h.listening {
			return failure, fmt.Sprintf("Get %q: %s", url, refused)
		}
		return failure, "HTTP probe failed with statuscode: 503"
	case spec.Exec != nil && asks:
		w := env.World().(*World)
		r := k.machine(w).room(p)
		output, ok := load.ProbeExec(spec.Exec.Command, w.filesOf(r, r.proc(c.name)))
		if ok {
			return success, ""
		}
		return failure, output
	case spec.TCPSocket != nil:
		return failure, refused
	case spec.GRPC != nil && h.listening:
		return failure, `service unhealthy (responded with "NOT_SERVING")`
	case spec.GRPC != nil:
		return failure, fmt.Sprintf("timeout: failed to connect service \"%s:%d\" within %ds: context deadline exceeded", ip, port, max(spec.TimeoutSeconds, 1))
	}
	return failure, load.ProbeOutput
}

// noPort says why a probe has no port to go to (ResolveContainerPort), or "". A
// number need not be among the container's ports, a name has to.
func (c *container) noPort(obj *corev1.Pod, spec *corev1.Probe) string {
	var port intstr.IntOrString
	switch {
	case spec.HTTPGet != nil:
		port = spec.HTTPGet.Port
	case spec.TCPSocket != nil:
		port = spec.TCPSocket.Port
	}
	if port.Type != intstr.String {
		return ""
	}
	for _, named := range c.spec(obj).Ports {
		if named.Name == port.StrVal {
			return ""
		}
	}
	return fmt.Sprintf("port %q not found", port.StrVal)
}

// address is where a probe goes.
func (c *container) address(p *pod, spec *corev1.Probe) (string, int) {
	ip, port := p.sandbox.ip, ""
	switch {
	case spec.HTTPGet != nil:
		port = spec.HTTPGet.Port.String()
		if spec.HTTPGet.Host != "" {
			ip = spec.HTTPGet.Host
		}
	case spec.TCPSocket != nil:
		port = spec.TCPSocket.Port.String()
		if spec.TCPSocket.Host != "" {
			ip = spec.TCPSocket.Host
		}
	case spec.GRPC != nil:
		return ip, int(spec.GRPC.Port)
	}
	for _, named := range c.spec(p.api).Ports {
		if named.Name == port {
			return ip, int(named.ContainerPort)
		}
	}
	n, _ := strconv.Atoi(port)
	return ip, n
}
