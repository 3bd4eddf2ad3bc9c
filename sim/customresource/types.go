package customresource

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	generated "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// definitions is what references to models begin with.
const definitions = "#/definitions/"

// metadata are the models of what all objects have.
func metadata() map[string]*spec.Schema {
	models := map[string]*spec.Schema{}
	all := generated.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(definitions + name) })
	for _, name := range []string{metav1.ObjectMeta{}.OpenAPIModelName(), metav1.OwnerReference{}.OpenAPIModelName(), metav1.ManagedFieldsEntry{}.OpenAPIModelName(),
		metav1.FieldsV1{}.OpenAPIModelName(), metav1.Time{}.OpenAPIModelName()} {
		s := all[name].Schema
		models[name] = &s
	}
	return models
}

// typesOf returns how the objects of a definition merge (buildOpenAPIModelsForApply).
func typesOf(crd *apiextensionsv1.CustomResourceDefinition, versions map[string]*version) (managedfields.TypeConverter, error) {
	models := metadata()
	for name, v := range versions { // into a map
		s := v.structural.ToKubeOpenAPI()
		if s == nil {
			s = &spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{"object"}}}
			s.AddExtension("x-kubernetes-preserve-unknown-fields", true)
		}
		if s.Properties == nil {
			s.Properties = map[string]spec.Schema{}
		}
		s.Properties["apiVersion"] = *spec.StringProperty()
		s.Properties["kind"] = *spec.StringProperty()
		s.Properties["metadata"] = *spec.RefSchema(definitions + metav1.ObjectMeta{}.OpenAPIModelName())
		s.AddExtension("x-kubernetes-group-version-kind", []any{map[string]any{"group": crd.Spec.Group, "version": name, "kind": crd.Spec.Names.Kind}})
		models[crd.Spec.Group+"."+name+"."+crd.Spec.Names.Kind] = s
	}
	return managedfields.NewTypeConverter(models, crd.Spec.PreserveUnknownFields)
}

// TypeConverter says how objects merge: package fieldmanager asks for it.
func (s *schemas) TypeConverter() managedfields.TypeConverter { return s.types }
