package scheduler

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/statefulsim/statefulsim/scheduler/plugin"
	"github.com/statefulsim/statefulsim/scheduler/queue"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Name is the scheduler's name, which pods ask for in spec.schedulerName.
const Name = corev1.DefaultSchedulerName

// Config configures a Scheduler. The zero Config is upstream's default.
type Config struct {
	// Cycle is how long a scheduling cycle takes; the zero Range is no time.
	Cycle controller.Range
	// PercentageOfNodesToScore is how many of the nodes are looked at in a
	// cluster of 100 or more, in percent; 0 is upstream's adaptive number (C4).
	PercentageOfNodesToScore int
	// NodeByNode has every cycle filter and score node by node. It decides the
	// same, at a cost that grows with the cluster: the oracle of the fast way.
	NodeByNode bool
}

// Scheduler is the default scheduler. Use New.
type Scheduler struct {
	cfg     Config
	cluster *plugin.Cluster
	pods    map[apiserver.Key]*cached // pods on nodes, and assumed ones
	queue   *queue.Queue
	storage storage
	groups  groups
	budgets map[apiserver.Key]*policyv1.PodDisruptionBudget
	foreign map[apiserver.Key]string // the schedulers that other pods without a node ask for

	nominated  nominator
	preempting map[apiserver.Key]bool // pods for which a preemption is under way
	next       int                    // node that the next cycle starts with (C4)

	armed    bool             // a wake-up for a cycle is pending
	blocked  bool             // the cycle waits for its status patch
	retryAt  engine.Time      // pending wake-up for pods after an error; 0 if none
	flushAt  engine.Time      // pending wake-up for the flush; 0 if none
	nextTask uint64           `state:"incidental" why:"it tells tasks apart"`
	tasks    map[uint64]*task `state:"incidental" why:"counts in HashAlso"` // what runs beside the cycles, by token

	scratch scratch `state:"scratch"`
}

// cached is a pod in the cache.
type cached struct {
	pod     *plugin.Pod
	assumed bool // its binding has not been seen yet
}

var _ controller.ArgHasher = (*Scheduler)(nil)

// HashAlso takes in the tasks, whose tokens are handles.
func (s *Scheduler) HashAlso(h *state.Hasher) {
	h.Within(Name)
	h.Set(func(one func(func())) {
		for token, t := range s.tasks { // a set
			one(func() {
				h.Handle(token)
				h.Value(t)
			})
		}
	})
}

// HashArg takes in which task a number stands for.
func (s *Scheduler) HashArg(h *state.Hasher, arg uint64, answer bool) {
	h.Within(Name)
	switch {
	case answer:
		h.Handle(arg)
	case arg&(1<<wakeBits-1) == wakeTask:
		h.Number(wakeTask)
		h.Handle(arg >> wakeBits)
	default:
		h.Number(arg)
	}
}

// New returns a scheduler.
func New(cfg Config) *Scheduler {
	return &Scheduler{
		cfg: cfg, cluster: plugin.NewCluster(), pods: map[apiserver.Key]*cached{}, queue: queue.New(),
		storage: newStorage(), groups: newGroups(), budgets: map[apiserver.Key]*policyv1.PodDisruptionBudget{},
		nominated: newNominator(), preempting: map[apiserver.Key]bool{}, tasks: map[uint64]*task{},
		foreign: map[apiserver.Key]string{},
	}
}

// Name implements controller.Actor.
func (s *Scheduler) Name() string { return Name }

// Watches implements controller.Actor.
func (s *Scheduler) Watches() []apiserver.Kind {
	return []apiserver.Kind{
		apiserver.Namespace, apiserver.StorageClass, apiserver.CSINode, apiserver.CSIDriver, apiserver.VolumeAttachment, apiserver.PersistentVolume, apiserver.PersistentVolumeClaim,
		apiserver.Service, apiserver.StatefulSet, apiserver.PodDisruptionBudget, apiserver.Node, apiserver.Pod,
	}
}

// Wake arguments.
const (
	wakeCycle uint64 = iota
	wakeRetry
	wakeFlush
	wakeTask // with the task's token in the upper bits
	wakeBits = 3
)

// Wake implements controller.Actor.
func (s *Scheduler) Wake(env *controller.Env, arg uint64) {
	switch arg & (1<<wakeBits - 1) {
	case wakeCycle:
		s.armed = false
		if !s.blocked {
			s.cycle(env)
		}
	case wakeRetry:
		if env.Now() < s.retryAt {
			return
		}
		s.retryAt = 0
	case wakeFlush:
		s.flushAt = 0
		s.queue.Flush(env.Now())
		if due, ok := s.queue.FlushDue(); ok {
			s.flushAt = due
			env.WakeAt(due, engine.Retry, wakeFlush)
		}
	case wakeTask:
		if t := s.tasks[arg>>wakeBits]; t != nil {
			s.poll(env, arg>>wakeBits, t)
		}
	}
	s.arm(env)
}

// Respond implements controller.Actor.
func (s *Scheduler) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	if t := s.tasks[token]; t != nil {
		s.advance(env, token, t, res)
	}
	s.arm(env)
}

// arm makes sure that a cycle is coming if there is a pod for it (C7).
func (s *Scheduler) arm(env *controller.Env) {
	if s.armed || s.blocked {
		return
	}
	if s.queue.Ready(env.Now()) {
		s.armed = true
		env.WakeAfter(env.Span("latency/scheduling", 0, s.cfg.Cycle), engine.Progress, wakeCycle)
		return
	}
	if due, ok := s.queue.RetryDue(); ok && (s.retryAt == 0 || due < s.retryAt) {
		s.retryAt = due
		env.WakeAt(due, engine.Retry, wakeRetry)
	}
}

// armFlush makes sure that a pod which has just become unschedulable is looked
// at again after five minutes (C7).
func (s *Scheduler) armFlush(env *controller.Env) {
	if s.flushAt != 0 {
		return
	}
	if due, ok := s.queue.FlushDue(); ok {
		s.flushAt = due
		env.WakeAt(due, engine.Retry, wakeFlush)
	}
}

// Waiting implements controller.Actor: the pods that could not be scheduled,
// with the message of the last attempt, those that are held by their gates or ask
// for another scheduler, and those whose volumes are being bound for longer than a
// second; by key.
func (s *Scheduler) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, e := range s.queue.All() {
		switch gates := e.Pod.Spec.SchedulingGates; {
		case len(gates) > 0:
			ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: e.Key, Reason: "SchedulingGated: held until its gates are removed: " + gateNames(gates)})
		case e.Message != "":
			ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: e.Key, Reason: e.Message})
		}
	}
	for key, name := range s.foreign { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: key, Reason: fmt.Sprintf("no node: it asks for the scheduler %q, and the one here is %q", name, Name)})
	}
	for _, t := range s.tasks { // sorted below
		if t.stage == stagePoll && t.polled {
			ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: t.key, Reason: "waiting for its volumes to be bound for node " + t.node})
		}
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}

func gateNames(gates []corev1.PodSchedulingGate) string {
	names := make([]string, len(gates))
	for i := range gates {
		names[i] = gates[i].Name
	}
	return strings.Join(names, ", ")
}
