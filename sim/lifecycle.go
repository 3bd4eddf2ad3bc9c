package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// PodPhase is a stage of a pod's life as a person sees it. Stages are passed in
// ascending order; some may be left out. Only from Unreachable a pod may go back
// to Running.
type PodPhase uint8

// The stages.
const (
	// Pending: the pod exists and has no node, or its node has not begun.
	Pending PodPhase = iota + 1
	// ContainerCreating: the node mounts, pulls and starts.
	ContainerCreating
	// Running: every container has started.
	Running
	// Unreachable: its node has not been heard of. Whether its processes run is
	// unknown (N2).
	Unreachable
	// Failed: its containers have ended for good, and not well, or nobody runs it
	// any more: it was evicted by its node, or its node is gone (K22, N6).
	Failed
	// Terminating: the pod is being deleted.
	Terminating
	// Gone: the object is deleted, and its name is free.
	Gone
)

func (p PodPhase) String() string {
	names := [...]string{"Unknown", "Pending", "ContainerCreating", "Running", "Unreachable", "Failed", "Terminating", "Gone"}
	if int(p) >= len(names) {
		p = 0
	}
	return names[p]
}

// PodEvent says that a pod has entered a stage of its life.
type PodEvent struct {
	Time     engine.Time
	Pod      apiserver.Key
	UID      types.UID
	Phase    PodPhase
	Set      string // the owning StatefulSet, or empty
	Ordinal  int    // within the set; -1 without one
	Revision string // the ControllerRevision, or empty
	Node     string // empty while Pending without a node
	// Abandoned is set with Gone if, for all that the API knows, containers of the
	// pod run: it was deleted by force, and its name is free for another all the
	// same (N6). Cluster.Processes says whether they do.
	Abandoned bool
}

func (e PodEvent) String() string {
	text := fmt.Sprintf("%s %s %s", apiserver.WallTime(e.Time).Format("15:04:05.000"), e.Pod, e.Phase)
	if e.Abandoned {
		text += ", abandoned"
	}
	return text
}

// Lifecycle turns watch records into pod events. The zero Lifecycle is ready.
type Lifecycle struct {
	seen map[types.UID]PodPhase
}

// Next returns the event that a record is, if it is one: a pod entering a
// stage that it has not been in.
func (l *Lifecycle) Next(rec *apiserver.Record) (PodEvent, bool) {
	pod, ok := rec.Object.(*corev1.Pod)
	if !ok {
		return PodEvent{}, false
	}
	phase := phaseOf(pod)
	if rec.Type == watch.Deleted {
		phase = Gone
	}
	if was := l.seen[pod.UID]; phase <= was && !(was == Unreachable && phase == Running) {
		return PodEvent{}, false
	}
	if l.seen == nil {
		l.seen = map[types.UID]PodPhase{}
	}
	l.seen[pod.UID] = phase
	if phase == Gone {
		delete(l.seen, pod.UID)
	}
	ev := PodEvent{Time: rec.Time, Pod: rec.Key, UID: pod.UID, Phase: phase, Ordinal: -1,
		Revision: pod.Labels[appsv1.ControllerRevisionHashLabelKey], Node: pod.Spec.NodeName}
	if phase == Gone {
		ev.Abandoned = slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool { return s.State.Running != nil })
	}
	for _, ref := range pod.OwnerReferences {
		if ref.Kind != "StatefulSet" || ref.Controller == nil || !*ref.Controller {
			continue
		}
		ev.Set = ref.Name
		if n, err := strconv.Atoi(strings.TrimPrefix(pod.Name, ref.Name+"-")); err == nil {
			ev.Ordinal = n
		}
	}
	return ev, true
}

// phaseOf is a pod's stage by its object alone.
func phaseOf(pod *corev1.Pod) PodPhase {
	switch {
	case pod.DeletionTimestamp != nil:
		return Terminating
	case pod.Status.Phase == corev1.PodFailed:
		return Failed
	case pod.Status.Phase != corev1.PodPending && pod.Status.Phase != "":
		if isUnheard(pod) {
			return Unreachable
		}
		return Running
	case len(pod.Status.ContainerStatuses) > 0:
		return ContainerCreating
	}
	return Pending
}

// isUnheard reports whether the node lifecycle controller has a pod say that it is
// not ready: its kubelet would say so of the containers, too (MarkPodsNotReady).
func isUnheard(pod *corev1.Pod) bool {
	var ready, containers corev1.PodCondition
	for _, c := range pod.Status.Conditions {
		switch c.Type {
		case corev1.PodReady:
			ready = c
		case corev1.ContainersReady:
			containers = c
		}
	}
	return ready.Status == corev1.ConditionFalse && ready.Reason == "" && containers.Status == corev1.ConditionTrue
}
