package defaults

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// claim is A2 for a PersistentVolumeClaim.
func claim(c *corev1.PersistentVolumeClaim) {
	claimSpec(&c.Spec)
	claimStatus(&c.Status)
}

// claimStatus and claimSpec report whether anything was missing.
func claimStatus(s *corev1.PersistentVolumeClaimStatus) bool {
	phase := zero(&s.Phase, corev1.ClaimPending)
	capacity := resourceList(&s.Capacity)
	allocated := resourceList(&s.AllocatedResources)
	return phase || capacity || allocated
}

func claimSpec(s *corev1.PersistentVolumeClaimSpec) bool {
	mode := s.VolumeMode == nil
	if mode {
		fill(&s.VolumeMode, corev1.PersistentVolumeFilesystem)
	}
	limits := resourceList(&s.Resources.Limits)
	requests := resourceList(&s.Resources.Requests)
	return mode || limits || requests
}

// persistentVolume is A2 for a PersistentVolume.
func persistentVolume(v *corev1.PersistentVolume) {
	zero(&v.Status.Phase, corev1.VolumePending)
	s := &v.Spec
	zero(&s.PersistentVolumeReclaimPolicy, corev1.PersistentVolumeReclaimRetain)
	fill(&s.VolumeMode, corev1.PersistentVolumeFilesystem)
	resourceList(&s.Capacity)
	through(&s.HostPath, hostPath)
	if d := s.RBD; d != nil {
		c := *d
		if rbd(&c.RBDPool, &c.RadosUser, &c.Keyring) {
			s.RBD = &c
		}
	}
	if d := s.ISCSI; d != nil && d.ISCSIInterface == "" {
		c := *d
		c.ISCSIInterface = "default"
		s.ISCSI = &c
	}
	through(&s.AzureDisk, azureDisk)
	if d := s.ScaleIO; d != nil {
		c := *d
		if scaleIO(&c.StorageMode, &c.FSType) {
			s.ScaleIO = &c
		}
	}
}

func storageClass(c *storagev1.StorageClass) {
	fill(&c.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete)
	fill(&c.VolumeBindingMode, storagev1.VolumeBindingImmediate)
}

func csiDriver(d *storagev1.CSIDriver) {
	s := &d.Spec
	fill(&s.AttachRequired, true)
	fill(&s.PodInfoOnMount, false)
	fill(&s.StorageCapacity, false)
	fill(&s.FSGroupPolicy, storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy)
	if len(s.VolumeLifecycleModes) == 0 {
		s.VolumeLifecycleModes = []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecyclePersistent}
	}
	fill(&s.RequiresRepublish, false)
	fill(&s.SELinuxMount, false)
}
