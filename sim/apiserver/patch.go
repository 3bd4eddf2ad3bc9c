package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

// RawPatch is a patch as it comes over the wire: strategic merge, JSON merge, JSON, or
// a configuration to be applied.
type RawPatch struct {
	Type types.PatchType
	Data string
	// Strict refuses unknown and duplicate fields, as `kubectl apply` asks for;
	// otherwise they are warned of, as for `kubectl patch`.
	Strict bool
	// Force takes fields from others, in a server-side apply
	// (types.ApplyYAMLPatchType), which creates the object if it is not there.
	Force bool
}

// patchWarning carries the warnings of a patch that was applied.
type patchWarning struct{ warnings []string }

func (w *patchWarning) Error() string { return strings.Join(w.warnings, "; ") }

// applied tells the warnings of a patch that was applied from the error of one
// that was not.
func applied(obj Object, err error) (Object, []string, error) {
	if err == nil {
		return obj, nil, nil
	}
	var warned *patchWarning
	if errors.As(err, &warned) {
		return obj, warned.warnings, nil
	}
	return nil, nil, err
}

// Apply implements Patcher (upstream's jsonPatcher and smpPatcher).
func (p RawPatch) Apply(obj Object) (Object, error) {
	next := reflect.New(reflect.TypeOf(obj).Elem()).Interface().(Object)
	var strict []error
	var err error
	switch p.Type {
	case types.JSONPatchType, types.MergePatchType:
		strict, err = p.overJSON(obj, next)
	case types.StrategicMergePatchType, "":
		strict, err = p.strategic(obj, next)
	default:
		err = apierrors.NewBadRequest(fmt.Sprintf("unknown patch type %q", p.Type))
	}
	if err != nil {
		return nil, err
	}
	if len(strict) == 0 {
		return next, nil
	}
	msgs := make([]string, len(strict))
	for i, e := range strict {
		msgs[i] = e.Error()
	}
	return next, &patchWarning{msgs}
}

// refused is the answer to a patch whose result cannot be read.
func refused(shown, why string) error {
	return apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{field.Invalid(field.NewPath("patch"), shown, why)})
}

// overJSON applies a JSON or JSON merge patch to an object's JSON. It returns
// the unknown and duplicate fields.
func (p RawPatch) overJSON(obj, next Object) ([]error, error) {
	doc, err := json.Marshal(withKindOf(obj))
	if err != nil {
		return nil, unknownError(err)
	}
	patched, strict, err := p.merge(doc)
	if err != nil {
		return nil, err
	}
	if err := sameKind(patched, obj); err != nil {
		return nil, refused(string(patched), err.Error())
	}
	more, err := Decode(patched, next)
	if err != nil {
		return nil, refused(string(patched), err.Error())
	}
	strict = append(strict, more...)
	if len(strict) > 0 && p.Strict {
		return nil, refused(string(patched), runtime.NewStrictDecodingError(strict).Error())
	}
	return strict, nil
}

// operation is what a JSON patch consists of; it tells the fields that there
// are.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from"`
	Value any    `json:"value"`
}

func (p RawPatch) merge(doc []byte) (patched []byte, strict []error, err error) {
	data := []byte(p.Data)
	if p.Type == types.MergePatchType {
		var fields map[string]any
		if strict, err = kjson.UnmarshalStrict(data, &fields); err != nil {
			return nil, nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
		}
		patched, err = jsonpatch.MergePatch(doc, data)
		switch err {
		case nil:
			return patched, strict, nil
		case jsonpatch.ErrBadJSONPatch:
			return nil, nil, apierrors.NewBadRequest(err.Error())
		}
		return nil, nil, unknownError(err)
	}
	var ops []operation
	if strict, err = kjson.UnmarshalStrict(data, &ops); err != nil {
		text := strings.ReplaceAll(err.Error(), "apiserver.operation", "handlers.jsonPatchOp") // the type's name there
		return nil, nil, apierrors.NewBadRequest("error decoding patch: " + text)
	}
	if len(ops) > maxOperations {
		return nil, nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("The allowed maximum operations in a JSON patch is %d, got %d", maxOperations, len(ops)))
	}
	for i, e := range strict {
		strict[i] = fmt.Errorf("json patch %v", e) //nolint: upstream's words
	}
	patch, err := jsonpatch.DecodePatch(data)
	if err != nil {
		return nil, nil, apierrors.NewBadRequest(err.Error())
	}
	if patched, err = patch.Apply(doc); err != nil {
		return nil, nil, unprocessable(err)
	}
	return patched, strict, nil
}

func unprocessable(err error) error {
	return apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
}

// strategic applies a strategic merge patch to an object's fields (upstream's
// strategicPatchObject and applyPatchToObject).
func (p RawPatch) strategic(obj, next Object) ([]error, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(withKindOf(obj))
	if err != nil {
		return nil, unknownError(err)
	}
	patch := map[string]any{}
	strict, err := kjson.UnmarshalStrict([]byte(p.Data), &patch)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	patched, err := strategicpatch.StrategicMergeMapPatch(fields, patch, obj)
	if err != nil {
		return nil, strategicError(err)
	}
	if mayOverflow([]byte(p.Data)) {
		if err := boundTree(map[string]any(patched), reflect.TypeOf(next)); err != nil {
			return nil, refused(fmt.Sprintf("%+v", patch), err.Error())
		}
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(patched, next, true); err != nil {
		more, ok := runtime.AsStrictDecodingError(err)
		if !ok {
			return nil, refused(fmt.Sprintf("%+v", patch), err.Error())
		}
		strict = append(strict, more.Errors()...)
	}
	if len(strict) > 0 && p.Strict {
		return nil, refused(fmt.Sprintf("%+v", patch), runtime.NewStrictDecodingError(strict).Error())
	}
	return strict, nil
}

// strategicError is upstream's interpretStrategicMergePatchError.
func strategicError(err error) error {
	switch err {
	case mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat:
		return apierrors.NewBadRequest(err.Error())
	case mergepatch.ErrNoListOfLists, mergepatch.ErrPatchContentNotMatchRetainKeys:
		return unprocessable(err)
	}
	return unknownError(err)
}
