package sim

import (
	"fmt"
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
// ascending order; some may be left out.
type PodPhase uint8

// The stages.
const (
	// Pending: the pod exists and has no node, or its node has not begun.
	Pending PodPhase = iota + 1
	// ContainerCreating: the node mounts, pulls and starts.
	ContainerCreating
	// Running: every container has started.
	Running
	// Terminating: the pod is being deleted.
	Terminating
	// Gone: the object is deleted, and its name is free.
	Gone
)

func (p PodPhase) String() string {
	names := [...]string{"Unknown", "Pending", "ContainerCreating", "Running", "Terminating", "Gone"}
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
}

func (e PodEvent) String() string {
	return fmt.Sprintf("%s %s %s", apiserver.WallTime(e.Time).Format("15:04:05.000"), e.Pod, e.Phase)
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
	if phase <= l.seen[pod.UID] {
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
	case pod.Status.Phase != corev1.PodPending && pod.Status.Phase != "":
		return Running
	case len(pod.Status.ContainerStatuses) > 0:
		return ContainerCreating
	}
	return Pending
}
