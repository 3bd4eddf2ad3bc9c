package controller

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Adopt is the patch by which a controller takes an object over: it adds Owner
// to the object's ownerReferences, or renews the reference with that UID, and
// Finalizer to its finalizers, if that is not "" (ownerRefControllerPatch).
type Adopt struct {
	Owner     metav1.OwnerReference
	Finalizer string
}

// Apply implements apiserver.Patcher.
func (a Adopt) Apply(obj apiserver.Object) (apiserver.Object, error) {
	refs := slices.Clone(obj.GetOwnerReferences())
	if i := slices.IndexFunc(refs, func(r metav1.OwnerReference) bool { return r.UID == a.Owner.UID }); i >= 0 {
		refs[i] = a.Owner
	} else {
		refs = append(refs, a.Owner)
	}
	c := withRefs(obj, refs)
	if has := obj.GetFinalizers(); a.Finalizer != "" && !slices.Contains(has, a.Finalizer) {
		c.SetFinalizers(append(slices.Clip(has), a.Finalizer))
	}
	return c, nil
}

// Release is the patch by which a controller lets go of an object: it removes
// the ownerReference with the UID, and Finalizer
// (GenerateDeleteOwnerRefStrategicMergeBytes).
type Release struct {
	Owner     types.UID
	Finalizer string
}

// Apply implements apiserver.Patcher.
func (r Release) Apply(obj apiserver.Object) (apiserver.Object, error) {
	refs := obj.GetOwnerReferences()
	isFinalizer := func(name string) bool { return r.Finalizer != "" && name == r.Finalizer }
	bound := slices.ContainsFunc(obj.GetFinalizers(), isFinalizer)
	if !bound && !slices.ContainsFunc(refs, func(ref metav1.OwnerReference) bool { return ref.UID == r.Owner }) {
		return obj, nil
	}
	kept := slices.DeleteFunc(slices.Clone(refs), func(ref metav1.OwnerReference) bool { return ref.UID == r.Owner })
	c := withRefs(obj, kept)
	if bound {
		c.SetFinalizers(slices.DeleteFunc(slices.Clone(obj.GetFinalizers()), isFinalizer))
	}
	return c, nil
}

func withRefs(obj apiserver.Object, refs []metav1.OwnerReference) apiserver.Object {
	c := apiserver.ShallowCopy(obj)
	if len(refs) == 0 {
		refs = nil
	}
	c.SetOwnerReferences(refs)
	return c
}
