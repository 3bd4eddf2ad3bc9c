package statefulset

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// Name is the component that the controller writes and reports as.
const Name = "statefulset-controller"

// workers is how many sets are worked on at a time (S1).
const workers = 5

// queueID marks the work queue's wake-ups; pauseID those of held answers.
const (
	queueID uint8 = 1
	pauseID uint8 = 2
)

// Controller is the StatefulSet controller. Use New.
type Controller struct {
	controller.Workers[apiserver.Key, memo]

	gates apiserver.Gates

	// The indices, kept by Observe.
	sets          map[string][]string                     `state:"incidental" why:"follows from what was observed"`          // namespace → names of its sets, sorted
	claimants     map[apiserver.Key][]string              `state:"incidental" why:"follows from what was observed"`          // <template>-<set> → sets whose claims are called so
	rosters       map[owner]*roster                       `state:"incidental" why:"follows from what was observed"`          // of the pods with that controller
	orphans       map[apiserver.Key]names                 `state:"incidental" why:"follows from what was observed"`          // pods without a controller, by the parent in their names
	revisions     map[owner][]*appsv1.ControllerRevision  `state:"elements,incidental" why:"follows from what was observed"` // by controller, sorted by name
	freeRevisions map[string][]*appsv1.ControllerRevision `state:"elements,incidental" why:"follows from what was observed"` // without one, by namespace, sorted by name

	writes     map[apiserver.Key]writes
	blueprints map[owner]*blueprint `state:"incidental" why:"computed from the set and its revisions"`
	held       []answer             // in the order of their times
	pauses     uint64               `state:"incidental" why:"it tells the answers apart"`

	view controller.View `state:"scratch"` // of the Step under way: a place to point at, instead of a new one each time

	naive    bool   // walk all pods in every sync, as the oracle of the rosters
	examined uint64 `state:"incidental" why:"a measurement"` // pods looked at, by syncs and by Observe
}

// WalkAll has every sync walk over all pods of its set, instead of asking the
// rosters. It decides the same, at a cost that grows with the set: the oracle of
// the rosters.
func (c *Controller) WalkAll() { c.naive = true }

// answer is a conflict that is handed on only after upstream's pause.
type answer struct {
	id, token uint64 `state:"incidental" why:"the order of the list says it"`
	result    apiserver.Result
}

var (
	_ controller.Actor                        = (*Controller)(nil)
	_ controller.Machine[apiserver.Key, memo] = (*Controller)(nil)
)

// New returns the controller of a cluster with those gates.
func New(gates apiserver.Gates) *Controller {
	return &Controller{
		Workers:       controller.Workers[apiserver.Key, memo]{ID: queueID, Count: workers},
		gates:         gates,
		sets:          map[string][]string{},
		claimants:     map[apiserver.Key][]string{},
		rosters:       map[owner]*roster{},
		orphans:       map[apiserver.Key]names{},
		revisions:     map[owner][]*appsv1.ControllerRevision{},
		freeRevisions: map[string][]*appsv1.ControllerRevision{},
		writes:        map[apiserver.Key]writes{},
		blueprints:    map[owner]*blueprint{},
	}
}

// Name implements controller.Actor.
func (c *Controller) Name() string { return Name }

// Watches implements controller.Actor.
func (c *Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.StatefulSet, apiserver.Pod, apiserver.PersistentVolumeClaim, apiserver.ControllerRevision}
}

// Examined returns how many pods the controller has looked at so far: what its
// work grows with.
func (c *Controller) Examined() uint64 { return c.examined }

// Respond implements controller.Actor. A conflict is held back for the pause
// that upstream makes before it tries again: meanwhile the view may catch up.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	var span controller.Range
	if isConflict(res.Err) {
		m, chain := c.Asking(token)
		span = m.pause(chain)
	}
	if span.Max == 0 {
		c.Workers.Respond(env, c, token, res)
		return
	}
	c.pauses++
	c.held = append(c.held, answer{c.pauses, token, res})
	pause := env.Span("retry-pause", engine.Key(c.pauses), span)
	env.WakeAfter(pause, engine.Progress, uint64(pauseID)<<56|c.pauses)
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	if c.Owns(arg) {
		c.Workers.Wake(env, c, arg)
		return
	}
	id := arg &^ (0xff << 56)
	i := slices.IndexFunc(c.held, func(a answer) bool { return a.id == id })
	a := c.held[i]
	c.held = slices.Delete(slices.Clone(c.held), i, i+1)
	c.Workers.Respond(env, c, a.token, a.result)
}

// Waiting implements controller.Actor: the sets that fail, and those with fewer
// ready pods than replicas, in the order of their keys.
func (c *Controller) Waiting(env *controller.Env) []controller.Wait {
	var ws []controller.Wait
	for _, namespace := range slices.Sorted(maps.Keys(c.sets)) {
		for _, name := range c.sets[namespace] {
			key := apiserver.Key{Namespace: namespace, Name: name}
			reason := c.Failure(key)
			if reason == "" {
				reason = c.shortfall(env, key)
			}
			if reason != "" {
				ws = append(ws, controller.Wait{Kind: apiserver.StatefulSet, Key: key, Reason: reason})
			}
		}
	}
	return ws
}

// shortfall says what a set waits for, or "".
func (c *Controller) shortfall(l lister, key apiserver.Key) string {
	set := l.StatefulSet(key)
	if set == nil {
		return ""
	}
	r := c.rosters[ownerOf(set)]
	if r == nil {
		r = &roster{}
	}
	start, end := startOf(set), endOf(set)
	for o := start; o <= end; o++ {
		gap := r.owned.regular.nextGap(o)
		unready := r.ready.nextGap(o)
		if r.set == nil {
			unready = o
		}
		if o = min(gap, unready); o > end {
			break
		}
		pod := l.Pod(podKey(set, o))
		if reason := waitsFor(set, pod, o); reason != "" {
			return reason
		}
	}
	if o, ok := r.owned.regular.prev(maxOrdinal); ok && (o > end || o < start) {
		return fmt.Sprintf("waiting for pod %s to be deleted", podKey(set, o))
	}
	return ""
}

const maxOrdinal = 1<<31 - 1

func waitsFor(set *appsv1.StatefulSet, pod *corev1.Pod, o int) string {
	key := podKey(set, o)
	switch {
	case pod == nil:
		return fmt.Sprintf("waiting for pod %s to be created", key)
	case controllerRef(pod) == nil || controllerRef(pod).UID != set.UID:
		return fmt.Sprintf("pod %s is not controlled by the set", key)
	case isTerminating(pod):
		return fmt.Sprintf("waiting for pod %s to terminate", key)
	case !isRunningAndReady(pod):
		return fmt.Sprintf("waiting for pod %s to be Ready", key)
	}
	return ""
}
