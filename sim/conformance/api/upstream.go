package api

import (
	"context"
	_ "unsafe" // for go:linkname

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	internalcore "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/capabilities"
	servicestorage "k8s.io/kubernetes/pkg/registry/core/service/storage"
)

func init() {
	capabilities.Setup(true, 0) // as kubeadm starts the API server
}

// upstream is the API server of Kubernetes for one kind.
type upstream struct {
	kind kind
	ctx  context.Context
}

func newUpstream(k kind, obj object, subresource string) upstream {
	ctx := genericapirequest.NewContext()
	if k.main.NamespaceScoped() {
		ctx = genericapirequest.WithNamespace(ctx, obj.GetNamespace())
	}
	return upstream{k, genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{APIGroup: k.gvk.Group, APIVersion: k.gvk.Version, Subresource: subresource})}
}

// defaulted returns an object in upstream's internal version, with defaults.
func (u upstream) defaulted(obj object) runtime.Object {
	filled := obj.DeepCopyObject()
	legacyscheme.Scheme.Default(filled)
	return u.internal(filled)
}

func (u upstream) internal(obj runtime.Object) runtime.Object {
	hub := schema.GroupVersion{Group: u.kind.gvk.Group, Version: runtime.APIVersionInternal}
	in, err := legacyscheme.Scheme.ConvertToVersion(obj.DeepCopyObject(), hub)
	if err != nil {
		panic(err)
	}
	return in
}

// external returns an object of upstream's in its version, as it is read: the
// defaults are filled once more when it comes out of the store.
func (u upstream) external(in runtime.Object) object {
	out, err := legacyscheme.Scheme.ConvertToVersion(in.DeepCopyObject(), u.kind.gvk.GroupVersion())
	if err != nil {
		panic(err)
	}
	legacyscheme.Scheme.Default(out)
	return out.(object)
}

// prepareCreate is what happens to a defaulted object before its validation.
func (u upstream) prepareCreate(in runtime.Object) {
	if svc, ok := in.(*internalcore.Service); ok {
		normalizeClusterIPs(servicestorage.After{Service: svc}, servicestorage.Before{})
	}
	u.kind.main.PrepareForCreate(u.ctx, in)
}

func (u upstream) validateCreate(in runtime.Object) field.ErrorList {
	return rest.ValidateCreate(u.ctx, in.DeepCopyObject(), u.kind.main)
}

// prepareUpdate is the same for the successor of a stored object.
func (u upstream) prepareUpdate(in, old runtime.Object, status bool) {
	if status {
		u.kind.status.PrepareForUpdate(u.ctx, in, old)
		keepDeletion(in.(metav1.Object), old.(metav1.Object))
		return
	}
	if svc, ok := in.(*internalcore.Service); ok {
		after, before := servicestorage.After{Service: svc}, servicestorage.Before{Service: old.(*internalcore.Service)}
		patchAllocatedValues(after, before)
		normalizeClusterIPs(after, before)
	}
	u.kind.main.PrepareForUpdate(u.ctx, in, old)
}

// keepDeletion is what rest.BeforeUpdate does after a strategy's preparation.
func keepDeletion(in, old metav1.Object) {
	if t := old.GetDeletionTimestamp(); !t.IsZero() {
		in.SetDeletionTimestamp(t)
	}
	if grace := old.GetDeletionGracePeriodSeconds(); grace != nil && in.GetDeletionGracePeriodSeconds() == nil {
		in.SetDeletionGracePeriodSeconds(grace)
	}
}

func (u upstream) validateUpdate(in, old runtime.Object, status bool) field.ErrorList {
	var s rest.RESTUpdateStrategy = u.kind.main
	if status {
		s = u.kind.status
	}
	return rest.ValidateUpdate(u.ctx, in.DeepCopyObject(), old.DeepCopyObject(), s)
}

//go:linkname normalizeClusterIPs k8s.io/kubernetes/pkg/registry/core/service/storage.normalizeClusterIPs
func normalizeClusterIPs(servicestorage.After, servicestorage.Before)

//go:linkname patchAllocatedValues k8s.io/kubernetes/pkg/registry/core/service/storage.patchAllocatedValues
func patchAllocatedValues(servicestorage.After, servicestorage.Before)
