package tainteviction

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/podcontrol"
	"github.com/statefulsim/statefulsim/sim/state"
)

// What tells apart the controller's wake-ups and tokens, in the top byte.
const (
	deletions = iota + 1
	timers
)

// Controller is the taint eviction controller. Use New.
type Controller struct {
	deletes controller.Workers[apiserver.Key, deletion]
	// tainted holds the NoExecute taints of the nodes that have any.
	tainted map[string][]corev1.Taint
	// work is the pods that are to be deleted, by when.
	work   map[apiserver.Key]work
	ticket uint32 `state:"incidental" why:"it tells timers apart"`
}

// work is a deletion to come, or under way (TimedWorker).
type work struct {
	ticket  uint32      `state:"handle"` // of its timer
	created engine.Time `state:"incidental" why:"only whether it is now is asked"`
	at      engine.Time `state:"deadline"`
	timed   bool        // there is, or was, a timer: it was not due at once
	fired   bool
	tries   int
}

var (
	_ controller.Selective = (*Controller)(nil)
	_ controller.Reporter  = (*Controller)(nil)
	_ controller.ArgHasher = (*Controller)(nil)
)

// parallel is how many pods are deleted at a time; upstream has no limit.
const parallel = 256

// New returns a controller that has seen nothing yet.
func New() *Controller {
	c := &Controller{tainted: map[string][]corev1.Taint{}, work: map[apiserver.Key]work{}}
	c.deletes.ID, c.deletes.Count = deletions, parallel
	return c
}

// Name implements controller.Actor. The client is the node controller's
// (newTaintEvictionController).
func (*Controller) Name() string { return "taint-eviction-controller" }

// EventSource implements controller.Reporter.
func (*Controller) EventSource() string { return "taint-eviction-controller" }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.Node, apiserver.Pod} }

// Heeds implements controller.Selective: nodes whose NoExecute taints change, and
// pods that come, go or tolerate something else while a node has such a taint.
func (c *Controller) Heeds(rec *apiserver.Record) bool {
	switch obj := rec.Object.(type) {
	case *corev1.Node:
		old, _ := rec.Old.(*corev1.Node)
		return rec.Type == watch.Deleted || old == nil && len(noExecute(obj)) > 0 ||
			old != nil && !equality.Semantic.DeepEqual(noExecute(old), noExecute(obj))
	case *corev1.Pod:
		if len(c.tainted) == 0 && len(c.work) == 0 {
			return false
		}
		old, _ := rec.Old.(*corev1.Pod)
		return rec.Type == watch.Deleted || old == nil || old.Spec.NodeName != obj.Spec.NodeName ||
			len(old.Spec.Tolerations) != len(obj.Spec.Tolerations) // they can only become more
	}
	return false
}

// noExecute returns the NoExecute taints of a node (getNoExecuteTaints).
func noExecute(node *corev1.Node) []corev1.Taint {
	var list []corev1.Taint
	for _, t := range node.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoExecute {
			list = append(list, t)
		}
	}
	return list
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	busy := len(c.tainted)+len(c.work) > 0
	switch obj := rec.Object.(type) {
	case *corev1.Node:
		c.observeNode(env, obj, rec.Type == watch.Deleted)
		if !busy && len(c.tainted)+len(c.work) > 0 {
			env.Reheed(apiserver.Pod)
		}
	case *corev1.Pod:
		c.observePod(env, rec.Key, obj, rec.Type == watch.Deleted)
	}
}

// observeNode has all pods of a node stay or go by its taints (handleNodeUpdate).
// A node that is gone is forgotten, and what was to happen to its pods happens.
func (c *Controller) observeNode(env *controller.Env, node *corev1.Node, gone bool) {
	taints := noExecute(node)
	if gone || len(taints) == 0 {
		delete(c.tainted, node.Name)
	} else {
		c.tainted[node.Name] = taints
	}
	if gone {
		return
	}
	var pods []*corev1.Pod
	for _, obj := range env.List(apiserver.Pod, "") {
		if pod := obj.(*corev1.Pod); pod.Spec.NodeName == node.Name {
			pods = append(pods, pod)
		}
	}
	for len(pods) > 0 { // an index without an order: any is legal
		i := env.Choose("tainteviction/pods", node.Name, len(pods))
		if pod := pods[i]; len(taints) == 0 {
			c.cancel(env, apiserver.KeyOf(pod))
		} else {
			c.process(env, pod, taints)
		}
		pods = slices.Delete(pods, i, i+1)
	}
}

