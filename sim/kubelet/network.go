package kubelet

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/state"
)

// hostnet is what a node tells its pods about the network.
type hostnet struct {
	_                   state.Immutable
	hostIP, domain, dns string
}

// network returns what the node tells its pods; they share it.
func (k *Kubelet) network() *hostnet {
	if ip := k.hostIP(); k.net == nil || k.net.hostIP != ip {
		k.net = &hostnet{hostIP: ip, domain: k.cfg.ClusterDomain, dns: k.cfg.ClusterDNS}
	}
	return k.net
}

// HTTP asks whoever listens at an address at a time, as curl would, and gives
// curl's words if nobody answers.
func (w *World) HTTP(now engine.Time, ip string, port int, path string) (HTTPResponse, error) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return HTTPResponse{}, fmt.Errorf("curl: (6) Could not resolve host: %s", ip)
	}
	r := w.byIP[addr]
	if r == nil {
		return HTTPResponse{}, fmt.Errorf("curl: (7) Failed to connect to %s port %d: No route to host", ip, port)
	}
	for i := range r.procs {
		p := &r.procs[i]
		load := w.workload(p.spec.Image)
		if load.HTTP != nil && !load.TLS && now.Sub(p.since) >= load.StartAfter && listens(p.spec, port) {
			return w.ask(now, r, p, &load, HTTPRequest{Path: path, Port: port, Scheme: "http", Host: ip}), nil
		}
	}
	return HTTPResponse{}, fmt.Errorf("curl: (7) Failed to connect to %s port %d: Connection refused", ip, port)
}

// ask puts a request to a process.
func (w *World) ask(now engine.Time, r *room, p *process, load *Workload, req HTTPRequest) HTTPResponse {
	if req.Path == "" {
		req.Path = "/"
	}
	req.Method, req.Age, req.Files = "GET", now.Sub(p.since), w.filesOf(r, p)
	res := load.HTTP(req)
	if res.Status == 0 {
		res.Status = 200
	}
	return res
}

func listens(c *corev1.Container, port int) bool {
	for i := range c.Ports {
		if int(c.Ports[i].ContainerPort) == port {
			return true
		}
	}
	return len(c.Ports) == 0
}

// Hosts returns /etc/hosts of a running pod (D9), or "".
func (w *World) Hosts(pod apiserver.Key) string {
	if r := w.latest(pod); r != nil {
		return r.hosts()
	}
	return ""
}

// ResolvConf returns /etc/resolv.conf of a running pod (D9), or "".
func (w *World) ResolvConf(pod apiserver.Key) string {
	if r := w.latest(pod); r != nil {
		return r.resolvConf()
	}
	return ""
}

// hosts is what the kubelet writes (managedHostsFileContent).
func (r *room) hosts() string {
	var b strings.Builder
	b.WriteString("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n" +
		"::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\n" +
		"fe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n")
	if r.ip.IsValid() {
		name := r.pod.hostname
		if fqdn := r.fqdn(); fqdn != "" {
			fmt.Fprintf(&b, "%s\t%s\t%s\n", r.ip, fqdn, name)
		} else {
			fmt.Fprintf(&b, "%s\t%s\n", r.ip, name)
		}
	}
	if len(r.pod.aliases) > 0 {
		b.WriteString("\n# Entries added by HostAliases.\n")
		for _, a := range r.pod.aliases {
			fmt.Fprintf(&b, "%s\t%s\n", a.IP, strings.Join(a.Hostnames, "\t"))
		}
	}
	return b.String()
}

// fqdn is the pod's own name under its governing Service, or "".
func (r *room) fqdn() string {
	if r.pod.subdomain == "" {
		return ""
	}
	return r.pod.hostname + "." + r.pod.subdomain + "." + r.pod.Namespace + ".svc." + r.net.domain
}

// resolvConf is the pod's resolver configuration (dns.Configurer.GetPodDNS).
// Deviation: policy Default gives the cluster's server without search domains,
// as there is no host file.
func (r *room) resolvConf() string {
	var search, servers, options []string
	pod := &r.pod
	policy := pod.dnsPolicy
	if policy == "" {
		policy = corev1.DNSClusterFirst
	}
	if policy == corev1.DNSClusterFirstWithHostNet || policy == corev1.DNSClusterFirst && !pod.hostNetwork {
		search = []string{pod.Namespace + ".svc." + r.net.domain, "svc." + r.net.domain, r.net.domain}
		options = []string{"ndots:5"}
	}
	if policy != corev1.DNSNone {
		servers = []string{r.net.dns}
	}
	if c := pod.dnsConfig; c != nil {
		servers = append(servers, c.Nameservers...)
		search = append(search, c.Searches...)
		for _, o := range c.Options {
			s := o.Name
			if o.Value != nil {
				s += ":" + *o.Value
			}
			options = append(options, s)
		}
	}
	var b strings.Builder
	if len(search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(search, " "))
	}
	for _, s := range servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	if len(options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(options, " "))
	}
	return b.String()
}

// hostname is the name that a pod has for itself.
func hostname(pod *corev1.Pod) string {
	if pod.Spec.Hostname != "" {
		return pod.Spec.Hostname
	}
	if len(pod.Name) > 63 {
		return strings.TrimRight(pod.Name[:63], "-.")
	}
	return pod.Name
}
