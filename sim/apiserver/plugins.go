package apiserver

import (
	"fmt"
	"slices"
)

// plugin is an admission plugin that acts here.
type plugin uint8

// The plugins, in the order in which they are asked.
const (
	namespaceLifecycle plugin = iota
	limitRanger
	serviceAccount
	podSecurity
	priority
	defaultTolerationSeconds
	defaultStorageClass
	storageObjectInUseProtection
	persistentVolumeClaimResize
	runtimeClass
	certificateSubjectRestriction
	defaultIngressClass
	podTopologyLabels
	resourceQuota
	taintNodesByCondition
)

// pluginSet is a set of plugins.
type pluginSet uint64

func (s pluginSet) has(p plugin) bool { return s>>p&1 == 1 }

// pluginNames are all plugins that kube-apiserver knows, in the order in which
// they are asked (pkg/kubeapiserver/options, AllOrderedPlugins), and which of ours
// each is, if it acts here.
var pluginNames = []struct {
	name string
	ours plugin
	acts bool
}{
	{name: "AlwaysAdmit"},
	{name: "NamespaceAutoProvision"},
	{"NamespaceLifecycle", namespaceLifecycle, true},
	{name: "NamespaceExists"},
	{name: "LimitPodHardAntiAffinityTopology"},
	{"LimitRanger", limitRanger, true},
	{"ServiceAccount", serviceAccount, true},
	{name: "NodeRestriction"},
	{"TaintNodesByCondition", taintNodesByCondition, true},
	{name: "AlwaysPullImages"},
	{name: "ImagePolicyWebhook"},
	{"PodSecurity", podSecurity, true},
	{name: "PodNodeSelector"},
	{"Priority", priority, true},
	{"DefaultTolerationSeconds", defaultTolerationSeconds, true},
	{name: "PodTolerationRestriction"},
	{name: "EventRateLimit"},
	{name: "ExtendedResourceToleration"},
	{"DefaultStorageClass", defaultStorageClass, true},
	{"StorageObjectInUseProtection", storageObjectInUseProtection, true},
	{name: "PodGroupProtection"},
	{name: "OwnerReferencesPermissionEnforcement"},
	{"PersistentVolumeClaimResize", persistentVolumeClaimResize, true},
	{"RuntimeClass", runtimeClass, true},
	{name: "CertificateApproval"},
	{name: "CertificateSigning"},
	{name: "ClusterTrustBundleAttest"},
	{"CertificateSubjectRestriction", certificateSubjectRestriction, true},
	{"DefaultIngressClass", defaultIngressClass, true},
	{name: "DenyServiceExternalIPs"},
	{"PodTopologyLabels", podTopologyLabels, true},
	{name: "NodeDeclaredFeatureValidator"},
	{name: "PodResizeValidator"},
	{name: "MutatingAdmissionPolicy"},
	{name: "MutatingAdmissionWebhook"},
	{name: "ValidatingAdmissionPolicy"},
	{name: "ValidatingAdmissionWebhook"},
	{"ResourceQuota", resourceQuota, true},
	{name: "AlwaysDeny"},
}

// AdmissionPlugins returns the names that Config.DisableAdmissionPlugins may
// have: all that kube-apiserver knows, whether they act here or not.
func AdmissionPlugins() []string {
	names := make([]string, len(pluginNames))
	for i := range pluginNames {
		names[i] = pluginNames[i].name
	}
	return names
}

// CheckPlugins refuses names that are no plugin's, in kube-apiserver's words
// (AdmissionOptions.Validate).
func CheckPlugins(names []string) error {
	known := AdmissionPlugins()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("disable-admission-plugins plugin %q is unknown", name)
		}
	}
	return nil
}

// pluginsNamed is the set of the plugins with some names.
func pluginsNamed(names []string) (set pluginSet) {
	if err := CheckPlugins(names); err != nil {
		panic("apiserver: Config.DisableAdmissionPlugins: " + err.Error())
	}
	for _, p := range pluginNames {
		if p.acts && slices.Contains(names, p.name) {
			set |= 1 << p.ours
		}
	}
	return set
}
