package dns

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// target is one thing that a name leads to: an address, or the external name of
// a Service.
type target struct {
	addr     netip.Addr
	external string // if there is no addr
	name     string // of the address itself, below the zone: "web-0.web.default.svc"
	port     int    // noPort if the Service or endpoint declares none
}

const noPort = -1

// find looks a name below the zone up. It returns false if the name does not
// exist; a name that exists may have no targets (D4).
func (x *Index) find(base string) ([]target, bool) {
	q, ok := parseQuery(base)
	if !ok {
		return nil, false
	}
	if q.namespace == "" {
		return nil, true // the zone itself, svc or pod
	}
	if !x.exists(q.namespace) {
		return nil, false
	}
	if q.kind == "pod" {
		return x.findPod(q)
	}
	if q.service == "" {
		return nil, true // a namespace
	}
	key := apiserver.Key{Namespace: q.namespace, Name: q.service}
	service := x.services[key]
	if service == nil {
		return nil, false
	}
	below := key.Name + "." + key.Namespace + ".svc"
	switch {
	case service.Spec.Type == corev1.ServiceTypeExternalName:
		if q.endpoint != "" || q.port != "" || q.protocol != "" {
			return nil, false
		}
		return []target{{external: service.Spec.ExternalName, name: below}}, true
	case isHeadless(service) || q.endpoint != "":
		return x.findEndpoints(q, key, below)
	}
	return findPorts(q, service, below)
}

func isHeadless(s *corev1.Service) bool {
	return s.Spec.ClusterIP == corev1.ClusterIPNone || len(s.Spec.ClusterIPs) > 0 && s.Spec.ClusterIPs[0] == corev1.ClusterIPNone
}

// findPorts lists the cluster IPs of a Service, once for each port that was
// asked for. A Service without that port has no such name.
func findPorts(q query, service *corev1.Service, below string) ([]target, bool) {
	var list []target
	for i := range service.Spec.Ports {
		p := &service.Spec.Ports[i]
		if !q.isPort(p.Name, string(p.Protocol)) {
			continue
		}
		for _, ip := range clusterIPs(service) {
			list = append(list, target{addr: ip, name: below, port: int(p.Port)})
		}
	}
	return list, len(list) > 0
}

// findEndpoints lists the ready endpoints of a Service, once for each port that
// was asked for (D1, D3). Without any there is no such name (D4).
func (x *Index) findEndpoints(q query, key apiserver.Key, below string) ([]target, bool) {
	var list []target
	for _, s := range x.slicesOf(key, q.endpoint) {
		for i := range s.Endpoints {
			if ep := &s.Endpoints[i]; isReady(ep) {
				list = appendEndpoint(list, q, s.Ports, ep, below)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b target) int {
		return cmp.Or(a.addr.Compare(b.addr), strings.Compare(a.name, b.name), cmp.Compare(a.port, b.port))
	})
	return list, len(list) > 0
}

// slicesOf lists the slices of a Service that may hold an endpoint with a name,
// or all of them for an empty one.
func (x *Index) slicesOf(key apiserver.Key, endpoint string) []*discoveryv1.EndpointSlice {
	all := x.slices[key]
	if endpoint == "" {
		return all
	}
	names := x.hosts[host{key, endpoint}]
	if len(names) == 0 {
		return nil
	}
	var list []*discoveryv1.EndpointSlice
	for _, s := range all {
		if slices.Contains(names, s.Name) {
			list = append(list, s)
		}
	}
	return list
}

func appendEndpoint(list []target, q query, ports []discoveryv1.EndpointPort, ep *discoveryv1.Endpoint, below string) []target {
	for _, text := range ep.Addresses {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			continue // an FQDN slice: the plugin serves addresses alone
		}
		name := hostname(ep, text)
		if q.endpoint != "" && !strings.EqualFold(q.endpoint, name) {
			continue
		}
		t := target{addr: ip, name: name + "." + below, port: noPort}
		if len(ports) == 0 && q.isPort("", "") {
			list = append(list, t)
		}
		for i := range ports {
			if q.isPort(value(ports[i].Name), string(value(ports[i].Protocol))) {
				t.port = int(value(ports[i].Port))
				list = append(list, t)
			}
		}
	}
	return list
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// findPod reads the address out of the name of a pod and believes it.
func (x *Index) findPod(q query) ([]target, bool) {
	switch {
	case x.cfg.NoPodNames:
		return nil, false
	case q.service == "":
		return nil, true
	}
	text := strings.ReplaceAll(q.service, "-", ":")
	if strings.Count(q.service, "-") == 3 && !strings.Contains(q.service, "--") {
		text = strings.ReplaceAll(q.service, "-", ".")
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return nil, false
	}
	return []target{{addr: ip, name: q.service + "." + q.namespace + ".pod", port: noPort}}, true
}

// findNames lists the names of an address, below the zone (D6): that of the
// Service with this cluster IP, else those of all ready endpoints.
func (x *Index) findNames(ip netip.Addr) []string {
	if key, ok := x.clusterIPs[ip]; ok {
		return []string{key.Name + "." + key.Namespace + ".svc"}
	}
	var names []string
	for _, at := range x.addrs[ip] {
		for _, s := range x.slices[at.service] {
			if s.Name != at.slice {
				continue
			}
			for i := range s.Endpoints {
				if ep := &s.Endpoints[i]; isReady(ep) && slices.Contains(ep.Addresses, ip.String()) {
					names = append(names, hostname(ep, ip.String())+"."+at.service.Name+"."+at.service.Namespace+".svc")
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
