package customresource

import (
	"context"
	"fmt"
	"math"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/api/operation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/common"
)

func (s *schemas) of(u *unstructured.Unstructured) *version {
	return s.versions[u.GroupVersionKind().Version]
}

// Complete implements apiserver.Schemas (unstructuredSchemaCoercer and
// unstructuredDefaulter).
func (s *schemas) Complete(u *unstructured.Unstructured) (unknown []string, err error) {
	v, kind, apiVersion := s.of(u), u.GetKind(), u.GetAPIVersion()
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(u.Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, err
	}
	if !v.keepsUnknown {
		unknown = append(unknown, pruning.PruneWithOptions(u.Object, v.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
		defaulting.PruneNonNullableNullsWithoutDefaults(u.Object, v.structural)
	}
	wrong, more := objectmeta.CoerceWithOptions(nil, u.Object, v.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if wrong != nil {
		return nil, wrong
	}
	u.SetKind(kind)
	u.SetAPIVersion(apiVersion)
	if found {
		if err := objectmeta.SetObjectMeta(u.Object, meta); err != nil {
			return nil, err
		}
	}
	s.Default(u)
	return append(unknown, more...), nil
}

// Default implements apiserver.Schemas.
func (s *schemas) Default(u *unstructured.Unstructured) {
	defaulting.Default(u.Object, s.of(u).structural)
}

// Validate implements apiserver.Schemas (customResourceStrategy and statusStrategy,
// Validate and ValidateUpdate).
func (s *schemas) Validate(u, old *unstructured.Unstructured, status bool) field.ErrorList {
	v := s.of(u)
	var errs field.ErrorList
	switch {
	case old == nil:
		errs = v.create(u)
	case status:
		errs = v.updateStatus(u, old)
	default:
		errs = v.update(u, old)
	}
	return errs
}

func (v *version) create(u *unstructured.Unstructured) field.ErrorList {
	errs := v.metadata(u, nil)
	errs = append(errs, validation.ValidateCustomResource(nil, u.Object, v.whole)...)
	errs = append(errs, v.replicas(u, false)...)
	errs = append(errs, objectmeta.Validate(context.Background(), nil, u.Object, v.structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, v.structural, u.Object)...)
	return v.ruled(errs, u, nil)
}

func (v *version) update(u, old *unstructured.Unstructured) field.ErrorList {
	both := v.both(u, old)
	errs := v.metadata(u, old)
	errs = append(errs, validation.ValidateCustomResourceUpdate(nil, u.Object, old.Object, v.whole, validation.WithRatcheting(both))...)
	errs = append(errs, v.replicas(u, false)...)
	errs = append(errs, objectmeta.Validate(context.Background(), nil, u.Object, v.structural, false)...)
	errs = append(errs, v.lists(u, old)...)
	return v.ruled(errs, u, old, cel.WithRatcheting(both))
}

func (v *version) updateStatus(u, old *unstructured.Unstructured) field.ErrorList {
	both := v.both(u, old)
	errs := v.metadata(u, old)
	if status, ok := u.Object["status"]; ok {
		var opts []validation.ValidationOption
		if v.structural != nil {
			opts = append(opts, validation.WithRatcheting(both.Key("status")))
		}
		errs = append(errs, validation.ValidateCustomResourceUpdate(field.NewPath("status"), status, old.Object["status"], v.status, opts...)...)
	}
	errs = append(errs, v.replicas(u, true)...)
	errs = append(errs, v.lists(u, old)...)
	return v.ruled(errs, u, old, cel.WithRatcheting(both))
}

// both compares an object with its successor, part by part.
func (v *version) both(u, old *unstructured.Unstructured) *common.CorrelatedObject {
	return common.NewCorrelatedObject(u.Object, old.Object, &model.Structural{Structural: v.structural})
}

// metadata validates what all objects have (validateObjectMetaDeclaratively).
func (v *version) metadata(u, old *unstructured.Unstructured) field.ErrorList {
	meta, errs := metaOf(u)
	if len(errs) > 0 {
		return errs
	}
	path := field.NewPath("metadata")
	if old == nil {
		return apivalidation.ValidateObjectMetaDeclaratively(context.Background(), operation.Create, meta, nil, v.namespaced, apivalidation.NameIsDNSSubdomain, path, true)
	}
	was, errs := metaOf(old)
	if len(errs) > 0 {
		return errs
	}
	return apivalidation.ValidateObjectMetaDeclaratively(context.Background(), operation.Update, meta, was, v.namespaced, nil, path, true)
}

func metaOf(u *unstructured.Unstructured) (*metav1.ObjectMeta, field.ErrorList) {
	meta, _, err := objectmeta.GetObjectMeta(u.Object, false)
	if err != nil {
		return nil, field.ErrorList{field.Invalid(field.NewPath("metadata"), u.Object["metadata"], err.Error())}
	}
	return meta, nil
}

// lists are looked at if they were in order before.
func (v *version) lists(u, old *unstructured.Unstructured) field.ErrorList {
	errs := listtype.ValidateListSetsAndMaps(nil, v.structural, u.Object)
	if len(errs) > 0 && len(listtype.ValidateListSetsAndMaps(nil, v.structural, old.Object)) > 0 {
		return nil
	}
	return errs
}

// ruled adds what the rules of the schema say, unless they cannot be asked.
func (v *version) ruled(errs field.ErrorList, u, old *unstructured.Unstructured, opts ...cel.Option) field.ErrorList {
	if v.rules == nil {
		return errs
	}
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return append(errs, field.Invalid(nil, nil, "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"))
		}
	}
	var was any
	if old != nil {
		was = old.Object
	}
	broken, _ := v.rules.Validate(context.Background(), nil, v.structural, u.Object, was, celconfig.RuntimeCELCostBudget, opts...)
	return append(errs, broken...)
}

// replicas validates what the scale subresource reads (ValidateScaleSpec,
// ValidateScaleStatus).
func (v *version) replicas(u *unstructured.Unstructured, status bool) field.ErrorList {
	if v.scale == nil {
		return nil
	}
	var errs field.ErrorList
	if !status {
		errs = count(u, v.scale.SpecReplicasPath)
	}
	errs = append(errs, count(u, v.scale.StatusReplicasPath)...)
	if path := v.scale.LabelSelectorPath; path != nil {
		if selector, _, err := unstructured.NestedString(u.Object, fields(*path)...); err != nil {
			errs = append(errs, field.Invalid(field.NewPath(*path), selector, err.Error()))
		}
	}
	return errs
}

func fields(path string) []string { return strings.Split(strings.TrimPrefix(path, "."), ".") }

func count(u *unstructured.Unstructured, path string) field.ErrorList {
	n, _, err := unstructured.NestedInt64(u.Object, fields(path)...)
	switch at := field.NewPath(path); {
	case err != nil:
		return field.ErrorList{field.Invalid(at, n, err.Error())}
	case n < 0:
		return field.ErrorList{field.Invalid(at, n, "should be a non-negative integer")}
	case n > math.MaxInt32:
		return field.ErrorList{field.Invalid(at, n, fmt.Sprintf("should be less than or equal to %v", math.MaxInt32))}
	}
	return nil
}
