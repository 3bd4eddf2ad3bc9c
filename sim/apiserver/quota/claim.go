package quota

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ofClass stands between a class and what is counted of it.
const ofClass = ".storageclass.storage.k8s.io/"

// claimResources are the names that count claims, all and those of a class.
var claimResources = []corev1.ResourceName{corev1.ResourcePersistentVolumeClaims, corev1.ResourceRequestsStorage}

// matchesClaims is pvcEvaluator.MatchingResources.
func matchesClaims(name corev1.ResourceName) bool {
	return slices.ContainsFunc(claimResources, func(r corev1.ResourceName) bool {
		return name == r || strings.HasSuffix(string(name), ofClass+string(r))
	})
}

// claimUsage adds what a claim takes beside its count (Q3, pvcEvaluator.Usage).
func claimUsage(usage corev1.ResourceList, c *corev1.PersistentVolumeClaim) {
	add := func(name corev1.ResourceName, q resource.Quantity) {
		usage[name] = q
		if class := classOf(c); class != "" {
			usage[corev1.ResourceName(class+ofClass)+name] = q
		}
	}
	add(corev1.ResourcePersistentVolumeClaims, count(1))
	if size, ok := c.Spec.Resources.Requests[corev1.ResourceStorage]; ok {
		size = whole(size)
		if got, ok := c.Status.AllocatedResources[corev1.ResourceStorage]; ok && got.Cmp(size) > 0 {
			size = whole(got)
		}
		add(corev1.ResourceRequestsStorage, size)
	}
}

// whole rounds an amount up to whole bytes.
func whole(q resource.Quantity) resource.Quantity {
	if rounded := q.DeepCopy(); !rounded.RoundUp(0) {
		return rounded
	}
	return q
}

// classOf is GetPersistentVolumeClaimClass.
func classOf(c *corev1.PersistentVolumeClaim) string {
	if class, ok := c.Annotations[corev1.BetaStorageClassAnnotation]; ok {
		return class
	}
	if c.Spec.StorageClassName != nil {
		return *c.Spec.StorageClassName
	}
	return ""
}

// attributesClasses are the VolumeAttributesClasses that a claim has, had, or is to
// have (getReferencedVolumeAttributesClassNames).
func attributesClasses(c *corev1.PersistentVolumeClaim) []string {
	var names []string
	add := func(name *string) {
		if name != nil && *name != "" && !slices.Contains(names, *name) {
			names = append(names, *name)
		}
	}
	add(c.Spec.VolumeAttributesClassName)
	add(c.Status.CurrentVolumeAttributesClassName)
	if m := c.Status.ModifyVolumeStatus; m != nil {
		add(&m.TargetVolumeAttributesClassName)
	}
	return names
}
