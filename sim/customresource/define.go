package customresource

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Provider is an apiserver.CustomResources. Use New.
type Provider struct{}

var _ apiserver.CustomResources = (*Provider)(nil)

// New returns a Provider. It does not change: any number of clusters can share it.
func New() *Provider { return &Provider{} }

// Check implements apiserver.CustomResources (the strategy's Validate and
// ValidateUpdate).
func (*Provider) Check(crd, old *apiextensionsv1.CustomResourceDefinition) field.ErrorList {
	if c := crd.Spec.Conversion; c != nil && c.Strategy == apiextensionsv1.WebhookConverter {
		return field.ErrorList{field.Invalid(field.NewPath("spec", "conversion", "strategy"), c.Strategy, "conversion webhooks are not modelled: nobody would answer; want None")}
	}
	ctx := context.Background()
	is, err := internal(crd)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}
	if old == nil {
		return apiextensionsvalidation.ValidateCustomResourceDefinition(ctx, is)
	}
	was, err := internal(old)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}
	return apiextensionsvalidation.ValidateCustomResourceDefinitionUpdate(ctx, is, was)
}

// internal converts a definition to what the library looks at. The conversion moves
// what all versions have in common, in its argument too.
func internal(crd *apiextensionsv1.CustomResourceDefinition) (*apiextensions.CustomResourceDefinition, error) {
	out := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd.DeepCopy(), out, nil); err != nil {
		return nil, err
	}
	return out, nil
}

// version is how objects of one version are looked at.
type version struct {
	structural   *structuralschema.Structural
	whole        validation.SchemaValidator
	status       validation.SchemaValidator // nil if the schema does not say what a status is
	scale        *apiextensionsv1.CustomResourceSubresourceScale
	rules        *cel.Validator
	keepsUnknown bool
	namespaced   bool
}

// schemas are those of a definition.
type schemas struct {
	versions map[string]*version
	types    managedfields.TypeConverter
}

// Define implements apiserver.CustomResources (crdHandler, getOrCreateServingInfoFor).
func (*Provider) Define(crd *apiextensionsv1.CustomResourceDefinition) (apiserver.Schemas, error) {
	all := &schemas{versions: map[string]*version{}}
	for i := range crd.Spec.Versions {
		v := &crd.Spec.Versions[i]
		defined, err := define(v)
		if err != nil {
			return nil, fmt.Errorf("%s: version %s: %w", crd.Name, v.Name, err)
		}
		defined.keepsUnknown = crd.Spec.PreserveUnknownFields
		defined.namespaced = crd.Spec.Scope == apiextensionsv1.NamespaceScoped
		all.versions[v.Name] = defined
	}
	types, err := typesOf(crd, all.versions)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", crd.Name, err)
	}
	all.types = types
	return all, nil
}

func define(v *apiextensionsv1.CustomResourceDefinitionVersion) (*version, error) {
	out := &version{}
	if v.Subresources != nil {
		out.scale = v.Subresources.Scale
	}
	var props *apiextensions.JSONSchemaProps
	if v.Schema != nil {
		var in apiextensions.CustomResourceValidation
		if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(v.Schema.DeepCopy(), &in, nil); err != nil {
			return nil, err
		}
		props = in.OpenAPIV3Schema
		s, err := structuralschema.NewStructural(props)
		if err != nil {
			return nil, err
		}
		out.structural = s.DeepCopy() // its defaults are the definition's
		if err := defaulting.PruneDefaults(out.structural); err != nil {
			return nil, err
		}
	}
	var err error
	if out.whole, _, err = validation.NewSchemaValidator(props); err != nil {
		return nil, err
	}
	if props != nil {
		if status, ok := props.Properties["status"]; ok {
			if out.status, _, err = validation.NewSchemaValidator(&status); err != nil {
				return nil, err
			}
		}
	}
	out.rules = cel.NewValidator(out.structural, true, celconfig.PerCallLimit)
	return out, nil
}
