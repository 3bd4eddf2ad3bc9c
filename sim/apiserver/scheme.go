package apiserver

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// newScheme registers every API group and version that a v1.37.2 server serves by
// default and whose objects it stores.
func newScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, storagev1.AddToScheme, discoveryv1.AddToScheme,
		policyv1.AddToScheme, schedulingv1.AddToScheme, rbacv1.AddToScheme, batchv1.AddToScheme,
		networkingv1.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme,
		coordinationv1.AddToScheme, nodev1.AddToScheme, certificatesv1.AddToScheme,
		flowcontrolv1.AddToScheme, admissionregistrationv1.AddToScheme, resourcev1.AddToScheme,
		eventsv1.AddToScheme, storagemigrationv1.AddToScheme, apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme,
	} {
		if err := add(s); err != nil {
			panic(err) // a broken k8s.io/api: nothing can work
		}
	}
	return s
}

// clusterWide lists the kinds that live outside every namespace.
var clusterWide = map[string]bool{
	"Node": true, "Namespace": true, "PersistentVolume": true, "StorageClass": true,
	"PriorityClass": true, "ClusterRole": true, "ClusterRoleBinding": true, "CSIDriver": true,
	"CSINode": true, "VolumeAttachment": true, "VolumeAttributesClass": true, "RuntimeClass": true,
	"IngressClass": true, "CertificateSigningRequest": true, "FlowSchema": true,
	"PriorityLevelConfiguration": true, "MutatingWebhookConfiguration": true,
	"ValidatingWebhookConfiguration": true, "ValidatingAdmissionPolicy": true,
	"ValidatingAdmissionPolicyBinding": true, "MutatingAdmissionPolicy": true,
	"MutatingAdmissionPolicyBinding": true, "ServiceCIDR": true, "IPAddress": true,
	"DeviceClass": true, "DeviceTaintRule": true, "ResourceSlice": true, "ClusterTrustBundle": true,
	"APIService": true, "CustomResourceDefinition": true, "StorageVersionMigration": true,
}

// internalKinds are registered types that are no resources of their own:
// options, reviews and subresources.
var internalKinds = map[string]bool{
	"Binding": true, "ComponentStatus": true, "Eviction": true, "NodeProxyOptions": true,
	"PodStatusResult": true, "RangeAllocation": true, "Scale": true, "SerializedReference": true,
	"WatchEvent": true, "ConversionReview": true,
}
