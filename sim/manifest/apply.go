package manifest

import (
	"encoding/json"
	"fmt"
	"maps"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// LastApplied is the annotation in which kubectl remembers what was applied.
const LastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// SetNamespace gives a document of a namespaced kind a namespace if it has none,
// and takes it from another one (cli-runtime, SetNamespace and FilterNamespace).
func (d *Document) SetNamespace(namespace string) {
	if d.scope == 0 {
		return
	}
	has := d.Object.GetNamespace()
	switch namespaced := d.scope.Namespaced(); {
	case namespaced && has == "":
	case !namespaced && has != "":
		namespace = ""
	default:
		return
	}
	d.fields = d.fields.DeepCopy()
	d.fields.SetNamespace(namespace)
	d.Object.SetNamespace(namespace)
}

// Custom returns the document as one of a kind that somebody has defined in the
// cluster, in a namespace if it is one for namespaces and names none.
func (d *Document) Custom(namespaced bool, namespace string) Document {
	c, u := *d, d.fields.DeepCopy()
	switch {
	case !namespaced:
		u.SetNamespace("")
	case u.GetNamespace() == "":
		u.SetNamespace(namespace)
	}
	c.Kind, c.Object, c.fields, c.refused = apiserver.CustomResource, u, u, nil
	return c
}

// Key returns what the object is asked for by. It is an error, in kubectl's
// words, if the document has no name.
func (d *Document) Key() (apiserver.Key, error) {
	if err := d.checkName(); err != nil {
		return apiserver.Key{}, err
	}
	return apiserver.KeyOf(d.Object), nil
}

// NeverApplied is kubectl's warning for a live object that has no LastApplied.
func (d *Document) NeverApplied() string {
	return fmt.Sprintf("resource %s/%s is missing the %s annotation which is required by kubectl apply. "+
		"kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. "+
		"The missing annotation will be patched automatically.", d.Kind.Resource(), d.Object.GetName(), LastApplied)
}

// Create returns the object to create, with the last-applied annotation and
// without a version (cli-runtime, Helper.Create). The error is Refused.
func (d *Document) Create() (apiserver.Object, error) {
	if err := d.Refused(); err != nil {
		return nil, err
	}
	config, err := d.configuration()
	if err != nil {
		return nil, err
	}
	obj := d.Object.DeepCopyObject().(apiserver.Object)
	obj.SetAnnotations(with(obj.GetAnnotations(), string(config)))
	obj.SetResourceVersion("")
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
	original := []byte(live.GetAnnotations()[LastApplied])
	typ, patch, err := threeWay(live, original, modified, current)
	if err != nil {
		return apiserver.RawPatch{}, false, d.Fail(fmt.Errorf("cannot be merged with the live object: %w", err))
	}
	return apiserver.RawPatch{Type: typ, Data: string(patch), Strict: true}, string(patch) != "{}", nil
}

// threeWay returns a strategic merge patch, or for a CustomResourceDefinition or what it
// defines, of whose schemas no Go type tells how lists merge, a merge patch.
func threeWay(live apiserver.Object, original, modified, current []byte) (types.PatchType, []byte, error) {
	switch live.(type) {
	case *apiextensionsv1.CustomResourceDefinition, *unstructured.Unstructured:
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(original, modified, current)
		return types.MergePatchType, patch, err
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(live)
	if err != nil {
		return "", nil, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(original, modified, current, meta, true)
	return types.StrategicMergePatchType, patch, err
}

// configuration returns what the last-applied annotation holds: the document
// as written, without that annotation, as JSON with sorted keys and a newline
// (kubectl, GetModifiedConfiguration).
func (d *Document) configuration() ([]byte, error) {
	u := d.withoutConfiguration()
	return runtime.Encode(unstructured.UnstructuredJSONScheme, u)
}

// modified returns the document with its own configuration as annotation.
func (d *Document) modified(config []byte) ([]byte, error) {
	u := d.withoutConfiguration()
	u.SetAnnotations(with(u.GetAnnotations(), string(config)))
	return runtime.Encode(unstructured.UnstructuredJSONScheme, u)
}

func (d *Document) withoutConfiguration() *unstructured.Unstructured {
	u := d.fields.DeepCopy()
	annotations := u.GetAnnotations()
	delete(annotations, LastApplied)
	if annotations == nil {
		annotations = map[string]string{}
	}
	u.SetAnnotations(annotations)
	return u
}

func with(annotations map[string]string, config string) map[string]string {
	m := maps.Clone(annotations)
	if m == nil {
		m = map[string]string{}
	}
	m[LastApplied] = config
	return m
}
