package volumes

import (
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// normal returns an object without versions and times.
func normal(o apiserver.Object) apiserver.Object {
	o = o.DeepCopyObject().(apiserver.Object)
	o.SetResourceVersion("")
	o.SetCreationTimestamp(metav1.Time{})
	if o.GetDeletionTimestamp() != nil {
		o.SetDeletionTimestamp(&metav1.Time{})
	}
	switch o := o.(type) {
	case *corev1.PersistentVolume:
		o.Status.LastPhaseTransitionTime = nil
		if o.Spec.ClaimRef != nil {
			o.Spec.ClaimRef.ResourceVersion = ""
		}
	case *corev1.PersistentVolumeClaim:
		for i := range o.Status.Conditions {
			o.Status.Conditions[i].LastTransitionTime = metav1.Time{}
			o.Status.Conditions[i].LastProbeTime = metav1.Time{}
		}
	}
	return o
}

func shown(o apiserver.Object) string {
	text, err := json.Marshal(o)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(text), `"creationTimestamp":null,`, "")
}
