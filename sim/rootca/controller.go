package rootca

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Name is that of the ConfigMap that every namespace has.
const Name = "kube-root-ca.crt"

const (
	annotation  = "kubernetes.io/description"
	description = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. " +
		"No other usage is guaranteed across distributions of Kubernetes clusters."
)

// Controller is the publisher of the root certificate. Use New.
type Controller struct {
	controller.Workers[string, stage] // by namespace
}

var _ controller.Selective = (*Controller)(nil)

// stage is where a sync stands.
type stage uint8

const (
	begun stage = iota
	created
	updated
)

// New returns the controller.
func New() *Controller {
	c := &Controller{}
	c.ID, c.Count = 1, 1
	return c
}

// Name implements controller.Actor.
func (*Controller) Name() string { return "root-ca-cert-publisher" }

// Watches implements controller.Actor.
func (*Controller) Watches() []apiserver.Kind {
	return []apiserver.Kind{apiserver.ConfigMap, apiserver.Namespace}
}

// Heeds implements controller.Selective (configMapDeleted, configMapUpdated,
// namespaceAdded, namespaceUpdated).
func (*Controller) Heeds(rec *apiserver.Record) bool {
	switch obj := rec.Object.(type) {
	case *corev1.ConfigMap:
		return rec.Key.Name == Name && rec.Type != watch.Added
	case *corev1.Namespace:
		return rec.Type == watch.Added || rec.Type == watch.Modified && obj.Status.Phase == corev1.NamespaceActive
	}
	return false
}

// Observe implements controller.Actor.
func (c *Controller) Observe(env *controller.Env, rec *apiserver.Record) {
	switch {
	case !c.Heeds(rec): // of the list that the watch begins with
	case rec.Kind == apiserver.ConfigMap:
		c.Add(env, rec.Key.Namespace)
	default:
		c.Add(env, rec.Key.Name)
	}
}

// Step implements controller.Machine (syncNamespace).
func (c *Controller) Step(v controller.View, namespace string, at stage, results [][]apiserver.Result) (controller.Plan, stage) {
	switch at {
	case created:
		err := results[0][0].Err
		if apierrors.IsNotFound(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			err = nil
		}
		return controller.Plan{Err: err}, at
	case updated:
		return controller.Plan{Err: results[0][0].Err}, at
	}
	key := apiserver.Key{Namespace: namespace, Name: Name}
	has, _ := v.Get(apiserver.ConfigMap, key).(*corev1.ConfigMap)
	if has == nil {
		return controller.Send(apiserver.Request{Verb: apiserver.Create, Kind: apiserver.ConfigMap, Key: key, Object: ConfigMap(namespace)}), created
	}
	if maps.Equal(has.Data, data) && has.Annotations[annotation] != "" {
		return controller.Plan{}, at
	}
	next := *has
	next.Data, next.Annotations = data, maps.Clone(has.Annotations)
	if next.Annotations == nil {
		next.Annotations = map[string]string{}
	}
	next.Annotations[annotation] = description
	return controller.Send(apiserver.Request{Verb: apiserver.Update, Kind: apiserver.ConfigMap, Key: key, Object: &next}), updated
}

// What all the ConfigMaps share.
var (
	data        = map[string]string{"ca.crt": Certificate}
	annotations = map[string]string{annotation: description}
)

// ConfigMap returns what the controller makes for a namespace.
func ConfigMap(namespace string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: Name, Annotations: annotations}, Data: data}
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
		ws = append(ws, controller.Wait{Kind: apiserver.ConfigMap, Key: apiserver.Key{Namespace: namespace, Name: Name}, Reason: err})
	}
	slices.SortFunc(ws, func(a, b controller.Wait) int { return a.Key.Compare(b.Key) })
	return ws
}
