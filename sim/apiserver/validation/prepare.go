package validation

import (
	"maps"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
)

// PrepareCreate takes from a new object what its creator must not decide:
// status and generation (A7), fields behind gates that are off; and adds what
// the server decides: a pod's QoS class, a namespace's finalizer. Like all
// Prepare functions it writes to obj's struct alone and replaces what lies
// behind pointers. Strategies' PrepareForCreate.
func PrepareCreate(obj runtime.Object) {
	switch o := obj.(type) {
	case *corev1.Pod:
		preparePod(o)
	case *appsv1.StatefulSet:
		o.Status, o.Generation = appsv1.StatefulSetStatus{}, 1
		dropAlpha(&o.Spec.Template.Spec)
	case *corev1.ServiceAccount:
		onlyNames(o)
	case *corev1.PersistentVolumeClaim:
		o.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}
		dataSources(&o.Spec, nil)
	case *corev1.PersistentVolume:
		o.Status = corev1.PersistentVolumeStatus{Phase: corev1.VolumePending}
	case *corev1.Service:
		o.Status = corev1.ServiceStatus{}
		KeepAllocated(o, nil)
	case *corev1.Node:
		o.Spec.ConfigSource, o.Status.Config, o.Spec.PodPreemptionPolicy = nil, nil, nil
	case *corev1.Namespace:
		o.Status = corev1.NamespaceStatus{Phase: corev1.NamespaceActive}
		if !slices.Contains(o.Spec.Finalizers, corev1.FinalizerKubernetes) {
			o.Spec.Finalizers = append(slices.Clip(o.Spec.Finalizers), corev1.FinalizerKubernetes)
		}
	case *corev1.ResourceQuota:
		o.Status = corev1.ResourceQuotaStatus{}
	case *policyv1.PodDisruptionBudget:
		o.Status, o.Generation = policyv1.PodDisruptionBudgetStatus{}, 1
	case *discoveryv1.EndpointSlice:
		o.Generation = 1
	case *schedulingv1.PriorityClass:
		o.Generation = 1
	case *storagev1.VolumeAttachment:
		o.Status = storagev1.VolumeAttachmentStatus{}
	case *appsv1.Deployment:
		o.Status, o.Generation = appsv1.DeploymentStatus{}, 1
	case *appsv1.DaemonSet:
		o.Status, o.Generation = appsv1.DaemonSetStatus{}, 1
		countTemplate(o, max(templateGeneration(o), 1))
	case *appsv1.ReplicaSet:
		o.Status, o.Generation = appsv1.ReplicaSetStatus{}, 1
	case *batchv1.Job:
		prepareJob(o)
	case *corev1.Event: // there are many
	default:
		prepareOther(obj, nil)
	}
}

// PrepareUpdate keeps the status that is stored, and counts the generation up
// if the spec has changed (A7). It starts from old's generation.
func PrepareUpdate(obj, old runtime.Object) {
	switch o := obj.(type) {
	case *corev1.Pod:
		was := old.(*corev1.Pod)
		o.Status = was.Status
		if o.Spec.Resources == nil {
			o.Spec.Resources = was.Spec.Resources
		}
		dropAlpha(&o.Spec)
		raise(&o.Generation, was.Generation, !apiequality.Semantic.DeepEqual(&o.Spec, &was.Spec))
	case *corev1.ServiceAccount:
		onlyNames(o)
	case *appsv1.StatefulSet:
		was := old.(*appsv1.StatefulSet)
		o.Status = was.Status
		dropAlpha(&o.Spec.Template.Spec)
		raise(&o.Generation, was.Generation, !apiequality.Semantic.DeepEqual(&o.Spec, &was.Spec))
	case *corev1.PersistentVolumeClaim:
		was := old.(*corev1.PersistentVolumeClaim)
		o.Status = was.Status
		dataSources(&o.Spec, &was.Spec)
	case *corev1.PersistentVolume:
		o.Status = old.(*corev1.PersistentVolume).Status
	case *corev1.Service:
		prepareService(o, old.(*corev1.Service))
	case *corev1.Node:
		o.Status, o.Spec.ConfigSource, o.Spec.PodPreemptionPolicy = old.(*corev1.Node).Status, nil, nil
	case *corev1.Namespace:
		was := old.(*corev1.Namespace)
		o.Status, o.Spec.Finalizers = was.Status, was.Spec.Finalizers
	case *corev1.ResourceQuota:
		o.Status = old.(*corev1.ResourceQuota).Status
	case *policyv1.PodDisruptionBudget:
		was := old.(*policyv1.PodDisruptionBudget)
		o.Status = was.Status
		raise(&o.Generation, was.Generation, !apiequality.Semantic.DeepEqual(&o.Spec, &was.Spec))
	case *discoveryv1.EndpointSlice:
		was := old.(*discoveryv1.EndpointSlice)
		raise(&o.Generation, was.Generation, !sameSlice(o, was))
	case *storagev1.VolumeAttachment:
		o.Status = old.(*storagev1.VolumeAttachment).Status
	case *appsv1.Deployment:
		was := old.(*appsv1.Deployment)
		o.Status = was.Status
		raise(&o.Generation, was.Generation, !apiequality.Semantic.DeepEqual(&o.Spec, &was.Spec))
	case *appsv1.DaemonSet:
		was := old.(*appsv1.DaemonSet)
		o.Status = was.Status
		n := templateGeneration(was)
		if !apiequality.Semantic.DeepEqual(&o.Spec.Template, &was.Spec.Template) {
			n++
		}
		countTemplate(o, n)
		raise(&o.Generation, was.Generation, !apiequality.Semantic.DeepEqual(&o.Spec, &was.Spec))
	case *appsv1.ReplicaSet:
		was := old.(*appsv1.ReplicaSet)
		o.Status = was.Status
		raise(&o.Generation, was.Generation, !apiequality.Semantic.DeepEqual(&o.Spec, &was.Spec))
	case *corev1.Event:
	default:
		prepareOther(obj, old)
	}
}

