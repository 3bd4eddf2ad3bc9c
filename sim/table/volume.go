package table

import (
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	volumeColumns = columns("*Name Capacity Access_Modes Reclaim_Policy Status Claim StorageClass " +
		"VolumeAttributesClass Reason Age +VolumeMode")
	claimColumns = columns("*Name Status Volume Capacity Access_Modes StorageClass " +
		"VolumeAttributesClass Age +VolumeMode")
	storageClassColumns = columns("*Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age")
)

// volumeCells is printPersistentVolume (K25).
func volumeCells(pv *corev1.PersistentVolume, now time.Time) []string {
	claim := ""
	if ref := pv.Spec.ClaimRef; ref != nil {
		claim = ref.Namespace + "/" + ref.Name
	}
	phase := string(pv.Status.Phase)
	if pv.DeletionTimestamp != nil {
		phase = "Terminating"
	}
	capacity := pv.Spec.Capacity[corev1.ResourceStorage]
	return []string{
		pv.Name, capacity.String(), accessModes(pv.Spec.AccessModes),
		string(pv.Spec.PersistentVolumeReclaimPolicy), phase, claim, volumeClass(pv),
		orUnset(pv.Spec.VolumeAttributesClassName), pv.Status.Reason,
		age(pv.CreationTimestamp, now), orUnset((*string)(pv.Spec.VolumeMode)),
	}
}

// claimCells is printPersistentVolumeClaim (K26): capacity and modes are those
// of the volume, shown as soon as one is named.
func claimCells(pvc *corev1.PersistentVolumeClaim, now time.Time) []string {
	phase := string(pvc.Status.Phase)
	if pvc.DeletionTimestamp != nil {
		phase = "Terminating"
	}
	capacity, modes := boundStorage(pvc)
	return []string{
		pvc.Name, phase, pvc.Spec.VolumeName, capacity, modes, claimClass(pvc),
		orUnset(pvc.Spec.VolumeAttributesClassName), age(pvc.CreationTimestamp, now),
		orUnset((*string)(pvc.Spec.VolumeMode)),
	}
}

// boundStorage is what a claim got, empty until a volume is named.
func boundStorage(pvc *corev1.PersistentVolumeClaim) (capacity, modes string) {
	if pvc.Spec.VolumeName == "" {
		return "", ""
	}
	storage := pvc.Status.Capacity[corev1.ResourceStorage]
	return storage.String(), accessModes(pvc.Status.AccessModes)
}

// accessModes shortens modes, in a fixed order.
func accessModes(modes []corev1.PersistentVolumeAccessMode) string {
	var short []string
	for _, m := range [...]struct {
		mode corev1.PersistentVolumeAccessMode
		abbr string
	}{
		{corev1.ReadWriteOnce, "RWO"},
		{corev1.ReadOnlyMany, "ROX"},
		{corev1.ReadWriteMany, "RWX"},
		{corev1.ReadWriteOncePod, "RWOP"},
	} {
		if slices.Contains(modes, m.mode) {
			short = append(short, m.abbr)
		}
	}
	return strings.Join(short, ",")
}

// volumeClass is the storage class, by the old annotation first.
func volumeClass(pv *corev1.PersistentVolume) string {
	if class, ok := pv.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		return class
	}
	return pv.Spec.StorageClassName
}

// claimClass is the storage class, by the old annotation first.
func claimClass(pvc *corev1.PersistentVolumeClaim) string {
	if class, ok := pvc.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		return class
	}
	if pvc.Spec.StorageClassName == nil {
		return ""
	}
	return *pvc.Spec.StorageClassName
}

// storageClassCells is printStorageClass.
func storageClassCells(sc *storagev1.StorageClass, now time.Time) []string {
	policy := string(corev1.PersistentVolumeReclaimDelete)
	if sc.ReclaimPolicy != nil {
		policy = string(*sc.ReclaimPolicy)
	}
	mode := string(storagev1.VolumeBindingImmediate)
	if sc.VolumeBindingMode != nil {
		mode = string(*sc.VolumeBindingMode)
	}
	expand := sc.AllowVolumeExpansion != nil && *sc.AllowVolumeExpansion
	return []string{
		sc.Name, sc.Provisioner, policy, mode, strconv.FormatBool(expand),
		age(sc.CreationTimestamp, now),
	}
}

// markDefaultClass marks the storage class that is really used as default: of
// all marked ones the newest, then the first by name (V6). Only a list can tell
// (printStorageClassList): one class alone, in a watch, is not marked.
func markDefaultClass(rows []Row) {
	best := -1
	for i := range rows {
		sc, ok := rows[i].Object.(*storagev1.StorageClass)
		if !ok {
			return
		}
		if !isDefaultClass(&sc.ObjectMeta) {
			continue
		}
		if best < 0 || isBetterDefault(sc, rows[best].Object.(*storagev1.StorageClass)) {
			best = i
		}
	}
	if best >= 0 {
		rows[best].Cells[0] += " (default)"
	}
}

func isBetterDefault(a, b *storagev1.StorageClass) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.After(b.CreationTimestamp.Time)
	}
	return a.Name < b.Name
}

func isDefaultClass(meta *metav1.ObjectMeta) bool {
	return meta.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" ||
		meta.Annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true"
}

func orUnset(s *string) string {
	if s == nil {
		return unset
	}
	return *s
}
