package defaults

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// Set fills the unset fields of obj with the API's defaults. It writes to the
// struct that obj points to, and replaces whatever lies behind its pointers,
// slices and maps instead of writing to it: a shallow copy of a stored object
// can be given. If nothing is missing, nothing is written and nothing
// allocated. Kinds without defaults are left alone.
func Set(obj runtime.Object) {
	switch o := obj.(type) {
	case *corev1.Pod:
		pod(o)
	case *corev1.PersistentVolumeClaim:
		claim(o)
	case *corev1.PersistentVolume:
		persistentVolume(o)
	case *appsv1.StatefulSet:
		statefulSet(o)
	case *discoveryv1.EndpointSlice:
		each(&o.Ports, endpointPort)
	case *corev1.Service:
		service(o)
	case *corev1.Node:
		node(o)
	case *corev1.Namespace:
		namespace(o)
	case *corev1.LimitRange:
		limitRange(o)
	case *corev1.ResourceQuota:
		resourceList(&o.Spec.Hard)
		quotaStatus(&o.Status)
	case *corev1.Secret:
		secret(o)
	case *storagev1.StorageClass:
		storageClass(o)
	case *storagev1.CSIDriver:
		csiDriver(o)
	case *schedulingv1.PriorityClass:
		fill(&o.PreemptionPolicy, corev1.PreemptLowerPriority)
	case *appsv1.Deployment:
		deployment(o)
	case *appsv1.DaemonSet:
		daemonSet(o)
	case *appsv1.ReplicaSet:
		replicaSet(o)
	case *corev1.PodTemplate:
		podSpec(&o.Template.Spec)
	case *batchv1.Job:
		job(o)
	case *batchv1.CronJob:
		cronJob(o)
	case *networkingv1.NetworkPolicy:
		networkPolicy(o)
	case *rbacv1.RoleBinding:
		roleBinding(&o.RoleRef, &o.Subjects)
	case *rbacv1.ClusterRoleBinding:
		roleBinding(&o.RoleRef, &o.Subjects)
	case *apiextensionsv1.CustomResourceDefinition:
		customResourceDefinition(o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		autoscaler(o)
	case *apiregistrationv1.APIService:
		apiService(o)
	}
}

// node: what a node can give is all it has, unless it says less. The first of
// its networks has a field of its own, which wins (conversion of NodeSpec).
func node(n *corev1.Node) {
	switch s := &n.Spec; {
	case s.PodCIDR == "" && len(s.PodCIDRs) > 0:
		s.PodCIDR = s.PodCIDRs[0]
	case s.PodCIDR != "" && (len(s.PodCIDRs) == 0 || s.PodCIDRs[0] != s.PodCIDR):
		s.PodCIDRs = []string{s.PodCIDR}
	}
	nodeStatus(&n.Status)
}

func nodeStatus(s *corev1.NodeStatus) {
	if s.Allocatable == nil && s.Capacity != nil {
		s.Allocatable = maps.Clone(s.Capacity)
	}
	resourceList(&s.Capacity)
	resourceList(&s.Allocatable)
}

// secret: the type, and stringData, which is a way to write data and is never
// read back (conversion of Secret).
func secret(s *corev1.Secret) {
	zero(&s.Type, corev1.SecretTypeOpaque)
	if len(s.StringData) == 0 {
		return
	}
	data := make(map[string][]byte, len(s.Data)+len(s.StringData))
	maps.Copy(data, s.Data)
	for key, text := range s.StringData { // a map into a map
		data[key] = []byte(text)
	}
	s.Data, s.StringData = data, nil
}

// namespace: the label that selectors find it by, and the phase.
func namespace(n *corev1.Namespace) {
	zero(&n.Status.Phase, corev1.NamespaceActive)
	if n.Name == "" || n.Labels[corev1.LabelMetadataName] == n.Name {
		return
	}
	labels := make(map[string]string, len(n.Labels)+1)
	maps.Copy(labels, n.Labels)
	labels[corev1.LabelMetadataName] = n.Name
	n.Labels = labels
}
