package fieldmanager

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// typed are Schemas that tell how objects merge. Of others that is guessed from the
// objects.
type typed interface {
	TypeConverter() managedfields.TypeConverter
}

// of returns what keeps the fields of a write.
func (m *Manager) of(w apiserver.Writing) (*managedfields.FieldManager, error) {
	if w.Custom == nil {
		return m.managers[path{w.Kind, w.Subresource}], nil
	}
	d := w.Custom
	types := managedfields.NewDeducedTypeConverter()
	if t, ok := d.Schemas().(typed); ok {
		types = t.TypeConverter()
	}
	gvk := d.GroupKind().WithVersion(w.Version)
	hub := schema.GroupVersion{Group: gvk.Group, Version: d.Storage}
	return managedfields.NewDefaultCRDFieldManager(types, customVersions{d}, customDefaulter{d}, customCreater{}, gvk, hub, w.Subresource, customResets(d, w))
}

// customResets are what a write of a custom resource does not change (the strategies'
// GetResetFields).
func customResets(d *apiserver.Defined, w apiserver.Writing) map[fieldpath.APIVersion]fieldpath.Filter {
	if !d.HasStatus(w.Version) {
		return nil
	}
	set := fieldpath.NewSet(fieldpath.MakePathOrDie("status"))
	if w.Subresource == "status" {
		set = fieldpath.NewSet(fieldpath.MakePathOrDie("metadata"), fieldpath.MakePathOrDie("spec"))
	}
	version := fieldpath.APIVersion(d.CRD.Spec.Group + "/" + w.Version)
	return fieldpath.NewExcludeFilterSetMap(map[fieldpath.APIVersion]*fieldpath.Set{version: set})
}

// customVersions turns custom resources into the versions of their kind.
type customVersions struct{ def *apiserver.Defined }

var _ runtime.ObjectConvertor = customVersions{}

// ConvertToVersion implements runtime.ObjectConvertor.
func (c customVersions) ConvertToVersion(in runtime.Object, to runtime.GroupVersioner) (runtime.Object, error) {
	u, ok := in.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("fieldmanager: not a custom resource: %T", in)
	}
	gvk, ok := to.KindForGroupVersionKinds([]schema.GroupVersionKind{u.GroupVersionKind()})
	if gv, isGV := to.(schema.GroupVersion); isGV {
		gvk, ok = gv.WithKind(u.GetKind()), true
	}
	if !ok || c.def.Version(gvk.Version) == nil {
		return nil, runtime.NewNotRegisteredErrForKind("customresources", gvk)
	}
	return c.def.In(gvk.Version, u).DeepCopyObject(), nil
}

// Convert implements runtime.ObjectConvertor; nobody calls it.
func (customVersions) Convert(_, _, _ any) error {
	return fmt.Errorf("fieldmanager: objects are converted by version")
}

// ConvertFieldLabel implements runtime.ObjectConvertor; nobody calls it.
func (customVersions) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

// customDefaulter gives what was merged its defaults.
type customDefaulter struct{ def *apiserver.Defined }

// Default implements runtime.ObjectDefaulter.
func (c customDefaulter) Default(in runtime.Object) {
	if u, ok := in.(*unstructured.Unstructured); ok {
		c.def.Schemas().Default(u)
	}
}

// customCreater makes objects that say what they are.
type customCreater struct{}

// New implements runtime.ObjectCreater.
func (customCreater) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(gvk)
	return u, nil
}
