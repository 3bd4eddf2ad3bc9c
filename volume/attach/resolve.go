package attach

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/component-helpers/storage/ephemeral"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/controller"
	"github.com/statefulsim/statefulsim/volume/csi"
)

// claimOf is the claim that a pod's volume is, "" if it is none.
func claimOf(pod *corev1.Pod, v *corev1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return v.PersistentVolumeClaim.ClaimName
	case v.Ephemeral != nil:
		return ephemeral.VolumeClaimName(pod, v)
	}
	return ""
}

// hasClaims reports whether a pod has volumes that may have to be attached.
func hasClaims(pod *corev1.Pod) bool {
	for i := range pod.Spec.Volumes {
		if claimOf(pod, &pod.Spec.Volumes[i]) != "" {
			return true
		}
	}
	return false
}

// hasEnded is IsPodTerminated: also a pod that is being deleted counts as ended as
// long as none of its containers has begun.
func hasEnded(pod *corev1.Pod) bool {
	s := &pod.Status
	return s.Phase == corev1.PodFailed || s.Phase == corev1.PodSucceeded || pod.DeletionTimestamp != nil &&
		noneRuns(s.InitContainerStatuses) && noneRuns(s.ContainerStatuses) && noneRuns(s.EphemeralContainerStatuses)
}

func noneRuns(list []corev1.ContainerStatus) bool {
	return !slices.ContainsFunc(list, func(s corev1.ContainerStatus) bool { return s.State.Terminated == nil && s.State.Waiting == nil })
}

// volumeOf returns the volume behind a pod's volume (CreateVolumeSpec); known is
// false if the claim or its volume is not there, or not bound to each other.
func volumeOf(v controller.View, pod *corev1.Pod, vol *corev1.Volume) (pv *corev1.PersistentVolume, known bool) {
	claim := v.Claim(apiserver.Key{Namespace: pod.Namespace, Name: claimOf(pod, vol)})
	if claim == nil || claim.Status.Phase != corev1.ClaimBound || claim.Spec.VolumeName == "" {
		return nil, false
	}
	if vol.Ephemeral != nil && ephemeral.VolumeIsForPod(pod, claim) != nil {
		return nil, false
	}
	pv = v.Volume(claim.Spec.VolumeName)
	if pv == nil || pv.Spec.ClaimRef == nil || pv.Spec.ClaimRef.UID != claim.UID {
		return nil, false
	}
	return pv, true
}

// attachable returns the CSI volume that a PersistentVolume is, if such have to be
// attached (FindAttachablePluginBySpec).
func attachable(v controller.View, pv *corev1.PersistentVolume) (csi.Volume, bool) {
	vol, ok := csi.Of(pv)
	if !ok {
		return vol, false
	}
	driver, _ := v.Get(apiserver.CSIDriver, apiserver.Key{Name: vol.Driver}).(*storagev1.CSIDriver)
	return vol, csi.Attaches(driver)
}

// process takes a pod into what is desired, or out of it (ProcessPodVolumes). It
// returns the volumes of which that changed something, and whether one could not
// be found.
func (c *Controller) process(v controller.View, pod *corev1.Pod, add bool) (changed []corev1.UniqueVolumeName, unknown bool) {
	if _, managed := c.desired.nodes[pod.Spec.NodeName]; !managed {
		return nil, hasClaims(pod)
	}
	for i := range pod.Spec.Volumes {
		if claimOf(pod, &pod.Spec.Volumes[i]) == "" {
			continue
		}
		pv, known := volumeOf(v, pod, &pod.Spec.Volumes[i])
		if !known {
			unknown = true
			continue
		}
		vol, ok := attachable(v, pv)
		if !ok {
			continue
		}
		p := place{vol.UniqueName(), pod.Spec.NodeName}
		switch {
		case !add:
			c.desired.drop(p, pod.UID)
		case c.desired.wants[p] == nil || c.desired.wants[p].pods[pod.UID].Pod == nil:
			c.desired.add(p, pv, pod)
		default:
			continue
		}
		changed = append(changed, p.volume)
	}
	return changed, unknown
}
