package sim

import (
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// definitionKind is that of CustomResourceDefinitions.
var definitionKind = apiserver.KindOf((*apiextensionsv1.CustomResourceDefinition)(nil))

// Defined returns the kinds that CustomResourceDefinitions have served, in the order
// of the definitions' names.
func (c *Cluster) Defined() []*apiserver.Defined {
	defer c.end(c.look("Defined"))
	return c.host.Server().Defined()
}

// GetCustom returns a custom resource, an *unstructured.Unstructured in the version in
// which it is stored. The namespace is empty for a kind that is cluster-wide, and
// means "default" for others.
func (c *Cluster) GetCustom(gk schema.GroupKind, namespace, name string) (Object, error) {
	defer c.end(c.look("GetCustom"))
	d := c.host.Server().DefinedKind(gk)
	if d == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: gk.Group, Resource: gk.Kind}, name)
	}
	switch {
	case !d.Namespaced():
		namespace = ""
	case namespace == "":
		namespace = DefaultNamespace
	}
	obj := c.host.Server().Get(apiserver.CustomResource, apiserver.CustomKey(gk, namespace, strings.TrimSpace(name)))
	if obj == nil {
		return nil, apierrors.NewNotFound(d.GroupResource(), name)
	}
	return copyOf(d.In(d.Storage, obj)), nil
}

// ListCustom returns the custom resources of a kind in a namespace (empty means all),
// by namespace and name, that match a label selector (empty means all).
func (c *Cluster) ListCustom(gk schema.GroupKind, namespace, selector string) ([]Object, error) {
	defer c.end(c.look("ListCustom"))
	sel, err := labels.Parse(selector)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	objs := slices.DeleteFunc(c.host.Server().ListCustom(gk, namespace), func(o Object) bool { return !sel.Matches(labels.Set(o.GetLabels())) })
	d := c.host.Server().DefinedKind(gk)
	for i := range objs {
		if d != nil {
			objs[i] = d.In(d.Storage, objs[i])
		}
		objs[i] = copyOf(objs[i])
	}
	return objs, nil
}
