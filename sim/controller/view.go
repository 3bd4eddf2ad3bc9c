package controller

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// View is an actor's sight of the cluster: for each watched kind, the objects
// as of the last record that was delivered to it. A view copies nothing: it is
// a set of cursors into the versioned store. What it returns is shared and must
// not be changed.
//
// A View reads; it can neither write nor learn anything but what its actor
// could know.
type View struct {
	host  *Host `state:"scratch"` // nobody keeps a view
	actor ActorID
}

// Outside returns the world outside the API, for reading alone.
func (v View) Outside() World { return v.host.ReadWorld() }

// Now returns the virtual time.
func (v View) Now() engine.Time { return v.host.engine.Now() }

// Get returns an object, or nil if the view has none. It panics if the actor
// does not watch the kind (see Version).
func (v View) Get(kind apiserver.Kind, key apiserver.Key) apiserver.Object {
	return v.host.server.At(kind, key, v.Version(kind))
}

// List returns the objects of a namespace (empty means all), by namespace and
// name. It looks at every object of the kind: it is for what happens seldom.
func (v View) List(kind apiserver.Kind, namespace string) []apiserver.Object {
	return v.host.server.ListAt(kind, namespace, v.Version(kind))
}

// Version returns the resourceVersion up to which the view has seen a kind. It
// panics if the actor does not watch the kind: it would see none for ever.
func (v View) Version(kind apiserver.Kind) uint64 {
	if !v.host.actors.Read(int(v.actor)).isWatching(kind) {
		v.blind(kind)
	}
	return v.host.cursorOf(v.actor, kind)
}

// blind panics for an actor that reads what it does not watch.
func (v View) blind(kind apiserver.Kind) {
	panic(fmt.Sprintf("controller: %s reads %v through its View, which shows only what its Watches lists (of a NodeScoped actor, all but Pod): %v",
		v.host.ActorName(v.actor), kind, v.host.Actor(v.actor).Watches()))
}

// Choose picks one of n legal outcomes (see engine.Engine.Choose).
func (v View) Choose(c engine.Concern, key string, n int) int {
	return v.host.engine.Choose(c, key, n)
}

// Budget returns a PodDisruptionBudget, or nil.
func (v View) Budget(key apiserver.Key) *policyv1.PodDisruptionBudget {
	o, _ := v.Get(apiserver.PodDisruptionBudget, key).(*policyv1.PodDisruptionBudget)
	return o
}

// Pod returns a pod, or nil.
func (v View) Pod(key apiserver.Key) *corev1.Pod {
	o, _ := v.Get(apiserver.Pod, key).(*corev1.Pod)
	return o
}

// StatefulSet returns a set, or nil.
func (v View) StatefulSet(key apiserver.Key) *appsv1.StatefulSet {
	o, _ := v.Get(apiserver.StatefulSet, key).(*appsv1.StatefulSet)
	return o
}

// Claim returns a PersistentVolumeClaim, or nil.
func (v View) Claim(key apiserver.Key) *corev1.PersistentVolumeClaim {
	o, _ := v.Get(apiserver.PersistentVolumeClaim, key).(*corev1.PersistentVolumeClaim)
	return o
}

// Volume returns a PersistentVolume, or nil.
func (v View) Volume(name string) *corev1.PersistentVolume {
	o, _ := v.Get(apiserver.PersistentVolume, apiserver.Key{Name: name}).(*corev1.PersistentVolume)
	return o
}

// Node returns a node, or nil.
func (v View) Node(name string) *corev1.Node {
	o, _ := v.Get(apiserver.Node, apiserver.Key{Name: name}).(*corev1.Node)
	return o
}

// Service returns a Service, or nil.
func (v View) Service(key apiserver.Key) *corev1.Service {
	o, _ := v.Get(apiserver.Service, key).(*corev1.Service)
	return o
}

// StorageClass returns a StorageClass, or nil.
func (v View) StorageClass(name string) *storagev1.StorageClass {
	o, _ := v.Get(apiserver.StorageClass, apiserver.Key{Name: name}).(*storagev1.StorageClass)
	return o
}

// Synced reports whether the view has what existed of every kind when its actor
// was added (WaitForCacheSync).
func (v View) Synced() bool {
	for i := range v.host.subs.Len() {
		if s := v.host.subs.Read(i); s.actor == v.actor && s.listed > 0 {
			return false
		}
	}
	return true
}
