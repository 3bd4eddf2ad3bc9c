package apiserver

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
)

// Decode reads an object's JSON as the server does. It returns the unknown and
// duplicate fields, beside an error.
func Decode(doc []byte, into Object) (strict []error, err error) {
	if mayOverflow(doc) {
		var tree any
		if err := kjson.UnmarshalCaseSensitivePreserveInts(doc, &tree); err != nil {
			return nil, err
		}
		if err := boundTree(tree, reflect.TypeOf(into)); err != nil {
			return nil, err
		}
	}
	return kjson.UnmarshalStrict(doc, into)
}

// withKindOf is WithKind for a Scale, too.
func withKindOf(obj Object) Object {
	scale, ok := obj.(*autoscalingv1.Scale)
	if !ok {
		return WithKind(obj)
	}
	c := *scale
	c.APIVersion, c.Kind = "autoscaling/v1", "Scale"
	return &c
}

// sameKind refuses a patched document that has become another kind of object, in
// upstream's words: it converts what it has read to its internal type.
func sameKind(doc []byte, obj Object) error {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		return nil // the decoder says so itself
	}
	want := withKindOf(obj).GetObjectKind().GroupVersionKind()
	gv, err := schema.ParseGroupVersion(head.APIVersion)
	if err != nil {
		return err
	}
	if gv.Empty() {
		gv = want.GroupVersion()
	}
	if head.Kind == "" {
		head.Kind = want.Kind
	}
	got := gv.WithKind(head.Kind)
	if got == want {
		return nil
	}
	typ, ok := scheme.AllKnownTypes()[got]
	if !ok {
		return fmt.Errorf("no kind %q is registered for version %q in scheme \"pkg/api/legacyscheme/scheme.go:30\"", got.Kind, gv)
	}
	internal, _, _ := strings.Cut(want.Group, ".")
	if internal == "" {
		internal = "core"
	}
	return fmt.Errorf("converting (%s) to (%s.%s): unknown conversion", typ, internal, want.Kind)
}
