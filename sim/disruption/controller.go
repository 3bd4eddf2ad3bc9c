package disruption

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// What tells apart the controller's wake-ups, in the top byte.
const (
	budgetQueue = iota + 1
	podQueue
	recheckTimers
	cleanupTimers
)

// Controller is the disruption controller. Use New.
type Controller struct {
	budgets  controller.Workers[apiserver.Key, memo]
	pods     controller.Workers[apiserver.Key, podStage]
	roster   roster
	rechecks timers // of budgets, whose evicted pods should be gone by then
	cleanups timers // of pods, whose condition is stale by then
}

var (
	_ controller.Selective = (*Controller)(nil)
	_ controller.Reporter  = (*Controller)(nil)
)

// New returns a controller that has seen nothing yet.
func New() *Controller {
	c := &Controller{rechecks: timers{id: recheckTimers}, cleanups: timers{id: cleanupTimers}}
	c.budgets.ID, c.budgets.Count = budgetQueue, 1 // ConcurrentDisruptionSyncs
	c.pods.ID, c.pods.Count = podQueue, 1
	return c
}

// Name implements controller.Actor.
func (*Controller) Name() string { return "disruption-controller" }

// EventSource implements controller.Reporter.
func (*Controller) EventSource() string { return "controllermanager" }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.PodDisruptionBudget, apiserver.Pod, apiserver.StatefulSet}
}

// Heeds implements controller.Selective: budgets, the pods beside them, and any
// pod that is said to be disrupted. Sets are only looked up.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	switch obj := rec.Object.(type) {
	case *policyv1.PodDisruptionBudget:
		return true
	case *corev1.Pod:
		return len(c.roster.names[rec.Key.Namespace]) > 0 || rec.Type != watch.Deleted && isDisrupted(obj)
	}
	return false
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch obj := rec.Object.(type) {
	case *policyv1.PodDisruptionBudget:
		c.observeBudget(env, rec.Key, obj, rec.Type == watch.Deleted)
	case *corev1.Pod:
		c.observePod(env, rec.Key, obj, rec.Type == watch.Deleted)
	}
}

// observeBudget asks for a sync at every change (addDB, updateDB, removeDB).
func (c *Controller) observeBudget(env *controller.Env, key apiserver.Key, obj *policyv1.PodDisruptionBudget, gone bool) {
	switch {
	case gone:
		c.roster.drop(key)
	case c.roster.needs(key, obj):
		first := len(c.roster.names[key.Namespace]) == 0
		c.roster.add(key, obj, env.List(apiserver.Pod, key.Namespace))
		if first {
			env.Reheed(apiserver.Pod)
		}
	}
	c.budgets.Add(env, key)
}

// observePod asks for a sync of one budget that selects a pod as it is now, or
// was last (addPod, updatePod, deletePod): the one that it has left is not told.
func (c *Controller) observePod(env *controller.Env, key apiserver.Key, pod *corev1.Pod, gone bool) {
	c.roster.observe(pod, gone)
	if keys := c.roster.covering(pod); len(keys) > 0 {
		// getPdbForPod takes the first of a list in the order of a map.
		chosen := keys[env.Choose("disruption/budget", key.String(), len(keys))]
		if len(keys) > 1 {
			env.Note(severalBudgets(pod, chosen.Name))
		}
		c.budgets.Add(env, chosen)
	}
	if !gone && isDisrupted(pod) {
		c.cleanUpAfter(env, key, staleAfter(pod, env.Now()))
	}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	switch {
	case c.budgets.Owns(arg):
		c.budgets.Wake(env, budgetSync{c}, arg)
	case c.pods.Owns(arg):
		c.pods.Wake(env, podSync{c}, arg)
	case c.rechecks.owns(arg):
		for _, key := range c.rechecks.take(env.Now()) { // recheckWorker
			c.budgets.AddRateLimited(env, key, errRecheck)
		}
	case c.cleanups.owns(arg):
		for _, key := range c.cleanups.take(env.Now()) {
			c.pods.Add(env, key)
		}
	}
	c.arm(env)
}

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	if c.budgets.Owns(token) {
		c.budgets.Respond(env, budgetSync{c}, token, res)
	} else {
		c.pods.Respond(env, podSync{c}, token, res)
	}
	c.arm(env)
}

// arm sets the timers that the syncs have asked for.
func (c *Controller) arm(env *controller.Env) {
	for _, key := range c.rechecks.arm(env) { // what is due already
		c.budgets.AddRateLimited(env, key, errRecheck)
	}
	for _, key := range c.cleanups.arm(env) { // likewise
		c.pods.Add(env, key)
	}
}

// Waiting implements controller.Actor.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for key, err := range c.budgets.Failing() { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.PodDisruptionBudget, Key: key, Reason: err})
	}
	for key, err := range c.pods.Failing() { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: key, Reason: err})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return a.Key.Compare(b.Key)
	})
	return ws
}
