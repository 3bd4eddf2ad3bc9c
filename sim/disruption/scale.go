package disruption

import (
	"cmp"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// scale is how many replicas a controller is to have (controllerAndScale).
type scale struct {
	uid      types.UID
	replicas int32
}

// lookup is an object that was asked for, with the answer.
type lookup struct {
	kind apiserver.Kind
	key  apiserver.Key
	res  apiserver.Result
}

// finder looks for the controllers of pods: in the view, and among what the
// server has answered so far. What it misses it adds to asks.
type finder struct {
	view      controller.View
	namespace string
	known     []lookup
	asks      []lookup
}

// The kinds that pods belong to and that no watch shows.
var (
	replicaSet            = apiserver.KindOf(&appsv1.ReplicaSet{})
	deployment            = apiserver.KindOf(&appsv1.Deployment{})
	replicationController = apiserver.KindOf(&corev1.ReplicationController{})
)

// of returns the scale of a pod's controller, or nil if there is none
// (the finders in their order, each of which looks at the UID, too). The answer
// counts only if nothing is left to ask.
func (f *finder) of(o owner) (*scale, error) {
	group := schema.FromAPIVersionAndKind(o.apiVersion, o.kind).Group
	isApps := group == "apps" || group == "extensions"
	var found *scale
	switch {
	case o.kind == "ReplicationController" && group == "":
		found = matching(o.uid, f.object(replicationController, o.name))
	case o.kind == "ReplicaSet" && isApps:
		found = f.ofReplicaSet(o)
	case o.kind == "StatefulSet" && group == "apps":
		if set := f.view.StatefulSet(apiserver.Key{Namespace: f.namespace, Name: o.name}); set != nil {
			found = matching(o.uid, set)
		}
	}
	if found != nil || len(f.asks) > 0 {
		return found, nil
	}
	return f.ofScale(o)
}

// ofReplicaSet is the scale of the Deployment that a ReplicaSet belongs to, or
// its own if it belongs to none (getPodDeployment, getPodReplicaSet).
func (f *finder) ofReplicaSet(o owner) *scale {
	rs, _ := f.object(replicaSet, o.name).(*appsv1.ReplicaSet)
	if rs == nil || rs.UID != o.uid {
		return nil
	}
	ref := metav1.GetControllerOfNoCopy(rs)
	if ref == nil || ref.Kind != "Deployment" {
		return matching(o.uid, rs)
	}
	group := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).Group
	if group != "apps" && group != "extensions" {
		return nil
	}
	return matching(ref.UID, f.object(deployment, ref.Name))
}

// ofScale asks for the scale subresource, which built-in kinds other than those
// four do not have (getScaleController).
func (f *finder) ofScale(o owner) (*scale, error) {
	gvk := schema.FromAPIVersionAndKind(o.apiVersion, o.kind)
	kind := apiserver.KindFor(gvk)
	if kind == 0 {
		return nil, &meta.NoKindMatchError{GroupKind: gvk.GroupKind(), SearchedVersions: []string{gvk.Version}}
	}
	switch kind {
	case apiserver.StatefulSet, replicaSet, deployment, replicationController:
	default:
		return nil, fmt.Errorf("%s does not implement the scale subresource", kind.GroupResource().String())
	}
	obj := f.object(kind, o.name)
	if err := f.failure(kind, o.name); err != nil {
		return nil, err
	}
	return matching(o.uid, obj), nil
}

// object returns what the server has answered, or nil; it asks if that has not
// happened yet.
func (f *finder) object(kind apiserver.Kind, name string) apiserver.Object {
	if l := f.find(kind, name); l != nil {
		return l.res.Object
	}
	ask := lookup{kind: kind, key: apiserver.Key{Namespace: f.namespace, Name: name}}
	if !slices.ContainsFunc(f.asks, func(l lookup) bool { return l.kind == kind && l.key == ask.key }) {
		f.asks = append(f.asks, ask)
	}
	return nil
}

// failure returns why the server did not answer; that there is no such object is
// an answer.
func (f *finder) failure(kind apiserver.Kind, name string) error {
	if l := f.find(kind, name); l != nil && !apierrors.IsNotFound(l.res.Err) {
		return l.res.Err
	}
	return nil
}

func (f *finder) find(kind apiserver.Kind, name string) *lookup {
	for i := range f.known {
		if l := &f.known[i]; l.kind == kind && l.key.Name == name {
			return l
		}
	}
	return nil
}

// matching returns the scale of an object if it is the one that was meant, and
// not another of its name.
func matching(uid types.UID, obj apiserver.Object) *scale {
	if obj == nil || obj.GetUID() != uid {
		return nil
	}
	replicas := new(int32(1)) // the default of all four
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		replicas = cmp.Or(o.Spec.Replicas, replicas)
	case *appsv1.ReplicaSet:
		replicas = cmp.Or(o.Spec.Replicas, replicas)
	case *appsv1.Deployment:
		replicas = cmp.Or(o.Spec.Replicas, replicas)
	case *corev1.ReplicationController:
		replicas = cmp.Or(o.Spec.Replicas, replicas)
	}
	return &scale{uid: uid, replicas: *replicas}
}
