package serviceaccount

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Default is the account that every namespace has.
const Default = "default"

// Controller is the service account controller. Use New.
type Controller struct {
	controller.Workers[string, stage] // by namespace
}

var _ controller.Selective = (*Controller)(nil)

// stage is where a sync stands.
type stage uint8

const (
	begun stage = iota
	created
)

// New returns the controller.
func New() *Controller {
	c := &Controller{}
	c.ID, c.Count = 1, 1
	return c
}

// Name implements controller.Actor.
func (*Controller) Name() string { return "service-account-controller" }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.ServiceAccount, apiserver.Namespace}
}

// Heeds implements controller.Selective.
func (*Controller) Heeds(rec *apiserver.Record) bool {
	if rec.Kind == apiserver.ServiceAccount {
		return rec.Type == watch.Deleted
	}
	return rec.Type != watch.Deleted
}

// Observe implements controller.Actor (serviceAccountDeleted, namespaceAdded,
// namespaceUpdated).
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	if !c.Heeds(rec) {
		return // of the list that the watch begins with
	}
	if rec.Kind == apiserver.ServiceAccount {
		c.Add(env, rec.Key.Namespace)
	} else {
		c.Add(env, rec.Key.Name)
	}
}

// Step implements controller.Machine (syncNamespace).
func (c *Controller) Step(v controller.View, namespace string, at stage, results [][]apiserver.Result) (controller.Plan, stage) {
	if at == created {
		err := results[0][0].Err
		if apierrors.IsAlreadyExists(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			err = nil
		}
		return controller.Plan{Err: err}, at
	}
	ns, _ := v.Get(apiserver.Namespace, apiserver.Key{Name: namespace}).(*corev1.Namespace)
	if ns == nil || ns.Status.Phase != corev1.NamespaceActive || v.Get(apiserver.ServiceAccount, apiserver.Key{Namespace: namespace, Name: Default}) != nil {
		return controller.Plan{}, at
	}
	account := Account(namespace)
	return controller.Send(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.ServiceAccount, Key: apiserver.KeyOf(account), Object: account}), created
}

// Account returns what the controller makes for a namespace.
func Account(namespace string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: Default}}
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
	for namespace, err := range c.Failing() { // sorted below
		ws = append(ws, controller.Wait{Kind: apiserver.ServiceAccount, Key: apiserver.Key{Namespace: namespace, Name: Default}, Reason: err})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}
