package validation

import (
	corev1 "k8s.io/api/core/v1"
)

func (c *check) namespaceCreate(n *corev1.Namespace) {
	c.meta(&n.ObjectMeta, false, labelName)
	c.namespace(n)
}

func (c *check) namespace(n *corev1.Namespace) {
	p := spec.child("finalizers")
	for _, f := range n.Spec.Finalizers {
		c.qualified(p, string(f))
		c.kubeFinalizer(p, string(f))
	}
}

// namespaceStatus: the phase follows the deletion.
func (c *check) namespaceStatus(n *corev1.Namespace) {
	p := in("status.Phase") // sic
	switch phase := n.Status.Phase; {
	case n.DeletionTimestamp.IsZero() && phase != corev1.NamespaceActive:
		c.invalid(p, phase, "may only be 'Active' if `deletionTimestamp` is empty")
	case !n.DeletionTimestamp.IsZero() && phase != corev1.NamespaceTerminating:
		c.invalid(p, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")
	}
}
