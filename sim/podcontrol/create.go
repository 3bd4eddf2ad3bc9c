package podcontrol

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
)

// Prefix is the generateName of a controller's pods: with a dash, unless that
// makes the name too long (getPodsPrefix).
func Prefix(name string) string {
	if len(name)+1 > validation.DNS1123SubdomainMaxLength {
		return name
	}
	return name + "-"
}

// FromTemplate returns a new pod (W1, GetPodFromTemplate). It shares the
// template's memory.
func FromTemplate(template *corev1.PodTemplateSpec, owner apiserver.Object, ref metav1.OwnerReference) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: owner.GetNamespace(), GenerateName: Prefix(owner.GetName()),
			Labels: template.Labels, Annotations: template.Annotations, Finalizers: template.Finalizers,
			OwnerReferences: []metav1.OwnerReference{ref},
		},
		Spec: template.Spec,
	}
}

// Create asks for a pod to be created. The pod must not be changed afterwards.
func Create(pod *corev1.Pod) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Create, Kind: apiserver.Pod, Key: apiserver.Key{Namespace: pod.Namespace, Name: pod.Name}, Object: pod}
}

// ErrNoLabels is why no pod is created of a template without labels.
var ErrNoLabels = errors.New("unable to create pods, no labels")

// Created records what became of a creation, as an Event of the owner, and
// returns the error (createPods). Where the namespace is terminating there is no
// Event.
func Created(r *controller.Replay, owner apiserver.Object, res apiserver.Result) error {
	switch {
	case res.Err == nil:
		r.Note(controller.Note{About: owner, Type: corev1.EventTypeNormal, Reason: "SuccessfulCreate", Message: "Created pod: " + res.Object.GetName()})
	case !IsNamespaceTerminating(res.Err):
		r.Note(controller.Note{About: owner, Type: corev1.EventTypeWarning, Reason: "FailedCreate", Message: fmt.Sprintf("Error creating: %v", res.Err)})
	}
	return res.Err
}

// IsNamespaceTerminating reports whether an error says that nothing more can be
// created.
func IsNamespaceTerminating(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// Delete asks for a pod to be deleted.
func Delete(pod *corev1.Pod) apiserver.Request {
	return apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod)}
}

// Deleted records what became of a deletion and returns the error; that the pod
// is not there has no Event (DeletePod).
func Deleted(r *controller.Replay, owner apiserver.Object, pod *corev1.Pod, err error) error {
	switch {
	case err == nil:
		r.Note(controller.Note{About: owner, Type: corev1.EventTypeNormal, Reason: "SuccessfulDelete", Message: "Deleted pod: " + pod.Name})
	case !apierrors.IsNotFound(err):
		r.Note(controller.Note{About: owner, Type: corev1.EventTypeWarning, Reason: "FailedDelete", Message: fmt.Sprintf("Error deleting: %v", err)})
		return fmt.Errorf("unable to delete pods: %v", err)
	}
	return err
}

// SlowStart does something count times in batches of 1, 2, 4 … side by side, up to
// the first batch in which anything fails (W2, slowStartBatch). It returns how
// often it succeeded, and the first error of that batch.
func SlowStart(count int, batch func(n int) []error) (done int, first error) {
	for size := min(count, 1); size > 0; size = min(2*size, count) {
		for _, err := range batch(size) {
			if err == nil {
				done++
			} else if first == nil {
				first = err
			}
		}
		if first != nil {
			return done, first
		}
		count -= size
	}
	return done, nil
}
