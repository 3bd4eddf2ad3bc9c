package unmodelled

import (
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// Field is a field of a type in k8s.io/api that nothing here acts on.
type Field struct {
	of    any    // the type: a zero value of it
	names string // of fields, as in Go; several that are alike are apart by spaces
	// told says what a real cluster does by the field. If it is empty the field is
	// quiet, because of what quiet says.
	told, quiet string
	// values are those that a told field is told for; nil means all but the zero value.
	values []string
	// partly says that some of what a real cluster does by a field is done.
	partly bool
}

// fields is the list: all fields of the kinds on which controllers act that
// nothing reads which decides.
var fields = []Field{
	// Pods.
	{of: corev1.PodSpec{}, names: "EphemeralContainers", quiet: "they come by a subresource that is not served", partly: true},
	{of: corev1.PodSpec{}, names: "HostUsers HostIPC HostPID ShareProcessNamespace", quiet: "a container's processes are its Workload's", partly: true},
	{of: corev1.PodSpec{}, names: "HostnameOverride SetHostnameAsFQDN", told: "the pod calls itself by another name"},
	{of: corev1.PodSpec{}, names: "EnableServiceLinks", quiet: "the variables of Services are missing, whatever it says: only $(…) of one could show it"},
	{of: corev1.PodSpec{}, names: "DeprecatedServiceAccount", quiet: "it is serviceAccountName by its old name", partly: true},
	{of: corev1.PodSpec{}, names: "ResourceClaims", told: "the pod waits until its devices are allocated"},
	{of: corev1.PodSpec{}, names: "EvictionResponders SchedulingGroup", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.PodSecurityContext{}, names: "RunAsGroup SupplementalGroups SupplementalGroupsPolicy FSGroup FSGroupChangePolicy SELinuxOptions SELinuxChangePolicy SeccompProfile AppArmorProfile WindowsOptions",
		quiet: "files have no owners, and processes no rights"},
	{of: corev1.SecurityContext{}, names: "Capabilities Privileged SELinuxOptions WindowsOptions RunAsGroup ReadOnlyRootFilesystem AllowPrivilegeEscalation ProcMount SeccompProfile AppArmorProfile",
		quiet: "files have no owners, and processes no rights"},

	// Jobs.
	{of: batchv1.JobSpec{}, names: "Scheduling", quiet: "its feature is off in v1.37: the API server drops it"},

	// Containers.
	{of: corev1.Container{}, names: "Command Args WorkingDir Stdin StdinOnce TTY", quiet: "what a container does is its Workload"},
	{of: corev1.Container{}, names: "TerminationMessagePolicy", quiet: "Workloads leave no message"},
	{of: corev1.Container{}, names: "ResizePolicy", quiet: "a running pod is resized by a subresource that is not served"},
	{of: corev1.HTTPHeader{}, names: "Name Value", quiet: "a Workload answers alike whatever the headers"},
	{of: corev1.Sysctl{}, names: "Value", quiet: "a kernel takes any value"},
	{of: corev1.ContainerRestartRule{}, names: "Action", told: "all containers of the pod are restarted", values: []string{"RestartAllContainers"}},
	{of: corev1.ResourceRequirements{}, names: "Claims", told: "the container gets devices"},
	{of: corev1.EnvVarSource{}, names: "FileKeyRef", told: "the variable is read from a file, and the container does not start without it"},
	{of: corev1.VolumeMount{}, names: "MountPropagation RecursiveReadOnly", quiet: "mounts hold no other mounts"},
	{of: corev1.VolumeMount{}, names: "BindMountOptions", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.VolumeDevice{}, names: "DevicePath", quiet: "nothing is read from a device"},
	{of: corev1.Lifecycle{}, names: "StopSignal", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.LifecycleHandler{}, names: "Exec HTTPGet TCPSocket", quiet: "how long a hook takes, and whether it fails, its Workload says"},
	{of: corev1.HTTPGetAction{}, names: "Protocol", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.GRPCAction{}, names: "Service", quiet: "a Workload answers alike for every service"},
	{of: corev1.GRPCAction{}, names: "Mode", quiet: "its feature is off in v1.37: the API server drops it"},

	// A pod's volumes.
	{of: corev1.VolumeSource{}, names: "AWSElasticBlockStore AzureDisk AzureFile CSI CephFS Cinder FC FlexVolume Flocker GCEPersistentDisk GitRepo Glusterfs ISCSI PhotonPersistentDisk PortworxVolume Quobyte RBD ScaleIO StorageOS VsphereVolume",
		told: "its plugin or driver must be there, attaches it and mounts it, or the pod waits", partly: true},
	{of: corev1.EmptyDirVolumeSource{}, names: "SizeLimit", quiet: "Workloads do not fill their disks"},
	{of: corev1.EmptyDirVolumeSource{}, names: "Mode", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.ConfigMapVolumeSource{}, names: "DefaultMode", quiet: "files have no owners, and processes no rights"},
	{of: corev1.SecretVolumeSource{}, names: "DefaultMode", quiet: "files have no owners, and processes no rights"},
	{of: corev1.DownwardAPIVolumeSource{}, names: "DefaultMode", quiet: "files have no owners, and processes no rights"},
	{of: corev1.DownwardAPIVolumeFile{}, names: "Mode", quiet: "files have no owners, and processes no rights"},
	{of: corev1.ProjectedVolumeSource{}, names: "DefaultMode", quiet: "files have no owners, and processes no rights"},
	{of: corev1.KeyToPath{}, names: "Mode", quiet: "files have no owners, and processes no rights"},
	{of: corev1.ConfigMapVolumeSource{}, names: "DefaultUser", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.SecretVolumeSource{}, names: "DefaultUser", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.DownwardAPIVolumeSource{}, names: "DefaultUser", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.DownwardAPIVolumeFile{}, names: "User", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.ProjectedVolumeSource{}, names: "DefaultUser", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.KeyToPath{}, names: "User", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.ServiceAccountTokenProjection{}, names: "User", quiet: "its feature is off in v1.37: the API server drops it"},
	{of: corev1.ServiceAccountTokenProjection{}, names: "Audience ExpirationSeconds", quiet: "nobody checks a token"},
	{of: corev1.VolumeProjection{}, names: "ClusterTrustBundle PodCertificate", told: "the pod waits until there is a certificate"},
	{of: corev1.ObjectFieldSelector{}, names: "APIVersion", quiet: "there is one version"},
	{of: corev1.ImageVolumeSource{}, names: "PullPolicy", told: "the image is pulled and mounted, or the pod waits"},

	// Claims and volumes.
	{of: corev1.PersistentVolumeClaimSpec{}, names: "DataSource DataSourceRef", told: "the volume is a copy, or a populator fills it, and the claim waits until then"},
	{of: corev1.VolumeResourceRequirements{}, names: "Limits", quiet: "no driver heeds it"},
	{of: corev1.PersistentVolumeClaimStatus{}, names: "HealthStatus", quiet: "drivers write it, and people read it"},
	{of: corev1.ModifyVolumeStatus{}, names: "Status", quiet: "drivers write it, and people read it"},
	{of: corev1.PersistentVolumeClaimCondition{}, names: "Message Reason", quiet: "people read it", partly: true},
	{of: corev1.PersistentVolumeSource{}, names: "AWSElasticBlockStore AzureDisk AzureFile CephFS Cinder FC FlexVolume Flocker GCEPersistentDisk Glusterfs ISCSI PhotonPersistentDisk PortworxVolume Quobyte RBD ScaleIO StorageOS VsphereVolume",
		quiet: "every disk but NFS, a local one and a path of the node is one of its own, in reach of every node"},
	{of: corev1.CSIPersistentVolumeSource{}, names: "ControllerExpandSecretRef ControllerPublishSecretRef FSType NodeExpandSecretRef NodePublishSecretRef NodeStageSecretRef ReadOnly VolumeAttributes",
		quiet: "every driver is there and does what is asked"},
	{of: storagev1.CSIDriverSpec{}, names: "PodInfoOnMount VolumeLifecycleModes StorageCapacity FSGroupPolicy TokenRequests RequiresRepublish SELinuxMount NodeAllocatableUpdatePeriodSeconds ServiceAccountTokenInSecrets",
		quiet: "every driver is there and does what is asked"},
	{of: storagev1.CSINodeDriver{}, names: "NodeID TopologyKeys", quiet: "volumes are in reach of every node"},
	{of: storagev1.CSINode{}, names: "Status", quiet: "drivers write it, and people read it"},
	{of: storagev1.VolumeAttachmentStatus{}, names: "AttachmentMetadata", quiet: "every driver is there and does what is asked"},
	{of: storagev1.VolumeError{}, names: "ErrorCode", quiet: "people read it"},
	{of: corev1.LocalVolumeSource{}, names: "FSType", quiet: "files are files"},
	{of: storagev1.StorageClass{}, names: "Parameters", quiet: "every driver makes the same volumes"},

	{of: corev1.ConfigMap{}, names: "Immutable", quiet: "the API server holds to it; kubelets only ask less often"},
	{of: schedulingv1.PriorityClass{}, names: "Description", quiet: "people read it"},

	// Services and Nodes.
	{of: corev1.ServiceSpec{}, names: "Type", told: "a load balancer gets an address, which stands in the Service's status", values: []string{"LoadBalancer"}, partly: true},
	{of: corev1.ServiceSpec{}, names: "ExternalIPs InternalTrafficPolicy SessionAffinity SessionAffinityConfig LoadBalancerClass LoadBalancerIP LoadBalancerSourceRanges",
		quiet: "there is no proxy: connections go to pods"},
	{of: corev1.Service{}, names: "Status", quiet: "only a load balancer writes it"},
	{of: corev1.NodeSpec{}, names: "ConfigSource DoNotUseExternalID PodCIDRs ProviderID", quiet: "the machine behind a Node is the simulator's"},
	{of: corev1.NodeSpec{}, names: "PodPreemptionPolicy", quiet: "its feature is off in v1.37"},
	{of: corev1.NodeStatus{}, names: "Capacity Conditions Config DaemonEndpoints DeclaredFeatures Features NodeInfo Phase RuntimeHandlers", quiet: "the machine behind a Node is the simulator's", partly: true},
	{of: corev1.AttachedVolume{}, names: "DevicePath", quiet: "nothing is read from a device"},
	{of: coordinationv1.LeaseSpec{}, names: "HolderIdentity LeaseDurationSeconds AcquireTime LeaseTransitions Strategy PreferredHolder", quiet: "only those read it who want to lead"},
	{of: corev1.NamespaceStatus{}, names: "Conditions", quiet: "people read it", partly: true},
}
