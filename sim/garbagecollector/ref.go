package garbagecollector

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/shared"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// ref names an object by all that an owner reference says of it, and the
// namespace to look in (upstream's objectReference). It is the key of the
// queues: two references to one UID under different names are different keys.
type ref struct {
	apiVersion, kind string
	namespace, name  string
	uid              types.UID
}

// refOf returns the ref of an observed object.
func refOf(kind apiserver.Kind, obj metav1.Object) ref {
	gvk := kind.GroupVersionKind()
	if u, ok := obj.(*unstructured.Unstructured); ok {
		gvk = u.GroupVersionKind()
	}
	return ref{gvk.GroupVersion().String(), gvk.Kind, obj.GetNamespace(), obj.GetName(), obj.GetUID()}
}

// ownerRef returns the ref that an owner reference means, looked up in a
// namespace.
func ownerRef(o metav1.OwnerReference, namespace string) ref {
	return ref{o.APIVersion, o.Kind, namespace, o.Name, o.UID}
}

func (r ref) String() string {
	return fmt.Sprintf("[%s/%s, namespace: %s, name: %s, uid: %s]", r.apiVersion, r.kind, r.namespace, r.name, r.uid)
}

// resource returns the kind and the key to ask the server for, and whether objects of
// the kind live in namespaces. The key of a cluster-wide kind has no namespace,
// whatever the ref says. An unknown kind is an error, which a retry resolves once
// somebody defines it.
func (d defined) resource(r ref) (found, error) {
	gvk := schema.FromAPIVersionAndKind(r.apiVersion, r.kind)
	kind := apiserver.KindFor(gvk).Stored()
	f := found{kind, apiserver.Key{Namespace: r.namespace, Name: r.name}, kind != 0 && kind.Namespaced()}
	if kind == 0 {
		namespaced, ok := d[gvk]
		if !ok {
			return found{}, fmt.Errorf("unable to get REST mapping for %s/%s.", r.apiVersion, r.kind) //nolint: upstream's words
		}
		f = found{apiserver.CustomResource, apiserver.CustomKey(gvk.GroupKind(), r.namespace, r.name), namespaced}
	}
	if !f.namespaced {
		f.key.Namespace = ""
	}
	return f, nil
}

// matches reports whether an owner reference names r; namespaces aside.
func (r ref) matches(o metav1.OwnerReference) bool {
	return o.UID == r.uid && o.Name == r.name && o.Kind == r.kind && o.APIVersion == r.apiVersion
}

// compare orders refs by kind, apiVersion, namespace, name and UID
// (referenceLessThan).
func (r ref) compare(o ref) int {
	return cmp.Or(cmp.Compare(r.kind, o.kind), cmp.Compare(r.apiVersion, o.apiVersion),
		cmp.Compare(r.namespace, o.namespace), cmp.Compare(r.name, o.name), cmp.Compare(r.uid, o.uid))
}

// shuffled puts refs about one owner into the order in which they are queued:
// any is legal (S38). The first choice of all is the order of names.
func shuffled(v controller.View, owner ref, refs []ref) []ref {
	if len(refs) == 0 {
		return nil
	}
	slices.SortFunc(refs, ref.compare)
	key := apiserver.Key{Namespace: owner.namespace, Name: owner.name}.String()
	for i := range refs {
		j := i + v.Choose("gc-order", key, len(refs)-i)
		refs[i], refs[j] = refs[j], refs[i]
	}
	return refs
}

// isBlocking reports whether a reference holds up the deletion of its owner.
func isBlocking(o metav1.OwnerReference) bool {
	return o.BlockOwnerDeletion != nil && *o.BlockOwnerDeletion
}

// sameOwners reports whether two lists of references are equal, in order.
func sameOwners(a, b []metav1.OwnerReference) bool {
	return shared.List(a, b) || slices.EqualFunc(a, b, sameOwner)
}

func sameOwner(a, b metav1.OwnerReference) bool {
	return a.UID == b.UID && a.Name == b.Name && a.Kind == b.Kind && a.APIVersion == b.APIVersion &&
		sameFlag(a.Controller, b.Controller) && sameFlag(a.BlockOwnerDeletion, b.BlockOwnerDeletion)
}

func sameFlag(a, b *bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// isBeingDeleted reports whether an object's deletion has begun.
func isBeingDeleted(obj metav1.Object) bool { return obj.GetDeletionTimestamp() != nil }

// isWaitingFor reports whether an object is being deleted and one of the
// collector's finalizers keeps it.
func isWaitingFor(obj metav1.Object, finalizer string) bool {
	return isBeingDeleted(obj) && slices.Contains(obj.GetFinalizers(), finalizer)
}
