package dns

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/apiserver/endpoint"
	"github.com/statefulsim/statefulsim/sim/state"
)

// Index is what the name service knows: Services, the ready endpoints of their
// slices, and the namespaces. Use NewIndex.
//
// Reading never changes an Index: one that nobody applies records to may be read
// by many at once.
type Index struct {
	cfg        Config
	services   map[apiserver.Key]*corev1.Service `state:"incidental" why:"follows from what was observed"`
	clusterIPs map[netip.Addr]apiserver.Key      `state:"incidental" why:"follows from what was observed"`
	namespaces map[string]bool                   `state:"incidental" why:"follows from what was observed"`
	populated  map[string]int                    `state:"incidental" why:"follows from what was observed"` // how many Services a namespace has

	// The lists below are replaced, never changed, so that a fork shares them.

	slices map[apiserver.Key][]*discoveryv1.EndpointSlice `state:"elements,incidental" why:"follows from what was observed"` // by Service, names ascending
	hosts  map[host][]string                              `state:"elements,incidental" why:"follows from what was observed"` // slices with that endpoint
	addrs  map[netip.Addr][]place                         `state:"elements,incidental" why:"follows from what was observed"` // slices with that address

	serial uint32 `state:"incidental" why:"it is shown"` // when it last changed, in seconds since 1970
}

// host is the name of an endpoint under a Service, in lower case.
type host struct {
	service apiserver.Key
	name    string
}

// place is a slice of a Service.
type place struct {
	service apiserver.Key
	slice   string
}

// NewIndex returns an empty index.
func NewIndex(cfg Config) *Index {
	return &Index{
		cfg:        cfg.defaulted(),
		services:   map[apiserver.Key]*corev1.Service{},
		clusterIPs: map[netip.Addr]apiserver.Key{},
		namespaces: map[string]bool{},
		populated:  map[string]int{},
		slices:     map[apiserver.Key][]*discoveryv1.EndpointSlice{},
		hosts:      map[host][]string{},
		addrs:      map[netip.Addr][]place{},
	}
}

// Fork returns an independent copy.
func (x *Index) Fork() *Index { return state.Copy(nil, x) }

// Config returns the configuration with its defaults filled in.
func (x *Index) Config() Config { return x.cfg }

// Apply takes in a watch record of a Service, an EndpointSlice or a Namespace;
// others are ignored. The cost is that of what changed.
func (x *Index) Apply(rec *apiserver.Record) {
	gone := rec.Type == watch.Deleted
	switch obj := rec.Object.(type) {
	case *corev1.Namespace:
		if gone {
			delete(x.namespaces, obj.Name)
		} else {
			x.namespaces[obj.Name] = true
		}
		return
	case *corev1.Service:
		if gone {
			obj = nil
		}
		x.setService(rec.Key, obj)
	case *discoveryv1.EndpointSlice:
		key := serviceKey(obj)
		if old, ok := rec.Old.(*discoveryv1.EndpointSlice); ok && serviceKey(old) != key {
			x.setSlice(serviceKey(old), rec.Key.Name, nil)
		}
		if gone {
			obj = nil
		}
		x.setSlice(key, rec.Key.Name, obj)
	default:
		return
	}
	x.serial = uint32(apiserver.WallTime(rec.Time).Unix())
}

func serviceKey(s *discoveryv1.EndpointSlice) apiserver.Key {
	return apiserver.Key{Namespace: s.Namespace, Name: s.Labels[discoveryv1.LabelServiceName]}
}

func (x *Index) setService(key apiserver.Key, next *corev1.Service) {
	if old := x.services[key]; old != nil {
		for _, ip := range clusterIPs(old) {
			if x.clusterIPs[ip] == key {
				delete(x.clusterIPs, ip)
			}
		}
		delete(x.services, key)
		if x.populated[key.Namespace]--; x.populated[key.Namespace] == 0 {
			delete(x.populated, key.Namespace)
		}
	}
	if next == nil {
		return
	}
	x.services[key] = next
	x.populated[key.Namespace]++
	for _, ip := range clusterIPs(next) {
		x.clusterIPs[ip] = key
	}
}

// clusterIPs lists a Service's own addresses. A headless one has none.
func clusterIPs(s *corev1.Service) []netip.Addr {
	list := s.Spec.ClusterIPs
	if len(list) == 0 {
		list = []string{s.Spec.ClusterIP}
	}
	var ips []netip.Addr
	for _, text := range list {
		if ip, err := netip.ParseAddr(text); err == nil {
			ips = append(ips, ip)
		}
	}
	return ips
}

// setSlice replaces a slice of a Service; nil takes it out.
func (x *Index) setSlice(key apiserver.Key, name string, next *discoveryv1.EndpointSlice) {
	list := x.slices[key]
	i, found := slices.BinarySearchFunc(list, name, func(s *discoveryv1.EndpointSlice, name string) int {
		return strings.Compare(s.Name, name)
	})
	var before, after []discoveryv1.Endpoint
	if found {
		before = list[i].Endpoints
	}
	list = slices.Clone(list)
	switch {
	case next == nil && !found:
		return
	case next == nil:
		list = slices.Delete(list, i, i+1)
	case found:
		list[i], after = next, next.Endpoints
	default:
		list, after = slices.Insert(list, i, next), next.Endpoints
	}
	if len(list) == 0 {
		delete(x.slices, key)
	} else {
		x.slices[key] = list
	}
	gone, come := endpoint.Changed(before, after)
	for _, i := range gone {
		x.name(key, name, &before[i], drop)
	}
	for _, i := range come {
		x.name(key, name, &after[i], add)
	}
}

// name indexes an endpoint of a slice under its names and addresses, or takes it
// out, as edit says.
func (x *Index) name(key apiserver.Key, slice string, ep *discoveryv1.Endpoint, edit edit) {
	if !isReady(ep) {
		return
	}
	for _, text := range ep.Addresses {
		h := host{key, strings.ToLower(hostname(ep, text))}
		change(x.hosts, h, slice, edit)
		if ip, err := netip.ParseAddr(text); err == nil {
			change(x.addrs, ip, place{key, slice}, edit)
		}
	}
}

type edit bool

const (
	add  edit = true
	drop edit = false
)

// change adds a value to a list of the map or drops one that is equal to it.
// Lists may hold a value more than once.
func change[K, V comparable](m map[K][]V, k K, v V, edit edit) {
	list := m[k]
	if edit == add {
		m[k] = append(slices.Clip(list), v)
		return
	}
	i := slices.Index(list, v)
	switch {
	case i >= 0 && len(list) > 1:
		m[k] = slices.Delete(slices.Clone(list), i, i+1)
	case i >= 0:
		delete(m, k)
	}
}

// isReady is what D1 comes down to here: an unknown state counts as ready.
func isReady(ep *discoveryv1.Endpoint) bool {
	return ep.Conditions.Ready == nil || *ep.Conditions.Ready
}

// hostname is the name of one address of an endpoint: its hostname, else the
// address with dashes (D3).
func hostname(ep *discoveryv1.Endpoint, address string) string {
	if ep.Hostname != nil && *ep.Hostname != "" {
		return *ep.Hostname
	}
	dashed := strings.NewReplacer(".", "-", ":", "-").Replace(address)
	if strings.HasSuffix(dashed, "-") {
		dashed += "0" // a label must not end in a dash: fd00:: is fd00--0
	}
	return dashed
}

// exists reports whether a namespace does.
func (x *Index) exists(namespace string) bool {
	return x.namespaces[namespace] || x.populated[namespace] > 0
}
