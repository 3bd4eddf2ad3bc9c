package volumes

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// snapshot returns the volumes, claims and Events of a server, one a line.
func snapshot(s *apiserver.Server) []string {
	var lines []string
	for _, kind := range []apiserver.Kind{apiserver.PersistentVolume, apiserver.PersistentVolumeClaim} {
		for _, o := range s.List(kind, "") {
			lines = append(lines, fmt.Sprintf("%s %s", kind, shown(normal(o))))
		}
	}
	var events []string
	for _, o := range s.List(apiserver.Event, "") {
		e := o.(*corev1.Event)
		if e.Reason != "RecyclerPod" {
			events = append(events, fmt.Sprintf("event on %s %s: %s %s: %s", e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Type, e.Reason, e.Message))
		}
	}
	slices.Sort(events)
	return append(lines, slices.Compact(events)...)
}

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
