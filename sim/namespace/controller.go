package namespace

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
)

const (
	// settling is how long last creations may still arrive
	// (namespaceDeletionGracePeriod).
	settling = 5 * time.Second
	// finalizerEstimate is how long finalizers are expected to take.
	finalizerEstimate = 15
)

// Controller is the namespace controller. Use New.
type Controller struct {
	controller.Workers[string, stage]
	rest []apiserver.Kind `state:"immutable"` // all namespaced kinds but pods
}

// stage is where a sync stands.
type stage uint8

const (
	begun stage = iota
	pods
	others
	finalizing
)

// New returns the controller. With custom it deletes custom resources, too.
func New(custom bool) *Controller {
	c := &Controller{}
	c.ID, c.Count = 1, 10
	for _, k := range apiserver.Kinds() {
		if k.Namespaced() && k != apiserver.Pod {
			c.rest = append(c.rest, k)
		}
	}
	if custom {
		c.rest = append(c.rest, apiserver.CustomResource)
	}
	return c
}

// Name implements controller.Actor.
func (c *Controller) Name() string { return "namespace-controller" }

// Watches implements controller.Actor.
func (c *Controller) Watches() []apiserver.Kind { return []apiserver.Kind{apiserver.Namespace} }

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	if rec.Object.GetDeletionTimestamp() != nil && rec.Type != "DELETED" {
		c.AddAfter(env, rec.Key.Name, settling, engine.Progress)
	}
}

// Wake implements controller.Actor.
func (c *Controller) Wake(env *controller.Env, arg uint64) { c.Workers.Wake(env, c, arg) }

// Respond implements controller.Actor.
func (c *Controller) Respond(env *controller.Env, token uint64, res apiserver.Result) {
	c.Workers.Respond(env, c, token, res)
}

// Waiting implements controller.Actor.
func (c *Controller) Waiting(*controller.Env) []controller.Wait {
	var ws []controller.Wait
	for name, err := range c.Failing() { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.Namespace, Key: apiserver.Key{Name: name}, Reason: err})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}

// Step implements controller.Machine: deletes the pods, then everything else,
// then the finalizer (namespacedResourcesDeleter.Delete).
func (c *Controller) Step(v controller.View, name string, at stage, results [][]apiserver.Result) (controller.Plan, stage) {
	ns, _ := v.Get(apiserver.Namespace, apiserver.Key{Name: name}).(*corev1.Namespace)
	if ns == nil || ns.DeletionTimestamp == nil {
		return controller.Plan{}, at
	}
	if at == begun {
		return controller.Send(empty(apiserver.Pod, name)), pods
	}
	left, estimate, err := remaining(results)
	switch {
	case err != nil:
		return controller.Plan{Err: err}, at
	case at == finalizing:
		return controller.Plan{}, at
	case left > 0:
		return controller.Plan{After: time.Duration(estimate/2+1) * time.Second}, at
	case at == pods:
		reqs := make([]apiserver.Request, len(c.rest))
		for i, k := range c.rest {
			reqs[i] = empty(k, name)
		}
		return controller.Send(reqs...), others
	}
	return controller.Send(apiserver.Request{Verb: apiserver.Update, Subresource: apiserver.Finalize, Kind: apiserver.Namespace,
		Key: apiserver.Key{Name: name}, Object: withoutFinalizer(ns)}), finalizing
}

// withoutFinalizer returns a namespace that Kubernetes has emptied
// (finalizeNamespace); what others hold it for stays.
func withoutFinalizer(ns *corev1.Namespace) *corev1.Namespace {
	next := *ns
	next.Spec.Finalizers = slices.DeleteFunc(slices.Clone(ns.Spec.Finalizers), func(f corev1.FinalizerName) bool { return f == corev1.FinalizerKubernetes })
	return &next
}

func empty(kind apiserver.Kind, namespace string) apiserver.Request {
	return apiserver.Request{Verb: apiserver.DeleteCollection, Kind: kind, Key: apiserver.Key{Namespace: namespace}}
}

// remaining returns how many objects are left, and for how many seconds that is
// expected to last.
func remaining(results [][]apiserver.Result) (left int, estimate int64, err error) {
	for _, res := range results[0] {
		if res.Err != nil {
			return 0, 0, fmt.Errorf("deleting the content: %w", res.Err)
		}
		left += len(res.Items)
		for _, obj := range res.Items {
			if pod, ok := obj.(*corev1.Pod); ok && pod.DeletionGracePeriodSeconds != nil {
				estimate = max(estimate, *pod.DeletionGracePeriodSeconds)
			}
			if len(obj.GetFinalizers()) > 0 {
				estimate = max(estimate, finalizerEstimate)
			}
		}
	}
	return left, estimate, nil
}
