package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
)

// nodeObject returns the Node as its kubelet registers it (initialNode and
// defaultNodeStatusFuncs), ready, with what the control plane adds to it at once:
// the pod CIDR and the annotation of the TTL controller.
func nodeObject(n Node, now engine.Time) *corev1.Node {
	labels := map[string]string{
		corev1.LabelHostname: n.Name,
		corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
		"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64",
	}
	for k, v := range n.Labels { // a map from a map
		labels[k] = v
	}
	stamp := apiserver.Stamp(now)
	condition := func(t corev1.NodeConditionType, s corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{Type: t, Status: s, Reason: reason, Message: message, LastHeartbeatTime: stamp, LastTransitionTime: stamp}
	}
	capacity := n.capacity()
	yes := true
	features := &corev1.NodeRuntimeHandlerFeatures{RecursiveReadOnlyMounts: &yes, UserNamespaces: &yes}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: labels, Annotations: map[string]string{
			"node.alpha.kubernetes.io/ttl":                           "0",
			"volumes.kubernetes.io/controller-managed-attach-detach": "true",
		}},
		Spec: corev1.NodeSpec{PodCIDR: n.PodCIDR, PodCIDRs: []string{n.PodCIDR}, Taints: n.Taints},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: allocatable(capacity),
			Conditions: []corev1.NodeCondition{
				condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
				condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
				condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
				condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"),
			},
			Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: n.Address}, {Type: corev1.NodeHostName, Address: n.Name}},
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: 10250}},
			NodeInfo: corev1.NodeSystemInfo{
				MachineID: identity(n.Name, "machine"), SystemUUID: dashed(identity(n.Name, "system")), BootID: dashed(identity(n.Name, "boot")),
				KubeletVersion: KubernetesVersion, OperatingSystem: "linux", Architecture: "amd64",
				ContainerRuntimeVersion: "containerd://2.2.0", OSImage: "statefulsim", KernelVersion: "6.12.0-statefulsim",
			},
			RuntimeHandlers: []corev1.NodeRuntimeHandler{{Features: features}, {Name: "runc", Features: features}},
			Features:        &corev1.NodeFeatures{SupplementalGroupsPolicy: &yes},
			DeclaredFeatures: []string{
				"ExtendWebSocketsToKubelet", "InPlacePodLevelResourcesVerticalScaling",
				"InPlacePodVerticalScalingInitContainers", "RestartAllContainersOnContainerExits",
			},
		},
	}
}

// csiNodeOf returns the CSINode of a machine that takes so many volumes.
func csiNodeOf(n Node) *storagev1.CSINode {
	obj := &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: n.Name}}
	for _, driver := range slices.Sorted(maps.Keys(n.VolumeLimits)) {
		count := n.VolumeLimits[driver]
		obj.Spec.Drivers = append(obj.Spec.Drivers, storagev1.CSINodeDriver{Name: driver, NodeID: n.Name, Allocatable: &storagev1.VolumeNodeResources{Count: &count}})
	}
	return obj
}

// capacity is what a machine has.
func (n Node) capacity() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:                     resource.MustParse(n.CPU),
		corev1.ResourceMemory:                  resource.MustParse(n.Memory),
		corev1.ResourceEphemeralStorage:        resource.MustParse(n.EphemeralStorage),
		corev1.ResourcePods:                    *resource.NewQuantity(n.Pods, resource.DecimalSI),
		corev1.ResourceHugePagesPrefix + "1Gi": *resource.NewQuantity(0, resource.DecimalSI),
		corev1.ResourceHugePagesPrefix + "2Mi": *resource.NewQuantity(0, resource.DecimalSI),
	}
}

// allocatable is what a machine has for pods (MachineInfo). Of the kubelet's
// default thresholds of eviction that of the disk is set aside, 10 % of it.
// Deviation: that of the memory, 100Mi, is not, so that Node.Memory is for pods.
func allocatable(capacity corev1.ResourceList) corev1.ResourceList {
	list := capacity.DeepCopy()
	disk := capacity[corev1.ResourceEphemeralStorage]
	list[corev1.ResourceEphemeralStorage] = *resource.NewQuantity(disk.Value()-int64(float64(disk.Value())*0.1), resource.BinarySI)
	return list
}

// identity is a machine's own number, 32 hexadecimal digits.
func identity(node, what string) string {
	sum := sha256.Sum256([]byte(what + "/" + node))
	return hex.EncodeToString(sum[:16])
}

// dashed writes such a number as a UUID.
func dashed(id string) string {
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}
