package volume

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The annotations and finalizers of volumes and claims.
const (
	// BindCompleted on a claim: it has been bound before.
	BindCompleted = "pv.kubernetes.io/bind-completed"
	// BoundByController on a claim or volume: the link was made by a
	// controller, not by a user.
	BoundByController = "pv.kubernetes.io/bound-by-controller"
	// SelectedNode on a claim: the scheduler wants a volume for that node.
	SelectedNode = "volume.kubernetes.io/selected-node"
	// ProvisionedBy on a volume: its provisioner.
	ProvisionedBy = "pv.kubernetes.io/provisioned-by"
	// MigratedTo on a volume: the CSI driver that stands in for a plugin.
	MigratedTo = "pv.kubernetes.io/migrated-to"
	// StorageProvisioner on a claim: who is to make a volume for it. The beta
	// form is written beside it.
	StorageProvisioner     = "volume.kubernetes.io/storage-provisioner"
	BetaStorageProvisioner = "volume.beta.kubernetes.io/storage-provisioner"

	// ClaimFinalizer and VolumeFinalizer hold back deletions (V15).
	ClaimFinalizer  = "kubernetes.io/pvc-protection"
	VolumeFinalizer = "kubernetes.io/pv-protection"

	defaultClass     = "storageclass.kubernetes.io/is-default-class"
	betaDefaultClass = "storageclass.beta.kubernetes.io/is-default-class"
)

func isAnnotated(obj metav1.Object, key string) bool {
	_, found := obj.GetAnnotations()[key]
	return found
}

// annotate returns a copy of annotations with a value for more keys.
func annotate(annotations map[string]string, value string, keys ...string) map[string]string {
	m := make(map[string]string, len(annotations)+len(keys))
	maps.Copy(m, annotations)
	for _, key := range keys {
		m[key] = value
	}
	return m
}

// without returns a copy of annotations with one less; nil rather than empty.
func without(annotations map[string]string, key string) map[string]string {
	m := maps.Clone(annotations)
	delete(m, key)
	if len(m) == 0 {
		return nil
	}
	return m
}
