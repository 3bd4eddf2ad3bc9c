package garbagecollector

import (
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// defined are the kinds that CustomResourceDefinitions have served, by what the
// collector has seen of these (upstream's REST mapper), and whether they live in
// namespaces.
type defined map[schema.GroupVersionKind]bool

// found is where the server has an object.
type found struct {
	kind       apiserver.Kind
	key        apiserver.Key
	namespaced bool
}

// definitionKind is that of CustomResourceDefinitions.
var definitionKind = apiserver.KindOf((*apiextensionsv1.CustomResourceDefinition)(nil))

// define takes in what has become of a definition.
func (c *Collector) define(rec *apiserver.Record) {
	crd, ok := rec.Object.(*apiextensionsv1.CustomResourceDefinition)
	if !ok {
		return
	}
	if c.defined == nil {
		c.defined = defined{}
	}
	established := slices.ContainsFunc(crd.Status.Conditions, func(cond apiextensionsv1.CustomResourceDefinitionCondition) bool {
		return cond.Type == apiextensionsv1.Established && cond.Status == apiextensionsv1.ConditionTrue
	})
	for i := range crd.Spec.Versions {
		v := &crd.Spec.Versions[i]
		gvk := schema.GroupVersionKind{Group: crd.Spec.Group, Version: v.Name, Kind: crd.Spec.Names.Kind}
		if rec.Type == watch.Deleted || !established || !v.Served {
			delete(c.defined, gvk)
		} else {
			c.defined[gvk] = crd.Spec.Scope == apiextensionsv1.NamespaceScoped
		}
	}
}
