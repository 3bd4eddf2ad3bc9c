package scheduler

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/scheduler/queue"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// taskKind is what a task does.
type taskKind uint8

const (
	bindTask    taskKind = iota // binds a pod and before it its volumes
	statusTask                  // patches a pod's status
	preemptTask                 // removes the victims of a preemption
)

// stage is where the binding of a pod has got to.
type stage uint8

const (
	stageNominate stage = iota
	stageVolumes
	stagePoll
	stageBind
)

// task is work that runs beside the scheduling cycles, request by request. It
// is plain data.
type task struct {
	kind taskKind
	key  apiserver.Key

	blocking bool // statusTask: the next cycle waits for it

	// bindTask
	entry    *queue.Entry
	node     string // also of a preemptTask
	stage    stage
	volumes  []plugin.Match
	claims   []*corev1.PersistentVolumeClaim
	done     int // writes of volumes and claims that were answered
	deadline engine.Time
	polled   bool // the claims were looked at, and were not bound

	// preemptTask
	preemptor *corev1.Pod
	victims   []*corev1.Pod
	clear     []apiserver.Key // pods whose nomination is to be taken back
	deleting  bool            // the first victim has its condition
	failed    bool
}

// start adds a task and returns its token.
func (s *Scheduler) start(t *task) uint64 {
	s.nextTask++
	s.tasks[s.nextTask] = t
	return s.nextTask
}

// advance takes the answer to a task's request.
func (s *Scheduler) advance(env *controller.Env, token uint64, t *task, res apiserver.Result) {
	switch t.kind {
	case statusTask:
		delete(s.tasks, token)
		if t.blocking {
			s.blocked = false
		}
	case preemptTask:
		s.advancePreemption(env, token, t, res)
	case bindTask:
		switch t.stage {
		case stageNominate: // a failure is no reason to stop
			s.writeNext(env, token, t)
		case stageVolumes:
			s.wrote(env, token, t, res)
		case stageBind:
			s.bound(env, token, t, res)
		}
	}
}
