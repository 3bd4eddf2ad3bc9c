package unmodelled_test

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/unmodelled"
)

// A StatefulSet whose pods have a name of their own, and a ReplicationController.
func Example() {
	class := "fast"
	set := &appsv1.StatefulSet{}
	set.Spec.Template.Spec = corev1.PodSpec{HostnameOverride: &class, HostPID: true}
	for _, found := range unmodelled.In(set) {
		fmt.Println(found)
	}
	for _, found := range unmodelled.In(&corev1.ReplicationController{}) {
		fmt.Println(found)
	}
	// Output:
	// spec.template.spec.hostnameOverride: nothing acts on it here; it is stored, and that is all: in a real cluster the pod calls itself by another name
	// no controller acts on ReplicationController here; it is stored, and that is all: in a real cluster its controller creates pods
}
