package registry

import (
	"errors"
	"net"
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	api "k8s.io/kubernetes/pkg/apis/core"
	kubeletclient "k8s.io/kubernetes/pkg/kubelet/client"
	controllerrevision "k8s.io/kubernetes/pkg/registry/apps/controllerrevision/storage"
	statefulset "k8s.io/kubernetes/pkg/registry/apps/statefulset/storage"
	configmap "k8s.io/kubernetes/pkg/registry/core/configmap/storage"
	event "k8s.io/kubernetes/pkg/registry/core/event/storage"
	limitrange "k8s.io/kubernetes/pkg/registry/core/limitrange/storage"
	namespace "k8s.io/kubernetes/pkg/registry/core/namespace/storage"
	node "k8s.io/kubernetes/pkg/registry/core/node/storage"
	persistentvolume "k8s.io/kubernetes/pkg/registry/core/persistentvolume/storage"
	persistentvolumeclaim "k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim/storage"
	pod "k8s.io/kubernetes/pkg/registry/core/pod/storage"
	secret "k8s.io/kubernetes/pkg/registry/core/secret/storage"
	"k8s.io/kubernetes/pkg/registry/core/service/ipallocator"
	"k8s.io/kubernetes/pkg/registry/core/service/portallocator"
	service "k8s.io/kubernetes/pkg/registry/core/service/storage"
	serviceaccount "k8s.io/kubernetes/pkg/registry/core/serviceaccount/storage"
	endpointslice "k8s.io/kubernetes/pkg/registry/discovery/endpointslice/storage"
	runtimeclass "k8s.io/kubernetes/pkg/registry/node/runtimeclass/storage"
	budget "k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget/storage"
	priorityclass "k8s.io/kubernetes/pkg/registry/scheduling/priorityclass/storage"
	storageclass "k8s.io/kubernetes/pkg/registry/storage/storageclass/storage"
)

type resources = map[string]rest.Storage

// stores are the registries of all kinds with behaviour, and of ConfigMaps and
// Secrets, as storage_*.go in pkg/registry/*/rest put them together.
func (u *upstream) stores() (map[schema.GroupVersion]resources, error) {
	core, err := u.coreStores()
	if err != nil {
		return nil, err
	}
	sets, err1 := statefulset.NewStorage(u)
	revisions, err2 := controllerrevision.NewREST(u)
	classes, err3 := storageclass.NewREST(u)
	budgets, budgetStatus, err4 := budget.NewREST(u)
	priorities, err5 := priorityclass.NewREST(u)
	slices, err6 := endpointslice.NewREST(u)
	runtimes, err7 := runtimeclass.NewREST(u)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		return nil, err
	}
	for _, s := range []*genericregistry.Store{sets.StatefulSet.Store, revisions.Store, classes.Store, budgets.Store, priorities.Store, slices.Store} {
		u.named(s)
	}
	return map[schema.GroupVersion]resources{
		corev1.SchemeGroupVersion: core,
		appsv1.SchemeGroupVersion: {
			"statefulsets": sets.StatefulSet, "statefulsets/status": sets.Status, "statefulsets/scale": sets.Scale,
			"controllerrevisions": revisions,
		},
		storagev1.SchemeGroupVersion:    {"storageclasses": classes},
		policyv1.SchemeGroupVersion:     {"poddisruptionbudgets": budgets, "poddisruptionbudgets/status": budgetStatus},
		schedulingv1.SchemeGroupVersion: {"priorityclasses": priorities},
		discoveryv1.SchemeGroupVersion:  {"endpointslices": slices},
		nodev1.SchemeGroupVersion:       {"runtimeclasses": runtimes},
	}, nil
}

