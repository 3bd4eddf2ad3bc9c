package apiserver

import (
	"encoding/json"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

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

// sameKind refuses a patched document that has become another kind of object
// (runtime.DecodeInto).
func sameKind(doc []byte, obj Object) error {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		return nil // the decoder says so itself
	}
	gvk := withKindOf(obj).GetObjectKind().GroupVersionKind()
	if gv, err := schema.ParseGroupVersion(head.APIVersion); err != nil || gv != gvk.GroupVersion() && gv != (schema.GroupVersion{}) || head.Kind != gvk.Kind && head.Kind != "" {
		return fmt.Errorf("unable to decode %s, Kind=%s into %T", head.APIVersion, head.Kind, obj)
	}
	return nil
}
