// Package defaults fills the unset fields of Kubernetes objects as the API
// server of v1.37.2 does, for the versions that the simulator stores.
//
// It holds A1 and §0.1 (StatefulSets and their pod and claim templates), A2 (claims,
// volumes, Services), A3 (pods, as far as it is no admission: restart policy,
// DNS policy, grace period, scheduler, requests from limits), K18 (pull policy
// by tag) and K20 (probes), and the defaults of Node, Namespace, Secret,
// StorageClass, CSIDriver, PriorityClass, EndpointSlice, Deployment,
// DaemonSet, ReplicaSet, PodTemplate, Job, CronJob, NetworkPolicy, RoleBinding,
// ClusterRoleBinding, LimitRange, ResourceQuota, HorizontalPodAutoscaler (v2),
// CustomResourceDefinition and APIService. The fields that upstream fills or keeps in step while
// it converts between versions are filled too: the kind of a claim template,
// podIPs, podCIDRs, the data of a Secret.
//
// Defaults have to be complete: the name of a ControllerRevision is a hash of
// the defaulted template (S6).
//
// Left out:
//
//   - what admission adds: tolerations, priority, service account, finalizers,
//     the default StorageClass (V6, V15, N4);
//   - what allocation adds: cluster IPs, IP families, node ports;
//   - Endpoints and ReplicationController, which nothing here acts on;
//   - an empty map for ConfigMap.data, which the wire does not show.
//
// Deviation: maxUnavailable is filled whatever the gate
// MaxUnavailableStatefulSet says; validation.Disable takes it away again, with
// the same outcome.
//
// Objects share memory: a pod shares its containers with the template that it
// was made from. So Set copies before it writes (see own), and neither writes
// nor allocates if nothing is missing.
package defaults
