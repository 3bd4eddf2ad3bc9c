package kubelet

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// actionKind is one step of a sync.
type actionKind uint8

const (
	createSandbox actionKind = iota + 1
	stopContainer
	stopPod // every container and the sandbox: nothing of the pod is to run
	startContainer
)

// action is a step with its container. It is decided by what the kubelet saw
// when the sync began, and nothing that happens meanwhile changes it.
type action struct {
	what      actionKind
	container int16
	why       stopReason // of a stopContainer
	again     bool       // … which is to start again
	ended     *exit      // of a startContainer: the end of the latest run that was over
}

// stopReason is why a container of a living pod is stopped.
type stopReason uint8

const (
	changedSpec stopReason = iota + 1
	failedLiveness
	failedStartup
)

// message says why a container is stopped, for the Event.
func (a action) message(c *container) string {
	message := "Container " + c.name
	if c.init {
		message = "Init container " + c.name
	}
	switch a.why {
	case failedLiveness:
		message += " failed liveness probe"
	case failedStartup:
		message += " failed startup probe"
	default:
		message += " definition changed"
	}
	if a.again {
		message += ", will be restarted"
	}
	return message
}

// plan decides what a sync does (computePodActions): the sandbox first, with what
// is to run in it; otherwise what has to stop, and after that what has to start.
func (p *pod) plan(todo []action) []action {
	if !p.seen.up && !p.sandbox.up {
		return p.planSandbox(todo)
	}
	var few [4]action
	todo, starts, initialized := p.planInits(todo, few[:0])
	if initialized {
		todo, starts = p.planContainers(todo, starts)
	}
	return append(todo, starts...)
}

// planSandbox decides whether a new sandbox is made, and what starts in it: the
// first init container, or the containers if there is none.
func (p *pod) planSandbox(todo []action) []action {
	if p.api.Spec.RestartPolicy == corev1.RestartPolicyNever && p.seen.attempts > 0 && p.hasRun() {
		return append(todo, action{what: stopPod})
	}
	todo = append(todo, action{what: createSandbox})
	var few [4]action
	starts := few[:0]
	for i := int(p.inits); i < len(p.containers); i++ {
		if c := &p.containers[i]; !c.isDone(p.api) {
			starts = append(starts, c.starts(i))
		}
	}
	switch {
	case len(starts) == 0 && p.hasStarted():
		return append(todo[:len(todo)-1], action{what: stopPod}) // nothing would run in it
	case p.inits > 0:
		return append(todo, p.containers[0].starts(0))
	}
	return append(todo, starts...)
}

// isDone reports whether a container has succeeded and need not run again.
func (c *container) isDone(obj *corev1.Pod) bool {
	once := obj.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
	if p := c.spec(obj).RestartPolicy; p != nil {
		once = *p == corev1.ContainerRestartPolicyOnFailure
	}
	return once && c.seen.exit != nil && c.seen.exit.code == 0
}

// starts is the step that starts a container. Its back-off counts from the end of
// the latest run that was over when the sync began: of a container that this
// sync stops, from the end of the run before (doBackOff).
func (c *container) starts(i int) action {
	a := action{what: startContainer, container: int16(i), ended: c.seen.exit}
	if c.seen.running {
		a.ended = c.seen.last
	}
	return a
}

// planInits goes through the init containers, from the last to the first, for the
// one that is at work: each has to end, or a sidecar to have started, before the
// next begins (computeInitContainerActions). Once a container of the pod has
// started in the sandbox, sidecars alone count. It reports whether the pod is
// initialized.
func (p *pod) planInits(todo, starts []action) (_, _ []action, initialized bool) {
	last := int(p.inits) - 1
	if last < 0 {
		return todo, starts, true
	}
	initialized = p.hasStartedHere()
	previously := initialized
	start := func(i int) { starts = append(starts, p.containers[i].starts(i)) }
	for i := last; i >= 0; i-- {
		c := &p.containers[i]
		if c.seen.id == "" || c.seen.sandbox != p.sandbox.attempts {
			if previously && c.sidecar {
				start(i)
			}
			continue
		}
		if previously && !c.sidecar {
			continue
		}
		var why stopReason
		done, again := false, false
		switch {
		case c.seen.running && c.sidecar:
			done = c.isStarted(p.api)
			why = c.wrong(p.api, done)
			again = why != 0
		case c.seen.running:
		case c.sidecar:
			again = true
		case !c.seen.exit.isFailure():
			done = true
		case !isRestartable(p.api, c, c.seen.exit.code):
			return append(todo[:0], action{what: stopPod}), nil, false
		default:
			again = true
		}
		switch {
		case done && i == last:
			initialized = true
		case done && !previously:
			start(i + 1)
		}
		if why != 0 {
			todo = append(todo, action{what: stopContainer, container: int16(i), why: why})
		}
		if again {
			start(i)
		}
		previously = true
	}
	if !previously {
		start(0)
	}
	for i, j := 0, len(starts)-1; i < j; i, j = i+1, j-1 { // in the order of the spec
		starts[i], starts[j] = starts[j], starts[i]
	}
	return todo, starts, initialized
}