// templateGeneration is the number of a DaemonSet's template, which upstream keeps in
// the spec and shows as an annotation (Convert_v1_DaemonSet_To_apps_DaemonSet).
func templateGeneration(d *appsv1.DaemonSet) int64 {
	n, err := strconv.ParseInt(d.Annotations[appsv1.DeprecatedTemplateGeneration], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func countTemplate(d *appsv1.DaemonSet, n int64) {
	text := strconv.FormatInt(n, 10)
	if d.Annotations[appsv1.DeprecatedTemplateGeneration] == text {
		return
	}
	annotations := make(map[string]string, len(d.Annotations)+1)
	maps.Copy(annotations, d.Annotations)
	annotations[appsv1.DeprecatedTemplateGeneration] = text
	d.Annotations = annotations
}

func raise(generation *int64, old int64, changed bool) {
	if *generation = old; changed {
		*generation++
	}
}

// PrepareStatusUpdate keeps everything that is stored but the status. The
// time of a volume's phase is the server's: it has the clock.
func PrepareStatusUpdate(obj, old runtime.Object) {
	switch o := obj.(type) {
	case *corev1.Pod:
		preparePodStatus(o, old.(*corev1.Pod))
	case *appsv1.StatefulSet:
		o.Spec = old.(*appsv1.StatefulSet).Spec
	case *corev1.PersistentVolumeClaim:
		was := old.(*corev1.PersistentVolumeClaim)
		o.Spec = was.Spec
		if was.Status.HealthStatus == nil {
			o.Status.HealthStatus = nil
		}
	case *corev1.PersistentVolume:
		o.Spec = old.(*corev1.PersistentVolume).Spec
	case *corev1.Service:
		o.Spec = old.(*corev1.Service).Spec
	case *corev1.Node:
		o.Spec, o.Status.Config = old.(*corev1.Node).Spec, nil
	case *corev1.Namespace:
		o.Spec = old.(*corev1.Namespace).Spec
	case *corev1.ResourceQuota:
		o.Spec = old.(*corev1.ResourceQuota).Spec
	case *policyv1.PodDisruptionBudget:
		o.Spec = old.(*policyv1.PodDisruptionBudget).Spec
	case *storagev1.VolumeAttachment:
		was := old.(*storagev1.VolumeAttachment)
		o.Spec, o.ObjectMeta = was.Spec, was.ObjectMeta
	case *appsv1.Deployment:
		o.Spec, o.Labels = old.(*appsv1.Deployment).Spec, old.(*appsv1.Deployment).Labels
	case *appsv1.DaemonSet:
		o.Spec = old.(*appsv1.DaemonSet).Spec
		countTemplate(o, templateGeneration(old.(*appsv1.DaemonSet)))
	case *appsv1.ReplicaSet:
		o.Spec = old.(*appsv1.ReplicaSet).Spec
	default:
		prepareOtherStatus(obj, old)
	}
}

// Disable empties the fields of obj that o's gates turn off. Call it before
// PrepareCreate and PrepareUpdate, which compares specs (dropStatefulSetDisabledFields).
func Disable(obj runtime.Object, o Options) {
	set, ok := obj.(*appsv1.StatefulSet)
	if r := (*appsv1.RollingUpdateStatefulSetStrategy)(nil); ok && !o.MaxUnavailable {
		if r = set.Spec.UpdateStrategy.RollingUpdate; r != nil && r.MaxUnavailable != nil {
			set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: r.Partition}
		}
	}
}

// dataSources keeps the two ways to name a source the same, and forgets
// sources that only the newer field can name.
func dataSources(s, old *corev1.PersistentVolumeClaimSpec) {
	namespaced := s.DataSourceRef != nil && s.DataSourceRef.Namespace != nil && *s.DataSourceRef.Namespace != ""
	if namespaced && (old == nil || old.DataSourceRef == nil) {
		s.DataSourceRef = nil // CrossNamespaceVolumeDataSource is alpha and off
	}
	had := old != nil && (old.DataSource != nil || old.DataSourceRef != nil)
	if s.DataSourceRef == nil && !had && s.DataSource != nil && !isClaimOrSnapshot(s.DataSource) {
		s.DataSource = nil
	}
	switch a, b := s.DataSource, s.DataSourceRef; {
	case a != nil && b == nil:
		s.DataSourceRef = &corev1.TypedObjectReference{APIGroup: a.APIGroup, Kind: a.Kind, Name: a.Name}
	case a == nil && b != nil && !namespaced:
		s.DataSource = &corev1.TypedLocalObjectReference{APIGroup: b.APIGroup, Kind: b.Kind, Name: b.Name}
	}
}

func isClaimOrSnapshot(d *corev1.TypedLocalObjectReference) bool {
	group := ""
	if d.APIGroup != nil {
		group = *d.APIGroup
	}
	return d.Kind == "PersistentVolumeClaim" && group == "" || d.Kind == "VolumeSnapshot" && group == "snapshot.storage.k8s.io"
}

// prepareService carries over what was allocated (patchAllocatedValues,
// normalizeClusterIPs) and empties what a new type cannot have
// (dropTypeDependentFields).
func prepareService(svc, old *corev1.Service) {
	svc.Status = old.Status
	KeepAllocated(svc, old)
	s, was := &svc.Spec, &old.Spec
	const external, balanced = corev1.ServiceTypeExternalName, corev1.ServiceTypeLoadBalancer
	if was.Type != external && s.Type == external {
		if was.ClusterIP == s.ClusterIP && slices.Equal(was.ClusterIPs, s.ClusterIPs) {
			s.ClusterIP, s.ClusterIPs = "", nil
		}
		if slices.Equal(was.IPFamilies, s.IPFamilies) {
			s.IPFamilies = nil
		}
		if apiequality.Semantic.DeepEqual(was.IPFamilyPolicy, s.IPFamilyPolicy) {
			s.IPFamilyPolicy = nil
		}
	}
	if isOnNodes(was) && !isOnNodes(s) && !addsNodePorts(s, was) {
		s.Ports = slices.Clone(s.Ports)
		for i := range s.Ports {
			s.Ports[i].NodePort = 0
		}
	}
	if needsHealthPort(was) && !needsHealthPort(s) && was.HealthCheckNodePort == s.HealthCheckNodePort {
		s.HealthCheckNodePort = 0
	}
	if was.Type == balanced && s.Type != balanced {
		if apiequality.Semantic.DeepEqual(was.AllocateLoadBalancerNodePorts, s.AllocateLoadBalancerNodePorts) {
			s.AllocateLoadBalancerNodePorts = nil
		}
		if apiequality.Semantic.DeepEqual(was.LoadBalancerClass, s.LoadBalancerClass) {
			s.LoadBalancerClass = nil
		}
	}
	if isExternal(was) && !isExternal(s) && was.ExternalTrafficPolicy == s.ExternalTrafficPolicy {
		s.ExternalTrafficPolicy = ""
	}
	if s.Type != balanced {
		svc.Status.LoadBalancer = corev1.LoadBalancerStatus{}
	}
}

func hasNodePorts(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeNodePort ||
		s.Type == corev1.ServiceTypeLoadBalancer && (s.AllocateLoadBalancerNodePorts == nil || *s.AllocateLoadBalancerNodePorts)
}

// onlyNames leaves of an account's secrets their names (cleanSecretReferences).
func onlyNames(a *corev1.ServiceAccount) {
	if a.Secrets == nil {
		return
	}
	names := make([]corev1.ObjectReference, len(a.Secrets))
	for i := range a.Secrets {
		names[i].Name = a.Secrets[i].Name
	}
	a.Secrets = names
}
