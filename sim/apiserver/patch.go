package apiserver

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"
)

// RawPatch is a patch as it comes over the wire: strategic merge, JSON merge or
// JSON.
type RawPatch struct {
	Type types.PatchType
	Data string
	// Strict refuses unknown and duplicate fields, as `kubectl apply` asks for;
	// otherwise they are warned of, as for `kubectl patch`.
	Strict bool
}

// patchWarning carries the warnings of a patch that was applied.
type patchWarning struct{ warnings []string }

func (w *patchWarning) Error() string { return strings.Join(w.warnings, "; ") }

// Apply implements Patcher.
func (p RawPatch) Apply(obj Object) (Object, error) {
	doc, err := json.Marshal(WithKind(obj))
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	patched, err := p.merge(doc, obj)
	if err != nil {
		return nil, err
	}
	next := reflect.New(reflect.TypeOf(obj).Elem()).Interface().(Object)
	strict, err := kjson.UnmarshalStrict(patched, next)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if len(strict) == 0 {
		return next, nil
	}
	msgs := make([]string, len(strict))
	for i, e := range strict {
		msgs[i] = e.Error()
	}
	if p.Strict {
		return nil, apierrors.NewBadRequest("strict decoding error: " + strings.Join(msgs, ", "))
	}
	return next, &patchWarning{msgs}
}

func (p RawPatch) merge(doc []byte, obj Object) ([]byte, error) {
	data := []byte(p.Data)
	switch p.Type {
	case types.JSONPatchType:
		patch, err := jsonpatch.DecodePatch(data)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		out, err := patch.Apply(doc)
		if err != nil {
			return nil, apierrors.NewGenericServerResponse(422, "", KindOf(obj).GroupResource(), "", err.Error(), 0, false)
		}
		return out, nil
	case types.MergePatchType:
		if err := checkJSON(data); err != nil {
			return nil, err
		}
		out, err := jsonpatch.MergePatch(doc, data)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return out, nil
	case types.StrategicMergePatchType, "":
		if err := checkJSON(data); err != nil {
			return nil, err
		}
		out, err := strategicpatch.StrategicMergePatch(doc, data, obj)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return out, nil
	}
	return nil, apierrors.NewBadRequest(fmt.Sprintf("unknown patch type %q", p.Type))
}

// checkJSON refuses a merge patch that is no JSON object.
func checkJSON(data []byte) error {
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		return apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	return nil
}
