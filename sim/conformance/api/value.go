package api

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"
)

// scalars are the values for types that JSON shows as one word, and for what
// is free-form.
var scalars = map[reflect.Type][]any{
	reflect.TypeFor[resource.Quantity]():    {"1", "0", "-1", "1Gi", "5Gi", "0.5", "1500m", "2Mi", "1e3"},
	reflect.TypeFor[intstr.IntOrString]():   {0.0, 1.0, 80.0, -1.0, 70000.0, "http", "50%", "0%", "-5%", "150%", "Bad Name!", ""},
	reflect.TypeFor[metav1.Time]():          {"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", nil},
	reflect.TypeFor[metav1.MicroTime]():     {"2026-01-01T00:00:00.000000Z"},
	reflect.TypeFor[metav1.Duration]():      {"3s"},
	reflect.TypeFor[runtime.RawExtension](): {map[string]any{"a": "b"}, nil},
	reflect.TypeFor[[]byte]():               {"", "aGk="},
}

func isScalar(t reflect.Type) bool { _, ok := scalars[t]; return ok }

var words = []any{
	"", "a", "web", "www", "data", "c", "init", "http", "Bad_Value!", "a/b", "example.com/x", "a.b", "../x", "/data", "/", "rel/x", "None", "10.0.0.1",
	"10.0.0.300", "::1", "10.0.0.0/8", "kubernetes.io/x", "-", "a=b", "metadata.name", "metadata.labels['app']", "limits.cpu", "storage", "app", "cpu",
	"x\ny", strings.Repeat("x", 64), strings.Repeat("y", 254),
}

var keys = []any{"app", "a", "bad key!", "example.com/x", "hugepages-2Mi", "storage", "cpu", "memory", "pods", "", "kubernetes.io/hostname",
	"pod.alpha.kubernetes.io/x", "volume.beta.kubernetes.io/storage-class", strings.Repeat("k", 64)}