// wrong says why a container that runs has to stop, or 0. A sidecar that has not
// started yet is not asked for its liveness.
func (c *container) wrong(obj *corev1.Pod, started bool) stopReason {
	switch {
	case started && c.seen.image.name != c.spec(obj).Image:
		return changedSpec
	case started && c.probes[liveness].failed(c.seen.id):
		return failedLiveness
	case c.probes[startup].failed(c.seen.id):
		return failedStartup
	}
	return 0
}

// planContainers decides about the containers of an initialized pod: start those
// that do not run and should, stop those that run and should not. If neither any
// is kept nor any starts, all of the pod stops, its sidecars too.
func (p *pod) planContainers(todo, starts []action) (_, _ []action) {
	kept, began := 0, len(starts)
	for i := int(p.inits); i < len(p.containers); i++ {
		c := &p.containers[i]
		if !c.seen.running {
			if c.seen.id == "" || p.mayRestart(c, c.seen.exit.code) {
				starts = append(starts, c.starts(i))
			}
			continue
		}
		why := c.wrong(p.api, true)
		if why == 0 {
			kept++
			continue
		}
		again := why == changedSpec || p.restartsProbed(c)
		todo = append(todo, action{what: stopContainer, container: int16(i), why: why, again: again})
		if again {
			starts = append(starts, c.starts(i))
		}
	}
	if kept == 0 && len(starts) == began {
		return append(todo[:0], action{what: stopPod}), nil
	}
	return todo, starts
}

// restartsProbed reports whether a container that fails a probe runs again: rules
// for exit codes do not count, as there is none yet.
func (p *pod) restartsProbed(c *container) bool {
	if r := c.spec(p.api).RestartPolicy; r != nil {
		return *r != corev1.ContainerRestartPolicyNever
	}
	return p.api.Spec.RestartPolicy != corev1.RestartPolicyNever
}

// mayRestart reports whether a container runs again after it ended
// (ShouldContainerBeRestarted).
func (p *pod) mayRestart(c *container, code int32) bool {
	return p.api.DeletionTimestamp == nil && isRestartable(p.api, c, code) && (!c.init || c.sidecar || code != 0)
}

// isRestartable reports whether the restart policy has a container run again
// after it ended with a code (podutil.ContainerShouldRestart).
func isRestartable(obj *corev1.Pod, c *container, code int32) bool {
	spec := c.spec(obj)
	if p := spec.RestartPolicy; p != nil {
		if ruleFor(spec, code) {
			return true
		}
		switch *p {
		case corev1.ContainerRestartPolicyAlways:
			return true
		case corev1.ContainerRestartPolicyNever:
			return false
		case corev1.ContainerRestartPolicyOnFailure:
			return code != 0
		}
	}
	switch obj.Spec.RestartPolicy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return code != 0
	}
	return true
}

// ruleFor reports whether a rule of a container for exit codes restarts it
// (FindMatchingContainerRestartRule). Deviation: RestartAllContainers restarts
// the container alone.
func ruleFor(spec *corev1.Container, code int32) bool {
	for i := range spec.RestartPolicyRules {
		r := &spec.RestartPolicyRules[i]
		if r.ExitCodes == nil {
			continue
		}
		if slices.Contains(r.ExitCodes.Values, code) == (r.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			return true
		}
	}
	return false
}

// isFailure reports whether an init container has failed (isInitContainerFailed).
func (e *exit) isFailure() bool { return e.code != 0 || e.reason == "OOMKilled" }

// hasRun reports whether the runtime knows of any container of the pod.
func (p *pod) hasRun() bool {
	return slices.ContainsFunc(p.containers, func(c container) bool { return c.seen.id != "" })
}

// hasStarted reports whether a container other than an init container was ever
// created: the pod has been initialized then.
func (p *pod) hasStarted() bool {
	for i := int(p.inits); i < len(p.containers); i++ {
		if p.containers[i].seen.id != "" {
			return true
		}
	}
	return false
}

// hasStartedHere is hasStarted, for the sandbox that is up: in a new one the
// init containers run again.
func (p *pod) hasStartedHere() bool {
	for i := int(p.inits); i < len(p.containers); i++ {
		if c := &p.containers[i]; c.seen.id != "" && c.seen.sandbox == p.sandbox.attempts {
			return true
		}
	}
	return false
}
