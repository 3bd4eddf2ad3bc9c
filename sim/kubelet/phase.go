package kubelet

import (
	corev1 "k8s.io/api/core/v1"
)

// phase is the pod's phase by its containers (K22, getPhase): Pending until
// every container has started once; then Running, as long as one runs or will
// run again.
func (p *pod) phase(st *corev1.PodStatus, over bool) corev1.PodPhase {
	inits := p.initTally(st)
	if inits.failedForGood {
		return corev1.PodFailed
	}
	t := p.tally(st)
	t.running += inits.running
	t.waiting += inits.waiting
	switch {
	case inits.pending || inits.pendingSidecars && !p.hasStarted() || t.waiting > 0:
		return corev1.PodPending
	case t.running > 0:
		return corev1.PodRunning
	case t.stopped == 0:
		return corev1.PodPending
	case !over && t.restarting > 0:
		return corev1.PodRunning
	case t.stopped == t.succeeded:
		return corev1.PodSucceeded
	}
	return corev1.PodFailed
}

// tally counts containers by state. A container that waits after a run counts
// as stopped.
type tally struct {
	running, waiting, stopped, restarting, succeeded int
}

func (p *pod) tally(st *corev1.PodStatus) (t tally) {
	for i := range st.ContainerStatuses {
		s := &st.ContainerStatuses[i]
		ended := s.State.Terminated
		switch {
		case s.State.Running != nil:
			t.running++
			continue
		case ended != nil:
			if ended.ExitCode == 0 {
				t.succeeded++
			}
		case s.LastTerminationState.Terminated != nil:
			ended = s.LastTerminationState.Terminated
		default:
			t.waiting++
			continue
		}
		t.stopped++
		if isRestartable(p.api, p.named(s.Name), ended.ExitCode) {
			t.restarting++
		}
	}
	return t
}

// initTally is what the init containers mean for the phase.
type initTally struct {
	failedForGood, pending, pendingSidecars bool
	running, waiting                        int
}

func (p *pod) initTally(st *corev1.PodStatus) (t initTally) {
	for i := range st.InitContainerStatuses {
		s := &st.InitContainerStatuses[i]
		c := p.named(s.Name)
		ended := s.State.Terminated
		if ended == nil && s.State.Waiting != nil {
			ended = s.LastTerminationState.Terminated
		}
		switch {
		case c.sidecar && s.State.Running != nil:
			t.running++
			t.pendingSidecars = t.pendingSidecars || s.Started == nil || !*s.Started
		case c.sidecar:
			if ended == nil {
				t.pendingSidecars = true
				t.waiting++
			}
		case ended == nil:
			t.pending = true
		case ended.ExitCode != 0 && !isRestartable(p.api, c, ended.ExitCode):
			t.failedForGood = true
		}
	}
	return t
}

func (p *pod) named(name string) *container {
	for i := range p.containers {
		if p.containers[i].name == name {
			return &p.containers[i]
		}
	}
	panic("kubelet: pod " + p.key.String() + " has no container " + name)
}
