package garbagecollector_test

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/garbagecollector"
)

// Deleting an owner in the foreground: the collector deletes its dependents
// first, then lets it go.
func Example() {
	e := engine.New(engine.Strategy{Mode: engine.First})
	host := controller.NewHost(e, apiserver.New(e, apiserver.Config{DisableAdmissionPlugins: []string{"ServiceAccount"}}), controller.Latency{}, nil)
	host.Add(garbagecollector.New(nil))

	create := func(obj apiserver.Object) apiserver.Object {
		return host.Do("user", apiserver.Request{Verb: apiserver.Create, Kind: apiserver.KindOf(obj), Key: apiserver.KeyOf(obj), Object: obj}).Object
	}
	revision := func(name string, owners ...metav1.OwnerReference) apiserver.Object {
		rev := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, OwnerReferences: owners}, Revision: 1}
		rev.Data.Raw = []byte("{}")
		return create(rev)
	}
	create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	owner := revision("owner")
	blocks := true
	ref := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ControllerRevision", Name: "owner", UID: owner.GetUID(), BlockOwnerDeletion: &blocks}
	revision("first", ref)
	revision("second", ref)
	host.Do("user", apiserver.Request{
		Verb: apiserver.Delete, Kind: apiserver.ControllerRevision, Key: apiserver.KeyOf(owner),
		Propagation: metav1.DeletePropagationForeground,
	})

	for host.Step() {
	}
	for _, rec := range host.Drain() {
		if rec.Kind == apiserver.ControllerRevision {
			fmt.Println(rec.Type, rec.Key, "by", rec.By)
		}
	}
	// Output:
	// ADDED default/owner by user
	// ADDED default/first by user
	// ADDED default/second by user
	// MODIFIED default/owner by user
	// DELETED default/first by generic-garbage-collector
	// DELETED default/second by generic-garbage-collector
	// DELETED default/owner by generic-garbage-collector
}
