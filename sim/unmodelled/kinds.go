package unmodelled

import (
	"strings"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// Role is what a kind that no controller acts on would do.
type Role uint8

// The roles.
const (
	// Acted: controllers act on the kind.
	Acted Role = iota
	// Read: nothing acts on objects of the kind in a real cluster either; they
	// are read, as ConfigMaps are.
	Read
	// Runs: it makes pods, or changes those of others.
	Runs
	// Decides: it takes part in what others may do, or in what becomes of them.
	Decides
	// Quiet: nothing of what is simulated depends on it.
	Quiet
)

// kinds says what would be done about the kinds that are only stored. A kind that
// is missing here is acted on.
var kinds = []struct {
	group, names string
	role         Role
	why          string
}{
	{"", "Secret PodTemplate", Read, "pods read it"},
	{"", "ReplicationController", Runs, "its controller creates pods"},
	{"", "LimitRange", Read, "what is created is held to it"},
	{"networking.k8s.io", "NetworkPolicy", Decides, "it cuts connections between pods"},
	{"networking.k8s.io", "Ingress", Decides, "a proxy takes requests from outside to Services"},
	{"networking.k8s.io", "ServiceCIDR IPAddress", Decides, "it says which addresses Services get"},
	{"admissionregistration.k8s.io", "MutatingWebhookConfiguration ValidatingWebhookConfiguration", Decides, "its webhooks are asked about what is written, change it or refuse it"},
	{"admissionregistration.k8s.io", "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding", Decides, "it refuses or changes what is written"},
	{"node.k8s.io", "RuntimeClass", Read, "what is created is held to it"},
	{"resource.k8s.io", "DeviceClass DeviceTaintRule ResourceClaim ResourceClaimTemplate ResourceSlice", Decides, "pods that claim devices are placed and started by it"},
	{"storage.k8s.io", "CSIStorageCapacity", Decides, "it says where there is room for a new volume"},
	{"storage.k8s.io", "VolumeAttributesClass", Decides, "a driver changes the volumes of claims that name it"},
	{"certificates.k8s.io", "CertificateSigningRequest PodCertificateRequest ClusterTrustBundle", Decides, "a signer issues its certificate"},
	{"rbac.authorization.k8s.io", "Role RoleBinding ClusterRole ClusterRoleBinding", Quiet, "everybody may do everything: containers run no program that asks the API"},
	{"apiextensions.k8s.io", "CustomResourceDefinition", Decides, "its custom resources are served"},
	{"apiregistration.k8s.io", "APIService", Decides, "requests for its group go to another server"},
	{"storagemigration.k8s.io", "StorageVersionMigration", Quiet, "it rewrites what is stored as it is"},
	{"", "Endpoints", Quiet, "EndpointSlices are what is answered from"},
	{"flowcontrol.apiserver.k8s.io", "FlowSchema PriorityLevelConfiguration", Quiet, "no request waits for another"},
	{"networking.k8s.io", "IngressClass", Quiet, "it says who acts on an Ingress, and nobody does"},
}

// About returns what a real cluster would do about a kind, and its role.
func About(kind apiserver.Kind) (Role, string) {
	return about(kind.GroupVersionKind().Group, kind.GroupVersionKind().Kind)
}

type groupKind struct{ group, kind string }

var byGroupKind = func() map[groupKind]int {
	m := map[groupKind]int{}
	for i := range kinds {
		for _, name := range strings.Fields(kinds[i].names) {
			m[groupKind{kinds[i].group, name}] = i
		}
	}
	return m
}()

func about(group, kind string) (Role, string) {
	i, ok := byGroupKind[groupKind{group, kind}]
	if !ok {
		return Acted, ""
	}
	return kinds[i].role, kinds[i].why
}
