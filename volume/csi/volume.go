package csi

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// plugin is the name of the plugin that all CSI volumes share.
const plugin = "kubernetes.io/csi"

// Volume is a volume as its driver knows it. The zero Volume is none.
type Volume struct{ Driver, Handle string }

// Of returns the CSI volume that a PersistentVolume is; ok is false if it is
// none.
func Of(pv *corev1.PersistentVolume) (v Volume, ok bool) {
	if pv.Spec.CSI == nil {
		return Volume{}, false
	}
	return Volume{pv.Spec.CSI.Driver, pv.Spec.CSI.VolumeHandle}, true
}

// UniqueName is the volume's name in the status of nodes
// (GetUniqueVolumeNameFromSpec, GetVolumeName).
func (v Volume) UniqueName() corev1.UniqueVolumeName {
	return corev1.UniqueVolumeName(plugin + "/" + v.Driver + "^" + v.Handle)
}

// Named is the reverse of UniqueName: ok is false for a name that is no CSI
// volume's (SplitUniqueName, Detach).
func Named(name corev1.UniqueVolumeName) (v Volume, ok bool) {
	rest, isCSI := strings.CutPrefix(string(name), plugin+"/")
	parts := strings.Split(rest, "^")
	if !isCSI || len(parts) != 2 {
		return Volume{}, false
	}
	return Volume{parts[0], parts[1]}, true
}

// Attachment is the name of the VolumeAttachment of the volume to a node
// (getAttachmentName).
func (v Volume) Attachment(node string) string {
	sum := sha256.Sum256([]byte(v.Handle + v.Driver + node))
	return "csi-" + hex.EncodeToString(sum[:])
}

// IsShared reports whether a volume may be attached to several nodes at a time:
// one of which nothing is known may (IsMultiAttachAllowed).
func IsShared(pv *corev1.PersistentVolume) bool {
	return pv == nil || len(pv.Spec.AccessModes) == 0 ||
		slices.Contains(pv.Spec.AccessModes, corev1.ReadWriteMany) || slices.Contains(pv.Spec.AccessModes, corev1.ReadOnlyMany)
}

// Attaches reports whether the volumes of a driver have to be attached; nil is a
// driver of which no object tells (skipAttach).
func Attaches(driver *storagev1.CSIDriver) bool {
	return driver == nil || driver.Spec.AttachRequired == nil || *driver.Spec.AttachRequired
}