// names are the constants of string types by the type's name; a type's values
// are all types' of its name.
var names = map[string][]any{
	"PullPolicy":                               {"Always", "IfNotPresent", "Never"},
	"RestartPolicy":                            {"Always", "OnFailure", "Never"},
	"ContainerRestartPolicy":                   {"Always", "OnFailure", "Never"},
	"Protocol":                                 {"TCP", "UDP", "SCTP"},
	"DNSPolicy":                                {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"},
	"PersistentVolumeAccessMode":               {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"},
	"PersistentVolumeMode":                     {"Block", "Filesystem"},
	"PersistentVolumeReclaimPolicy":            {"Recycle", "Delete", "Retain"},
	"PersistentVolumePhase":                    {"Pending", "Available", "Bound", "Released", "Failed"},
	"PersistentVolumeClaimPhase":               {"Pending", "Bound", "Lost"},
	"ClaimResourceStatus":                      {"ControllerResizeInProgress", "NodeResizePending", "NodeResizeInfeasible"},
	"ServiceType":                              {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"},
	"ServiceAffinity":                          {"ClientIP", "None"},
	"ServiceExternalTrafficPolicy":             {"Cluster", "Local"},
	"ServiceInternalTrafficPolicy":             {"Cluster", "Local"},
	"IPFamily":                                 {"IPv4", "IPv6"},
	"IPFamilyPolicy":                           {"SingleStack", "PreferDualStack", "RequireDualStack"},
	"TaintEffect":                              {"NoSchedule", "PreferNoSchedule", "NoExecute"},
	"TolerationOperator":                       {"Exists", "Equal", "Lt", "Gt"},
	"NodeSelectorOperator":                     {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"},
	"LabelSelectorOperator":                    {"In", "NotIn", "Exists", "DoesNotExist"},
	"UnsatisfiableConstraintAction":            {"DoNotSchedule", "ScheduleAnyway"},
	"NodeInclusionPolicy":                      {"Ignore", "Honor"},
	"URIScheme":                                {"HTTP", "HTTPS"},
	"TerminationMessagePolicy":                 {"File", "FallbackToLogsOnError"},
	"PreemptionPolicy":                         {"Never", "PreemptLowerPriority"},
	"HostPathType":                             {"", "Directory", "DirectoryOrCreate", "File", "Socket"},
	"StorageMedium":                            {"", "Memory", "HugePages", "HugePages-2Mi"},
	"MountPropagationMode":                     {"None", "HostToContainer", "Bidirectional"},
	"RecursiveReadOnlyMode":                    {"Disabled", "IfPossible", "Enabled"},
	"PodFSGroupChangePolicy":                   {"OnRootMismatch", "Always"},
	"SupplementalGroupsPolicy":                 {"Merge", "Strict"},
	"SeccompProfileType":                       {"Unconfined", "RuntimeDefault", "Localhost"},
	"AppArmorProfileType":                      {"Unconfined", "RuntimeDefault", "Localhost"},
	"ProcMountType":                            {"Default", "Unmasked"},
	"OSName":                                   {"linux", "windows"},
	"PodPhase":                                 {"Pending", "Running", "Succeeded", "Failed", "Unknown"},
	"PodConditionType":                         {"Ready", "PodScheduled", "Initialized", "example.com/x"},
	"ConditionStatus":                          {"True", "False", "Unknown"},
	"PodQOSClass":                              {"Guaranteed", "Burstable", "BestEffort"},
	"NamespacePhase":                           {"Active", "Terminating"},
	"NodeAddressType":                          {"InternalIP", "Hostname"},
	"ResourceResizeRestartPolicy":              {"NotRequired", "RestartContainer"},
	"PodManagementPolicyType":                  {"OrderedReady", "Parallel"},
	"StatefulSetUpdateStrategyType":            {"RollingUpdate", "OnDelete", "Recreate"},
	"PersistentVolumeClaimRetentionPolicyType": {"Retain", "Delete"},
	"VolumeBindingMode":                        {"Immediate", "WaitForFirstConsumer"},
	"UnhealthyPodEvictionPolicyType":           {"IfHealthyBudget", "AlwaysAllow"},
	"AddressType":                              {"IPv4", "IPv6", "FQDN"},
	"SecretType":                               {"Opaque", "kubernetes.io/tls", "kubernetes.io/ssh-auth", "kubernetes.io/basic-auth", "kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson", "kubernetes.io/service-account-token"},
	"ContainerRestartRuleAction":               {"Restart", "RestartAllContainers"},
	"ContainerRestartRuleOnExitCodesOperator":  {"In", "NotIn"},
	"PodSELinuxChangePolicy":                   {"Recursive", "MountOption"},
	"LoadBalancerIPMode":                       {"VIP", "Proxy"},
	"Signal":                                   {"SIGTERM", "SIGKILL", "SIGUSR1"},
	"Capability":                               {"NET_ADMIN", "CAP_SYS_ADMIN", "SYS_ADMIN"},
	"ImagePullPolicy":                          {"Always"},
}

// draw draws a value of a type as JSON would decode it.
func draw(t *rapid.T, typ reflect.Type, depth int) any {
	if list, ok := scalars[typ]; ok {
		return rapid.SampledFrom(list).Draw(t, "value")
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return draw(t, typ.Elem(), depth)
	case reflect.Bool:
		return rapid.Bool().Draw(t, "bool")
	case reflect.Int, reflect.Int32, reflect.Int64:
		return rapid.SampledFrom([]any{0.0, 1.0, -1.0, 2.0, 30.0, 80.0, 3600.0, 70000.0, 30001.0, 2e9}).Draw(t, "number")
	case reflect.String:
		return rapid.SampledFrom(wordsOf(typ)).Draw(t, "word")
	case reflect.Slice:
		list := []any{}
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			list = append(list, draw(t, typ.Elem(), depth-1))
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for range rapid.IntRange(0, 2).Draw(t, "size") {
			m[rapid.SampledFrom(keys).Draw(t, "key").(string)] = draw(t, typ.Elem(), depth-1)
		}
		return m
	case reflect.Struct:
		return drawStruct(t, typ, depth)
	}
	return nil
}

// drawStruct fills up to four fields; a deep one stays empty.
func drawStruct(t *rapid.T, typ reflect.Type, depth int) any {
	m := map[string]any{}
	fields := fieldsOf(typ)
	if depth <= 0 || len(fields) == 0 {
		return m
	}
	for range rapid.IntRange(0, 4).Draw(t, "fields") {
		f := rapid.SampledFrom(fields).Draw(t, "field")
		m[f.name] = draw(t, f.typ, depth-1)
	}
	return m
}

func wordsOf(typ reflect.Type) []any {
	if typ == reflect.TypeFor[corev1.ResourceName]() {
		return keys
	}
	if list, ok := names[typ.Name()]; ok {
		return append(append([]any{}, list...), words[:10]...)
	}
	return words
}
