package apiserver

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// admitNamespace holds a new object to an existing namespace (plugin
// NamespaceLifecycle).
func (s *Server) admitNamespace(kind Kind, obj Object) error {
	return s.checkNamespace(kind, obj.GetNamespace(), nameOrUnknown(obj))
}

// checkNamespace holds a new object, called as it is, to an existing namespace
// (the NamespaceLifecycle admission).
func (s *Server) checkNamespace(kind Kind, name, called string) error {
	if !kind.Namespaced() || !s.asks(namespaceLifecycle) {
		return nil
	}
	ns, _ := s.Get(Namespace, Key{Name: name}).(*corev1.Namespace)
	if ns == nil {
		return apierrors.NewNotFound(Namespace.GroupResource(), name)
	}
	if ns.Status.Phase == corev1.NamespaceTerminating {
		why := fmt.Errorf("unable to create new content in namespace %s because it is being terminated", name)
		err := apierrors.NewForbidden(kind.GroupResource(), called, why)
		err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{
			Type: corev1.NamespaceTerminatingCause, Message: fmt.Sprintf("namespace %s is being terminated", name), Field: "metadata.namespace"})
		return err
	}
	return nil
}