func (u *upstream) coreStores() (resources, error) {
	nodes, err1 := node.NewStorage(u, kubeletclient.KubeletClientConfig{Port: 10250, PreferredAddressTypes: []string{"Hostname"}}, nil)
	if err1 != nil {
		return nil, err1
	}
	pods, err1 := pod.NewStorage(u, nodes.KubeletConnectionInfo, nil, budgetClient{u: u}, nil)
	claims, claimStatus, err2 := persistentvolumeclaim.NewREST(u)
	volumes, volumeStatus, err3 := persistentvolume.NewREST(u)
	namespaces, namespaceStatus, namespaceFinalize, err4 := namespace.NewREST(u)
	configs, err5 := configmap.NewREST(u)
	secrets, err6 := secret.NewREST(u)
	events, err7 := event.NewREST(u, 3600)
	accounts, err8 := serviceaccount.NewREST(u, nil, nil, nil, 0, nil, nil, nil, nil, nil, false, 0)
	limits, err9 := limitrange.NewREST(u)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9); err != nil {
		return nil, err
	}
	services, serviceStatus, _, err := service.NewREST(u, api.IPv4Protocol, map[api.IPFamily]ipallocator.Interface{api.IPv4Protocol: hintedIPs{u}}, hintedPorts{u}, nil, pods.Pod, nil)
	if err != nil {
		return nil, err
	}
	for _, s := range []*genericregistry.Store{nodes.Node.Store, pods.Pod.Store, claims.Store, volumes.Store, configs.Store, secrets.Store, events.Store, services.Store} {
		u.named(s)
	}
	u.named(storeIn(namespaces))
	return resources{
		"nodes": nodes.Node, "nodes/status": nodes.Status,
		"pods": pods.Pod, "pods/status": pods.Status, "pods/binding": pods.Binding, "pods/eviction": pods.Eviction,
		"persistentvolumeclaims": claims, "persistentvolumeclaims/status": claimStatus,
		"persistentvolumes": volumes, "persistentvolumes/status": volumeStatus,
		"namespaces": namespaces, "namespaces/status": namespaceStatus, "namespaces/finalize": namespaceFinalize,
		"serviceaccounts": accounts, "limitranges": limits,
		"configmaps": configs, "secrets": secrets, "events": events,
		"services": services, "services/status": serviceStatus,
	}, nil
}

// storeIn returns the store that a registry for namespaces keeps to itself.
func storeIn(r *namespace.REST) *genericregistry.Store {
	return *(**genericregistry.Store)(reflect.ValueOf(r).Elem().FieldByName("store").Addr().UnsafePointer())
}

// allocators give Services what ours has given. They are new for every
// sequence.
type allocators struct {
	ips   ipallocator.Interface
	ports portallocator.Interface
}

func newAllocators() allocators {
	_, cidr, err := net.ParseCIDR("10.96.0.0/12")
	if err != nil {
		panic(err)
	}
	ips, err := ipallocator.NewInMemory(cidr)
	if err != nil {
		panic(err)
	}
	ports, err := portallocator.NewInMemory(utilnet.PortRange{Base: 30000, Size: 2768})
	if err != nil {
		panic(err)
	}
	return allocators{ips, ports}
}

// hintedIPs are the addresses of the sequence.
type hintedIPs struct{ u *upstream }

func (h hintedIPs) Allocate(ip net.IP) error      { return h.u.allocators.ips.Allocate(ip) }
func (h hintedIPs) Release(ip net.IP) error       { return h.u.allocators.ips.Release(ip) }
func (h hintedIPs) ForEach(f func(net.IP))        { h.u.allocators.ips.ForEach(f) }
func (h hintedIPs) CIDR() net.IPNet               { return h.u.allocators.ips.CIDR() }
func (h hintedIPs) IPFamily() api.IPFamily        { return h.u.allocators.ips.IPFamily() }
func (h hintedIPs) Has(ip net.IP) bool            { return h.u.allocators.ips.Has(ip) }
func (h hintedIPs) Destroy()                      {}
func (h hintedIPs) EnableMetrics()                {}
func (h hintedIPs) DryRun() ipallocator.Interface { return h.u.allocators.ips.DryRun() }

func (h hintedIPs) AllocateNext() (net.IP, error) {
	for _, ip := range h.u.hints.ips {
		if h.Allocate(ip) == nil {
			return ip, nil
		}
	}
	return h.u.allocators.ips.AllocateNext()
}

// hintedPorts are its node ports.
type hintedPorts struct{ u *upstream }

func (h hintedPorts) Allocate(p int) error { return h.u.allocators.ports.Allocate(p) }
func (h hintedPorts) Release(p int) error  { return h.u.allocators.ports.Release(p) }
func (h hintedPorts) ForEach(f func(int))  { h.u.allocators.ports.ForEach(f) }
func (h hintedPorts) Has(p int) bool       { return h.u.allocators.ports.Has(p) }
func (h hintedPorts) Destroy()             {}
func (h hintedPorts) EnableMetrics()       {}

func (h hintedPorts) AllocateNext() (int, error) {
	for _, p := range h.u.hints.ports {
		if h.Allocate(p) == nil {
			return p, nil
		}
	}
	return h.u.allocators.ports.AllocateNext()
}
