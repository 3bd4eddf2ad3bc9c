package kubelet

import (
	corev1 "k8s.io/api/core/v1"
)

// Seen is what a kubelet sees of a pod on its machine.
type Seen struct {
	// Sandboxes is how many the pod has had, and Up whether the last one is there.
	Sandboxes int
	Up        bool
	// Containers are those that the runtime knows of, by name.
	Containers map[string]SeenContainer
}

// SeenContainer is the latest run of a container.
type SeenContainer struct {
	// Running is whether it runs. One that does not has ended, with ExitCode and
	// Reason.
	Running  bool
	ExitCode int32
	Reason   string
	// Earlier is whether it was in a sandbox before the last one.
	Earlier bool
	// Image is what it runs; empty means what the spec says.
	Image string
	// Started is whether its startup probe has succeeded. StartupFailed and
	// LivenessFailed are whether those probes have failed for good.
	Started, StartupFailed, LivenessFailed bool
}

// Plan returns what a kubelet does next for a pod that is neither deleted nor
// over, in order (computePodActions): "sandbox" for a new one, "stop NAME: why",
// "stop all" for the containers and the sandbox, "start NAME". The order of what
// it stops is not that of upstream, which has none.
func Plan(pod *corev1.Pod, seen Seen) []string {
	p := newPod(pod)
	p.sandbox = sandbox{attempts: int32(seen.Sandboxes), up: seen.Up}
	p.seen = p.sandbox
	for i := range p.containers {
		c := &p.containers[i]
		if s, ok := seen.Containers[c.name]; ok {
			c.see(pod, s, p.sandbox.attempts)
		}
	}
	var list []string
	for _, a := range p.plan(nil) {
		c := &p.containers[a.container]
		switch a.what {
		case createSandbox:
			list = append(list, "sandbox")
		case stopContainer:
			list = append(list, "stop "+c.name+": "+a.message(c))
		case stopPod:
			list = append(list, "stop all")
		case startContainer:
			list = append(list, "start "+c.name)
		}
	}
	return list
}

// see takes in the latest run of a container.
func (c *container) see(pod *corev1.Pod, s SeenContainer, attempt int32) {
	if s.Image == "" {
		s.Image = c.spec(pod).Image
	}
	c.seen = run{id: scheme + c.name, running: s.Running, sandbox: attempt, image: &image{name: s.Image}}
	if s.Earlier {
		c.seen.sandbox--
	}
	if !s.Running {
		c.seen.exit = &exit{code: s.ExitCode, reason: s.Reason}
	}
	for t, v := range [...]verdict{startup: verdictOf(s.Started, s.StartupFailed), liveness: verdictOf(true, s.LivenessFailed)} {
		c.probes[t] = probeState{on: probeSpec(c.spec(pod), probeType(t)) != nil, id: c.seen.id, value: v}
	}
}

func verdictOf(succeeded, failed bool) verdict {
	switch {
	case failed:
		return failure
	case succeeded:
		return success
	}
	return unknown
}
