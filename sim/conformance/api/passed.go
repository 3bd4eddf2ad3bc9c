package api

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type passedField struct {
	in   reflect.Type
	name string
}

// passed are the fields that package validation passes through (its doc.go), so
// that there is nothing to compare, and those that the server sets before any
// strategy is asked.
var passed = passedOf(map[reflect.Type][]string{
	reflect.TypeFor[metav1.ObjectMeta](): {"managedFields", "selfLink", "creationTimestamp", "uid", "resourceVersion"},
	reflect.TypeFor[corev1.VolumeSource](): {
		"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker",
		"gcePersistentDisk", "glusterfs", "iscsi", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO",
		"storageos", "vsphereVolume",
	},
	reflect.TypeFor[corev1.PersistentVolumeSource](): {
		"awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker",
		"gcePersistentDisk", "glusterfs", "iscsi", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO",
		"storageos", "vsphereVolume",
	},
	reflect.TypeFor[corev1.ContainerStatus]():               {"allocatedResourcesStatus", "user", "volumeMounts"},
	reflect.TypeFor[corev1.DownwardAPIVolumeSource]():       {"defaultUser"}, // of two sources in one volume upstream empties the first alone
	reflect.TypeFor[corev1.ConfigMapVolumeSource]():         {"defaultUser"},
	reflect.TypeFor[corev1.SecretVolumeSource]():            {"defaultUser"},
	reflect.TypeFor[corev1.KeyToPath]():                     {"user"},
	reflect.TypeFor[corev1.DownwardAPIVolumeFile]():         {"user"},
	reflect.TypeFor[corev1.ProjectedVolumeSource]():         {"defaultUser"},
	reflect.TypeFor[corev1.ServiceAccountTokenProjection](): {"user"},
	reflect.TypeFor[corev1.VolumeProjection]():              {"clusterTrustBundle", "podCertificate"},
	reflect.TypeFor[corev1.PodSecurityContext]():            {"windowsOptions"},
	reflect.TypeFor[corev1.SecurityContext]():               {"windowsOptions"},
	reflect.TypeFor[corev1.PodSpec]():                       {"ephemeralContainers", "os"},
	reflect.TypeFor[corev1.PodStatus]():                     {"ephemeralContainerStatuses", "resourceClaimStatuses", "extendedResourceClaimStatus", "nodeAllocatableResourceClaimStatuses"},
})

func passedOf(fields map[reflect.Type][]string) map[passedField]bool {
	set := map[passedField]bool{}
	for in, names := range fields { // into a set
		for _, name := range names {
			set[passedField{in, name}] = true
		}
	}
	return set
}