// observePod has a pod stay or go by the taints of its node (handlePodUpdate).
func (c *Controller) observePod(env *controller.Env, key apiserver.Key, pod *corev1.Pod, gone bool) {
	if gone {
		c.cancel(env, key)
	} else if taints, ok := c.tainted[pod.Spec.NodeName]; ok {
		c.process(env, pod, taints)
	}
}

// process decides about one pod (processPodOnNode). A deletion that was planned
// earlier stands, whatever the pod tolerates by now, unless that is everything or
// too little.
func (c *Controller) process(env *controller.Env, pod *corev1.Pod, taints []corev1.Taint) {
	key, now := apiserver.KeyOf(pod), env.Now()
	span, all := tolerates(pod.Spec.Tolerations, taints)
	switch {
	case !all:
		c.cancel(env, key)
		c.add(env, key, now, now)
		return
	case span < 0: // for ever
		c.cancel(env, key)
		return
	}
	created := now
	if w, ok := c.work[key]; ok && w.timed {
		if created = w.created; created < now {
			return
		}
		c.cancel(env, key)
	}
	c.add(env, key, created, now.Add(span))
}

// tolerates returns whether all taints are tolerated, and for how long
// (GetMatchingTolerations, getMinTolerationTime); a negative span is for ever.
func tolerates(tolerations []corev1.Toleration, taints []corev1.Taint) (span time.Duration, all bool) {
	span = -1
	for i := range taints {
		j := slices.IndexFunc(tolerations, func(t corev1.Toleration) bool { return podcontrol.Covers(&t, &taints[i]) })
		if j < 0 {
			return 0, false
		}
		if s := tolerations[j].TolerationSeconds; s != nil {
			if d := time.Duration(max(*s, 0)) * time.Second; span < 0 || d < span {
				span = d
			}
		}
	}
	return span, true
}

// add plans a deletion, unless one is planned or under way (AddWork).
func (c *Controller) add(env *controller.Env, key apiserver.Key, created, at engine.Time) {
	if _, ok := c.work[key]; ok {
		return
	}
	c.ticket++
	w := work{ticket: c.ticket, created: created, at: at, timed: at > created}
	c.work[key] = w
	if !w.timed {
		c.fire(env, key)
		return
	}
	env.WakeAt(at, engine.Progress, timers<<56|uint64(w.ticket))
}

// cancel gives up a deletion, and says so if it had a timer (cancelWorkWithEvent).
// One that is under way goes on.
func (c *Controller) cancel(env *controller.Env, key apiserver.Key) {
	w, ok := c.work[key]
	if !ok {
		return
	}
	if delete(c.work, key); w.timed {
		env.Note(note(key, "Cancelling deletion of Pod "+key.String()))
	}
}

// fire begins a deletion.
func (c *Controller) fire(env *controller.Env, key apiserver.Key) {
	w := c.work[key]
	w.fired = true
	c.work[key] = w
	env.Note(note(key, "Marking for deletion Pod "+key.String()))
	c.deletes.Add(env, key)
}

// note is an Event about a pod, of which upstream knows the name alone.
func note(key apiserver.Key, message string) controller.Note {
	return controller.Note{About: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}},
		Type: corev1.EventTypeNormal, Reason: "TaintManagerEviction", Message: message}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) {
	if c.deletes.Owns(arg) {
		c.deletes.Wake(env, deleter{c}, arg)
		return
	}
	for key, w := range c.work { // at most one has the ticket
		if uint64(w.ticket) == arg&^(0xff<<56) && !w.fired {
			c.fire(env, key)
			return
		}
	}
}

// HashArg takes in which timer a number stands for.
func (c *Controller) HashArg(h *state.Hasher, arg uint64, answer bool) {
	if answer || c.deletes.Owns(arg) {
		h.Number(arg)
		return
	}
	h.Number(timers)
	h.Handle(arg &^ (0xff << 56))
}

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.deletes.Respond(env, deleter{c}, token, res)
}

// Waiting implements controller.Actor: the pods that will be deleted.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for key, w := range c.work { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.Pod, Key: key,
			Reason: fmt.Sprintf("will be deleted at %s for a taint of its node", apiserver.WallTime(w.at).Format("15:04:05"))})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}
