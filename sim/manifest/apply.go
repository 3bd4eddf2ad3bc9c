package manifest

import (
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// LastApplied is the annotation in which kubectl remembers what was applied.
const LastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// SetNamespace gives a document of a namespaced kind a namespace if it has
// none.
func (d *Document) SetNamespace(namespace string) {
	if !d.Kind.Namespaced() || d.Object.GetNamespace() != "" {
		return
	}
	d.Object.SetNamespace(namespace)
	d.raw = maps.Clone(d.raw)
	meta, _ := d.raw["metadata"].(map[string]any)
	meta = maps.Clone(meta)
	meta["namespace"] = namespace
	d.raw["metadata"] = meta
}

// Create returns the object to create, with the last-applied annotation.
func (d *Document) Create() (apiserver.Object, error) {
	config, err := d.configuration()
	if err != nil {
		return nil, err
	}
	obj := d.Object.DeepCopyObject().(apiserver.Object)
	obj.SetAnnotations(with(obj.GetAnnotations(), string(config)))
	return obj, nil
}

// Patch returns the three-way strategic merge patch from the live object to
// the document, and whether there is anything to change. Fields that the last
// applied configuration had and the document has not are removed; fields that
// others set stay.
func (d *Document) Patch(live apiserver.Object) (apiserver.RawPatch, bool, error) {
	config, err := d.configuration()
	if err != nil {
		return apiserver.RawPatch{}, false, err
	}
	modified, err := d.modified(config)
	if err != nil {
		return apiserver.RawPatch{}, false, err
	}
	current, err := json.Marshal(apiserver.WithKind(live))
	if err != nil {
		return apiserver.RawPatch{}, false, err
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(live)
	if err != nil {
		return apiserver.RawPatch{}, false, err
	}
	original := []byte(live.GetAnnotations()[LastApplied])
	patch, err := strategicpatch.CreateThreeWayMergePatch(original, modified, current, meta, true)
	if err != nil {
		return apiserver.RawPatch{}, false, &Error{d.Source, d.Index, d.title(), fmt.Errorf("cannot be merged with the live object: %w", err)}
	}
	return apiserver.RawPatch{Type: types.StrategicMergePatchType, Data: string(patch), Strict: true}, string(patch) != "{}", nil
}

// configuration returns what the last-applied annotation holds: the document
// as written, without that annotation, as JSON with sorted keys and a newline.
func (d *Document) configuration() ([]byte, error) {
	raw := maps.Clone(d.raw)
	meta, _ := raw["metadata"].(map[string]any)
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]any{}
	}
	annotations, _ := meta["annotations"].(map[string]any)
	annotations = maps.Clone(annotations)
	if annotations == nil {
		annotations = map[string]any{}
	}
	delete(annotations, LastApplied)
	meta["annotations"] = annotations
	raw["metadata"] = meta
	out, err := json.Marshal(raw)
	return append(out, '\n'), err
}

// modified returns the document with its own configuration as annotation.
func (d *Document) modified(config []byte) ([]byte, error) {
	var raw map[string]any
	if err := json.Unmarshal(config, &raw); err != nil {
		return nil, err
	}
	raw["metadata"].(map[string]any)["annotations"].(map[string]any)[LastApplied] = string(config)
	return json.Marshal(raw)
}

func with(annotations map[string]string, config string) map[string]string {
	m := maps.Clone(annotations)
	if m == nil {
		m = map[string]string{}
	}
	m[LastApplied] = config
	return m
}

// Fail returns err as an Error of the document.
func (d *Document) Fail(err error) error { return &Error{d.Source, d.Index, d.title(), err} }
