package dns

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// HostEntry is a line of a hosts file.
type HostEntry struct {
	Addr  netip.Addr
	Names []string
}

// localHosts is the part of the file that all pods have in common.
const localHosts = `127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
fe00::0	ip6-mcastprefix
fe00::1	ip6-allnodes
fe00::2	ip6-allrouters
`

// HostsOf returns the /etc/hosts that the kubelet writes for a pod: the local
// names, the pod's own names under each of its addresses (D9), and its
// hostAliases. A pod on the host's network sees the node's file, which names the
// node.
func HostsOf(pod *corev1.Pod, cfg Config) []HostEntry {
	entries := []HostEntry{
		{netip.MustParseAddr("127.0.0.1"), []string{"localhost"}},
		{netip.MustParseAddr("::1"), []string{"localhost", "ip6-localhost", "ip6-loopback"}},
		{netip.MustParseAddr("fe00::"), []string{"ip6-localnet", "ip6-mcastprefix"}},
		{netip.MustParseAddr("fe00::1"), []string{"ip6-allnodes"}},
		{netip.MustParseAddr("fe00::2"), []string{"ip6-allrouters"}},
	}
	return append(append(entries, ownHosts(pod, cfg)...), aliasHosts(pod)...)
}

// ownHosts lists the pod's own names under each of its addresses.
func ownHosts(pod *corev1.Pod, cfg Config) []HostEntry {
	names := []string{pod.Spec.NodeName}
	if !pod.Spec.HostNetwork {
		hostname, domain := HostnameOf(pod, cfg)
		names = []string{hostname}
		if domain != "" {
			names = []string{hostname + "." + domain, hostname}
		}
	}
	var entries []HostEntry
	for _, ip := range addressesOf(pod) {
		entries = append(entries, HostEntry{ip, names})
	}
	return entries
}

func aliasHosts(pod *corev1.Pod) []HostEntry {
	var entries []HostEntry
	for _, alias := range pod.Spec.HostAliases {
		if ip, err := netip.ParseAddr(alias.IP); err == nil {
			entries = append(entries, HostEntry{ip, alias.Hostnames})
		}
	}
	return entries
}

// HostnameOf returns a pod's hostname and the domain below which it is found, or
// "" without a subdomain (GeneratePodHostNameAndDomain).
func HostnameOf(pod *corev1.Pod, cfg Config) (hostname, domain string) {
	const maxHostname = 63
	hostname = pod.Name
	if pod.Spec.Hostname != "" {
		hostname = pod.Spec.Hostname
	}
	if len(hostname) > maxHostname {
		hostname = strings.TrimRight(hostname[:maxHostname], "-.")
	}
	if pod.Spec.Subdomain != "" {
		domain = pod.Spec.Subdomain + "." + pod.Namespace + ".svc." + cfg.defaulted().domain()
	}
	return hostname, domain
}

// addressesOf lists a pod's addresses, the primary one first.
func addressesOf(pod *corev1.Pod) []netip.Addr {
	var list []netip.Addr
	for _, p := range pod.Status.PodIPs {
		if ip, err := netip.ParseAddr(p.IP); err == nil {
			list = append(list, ip)
		}
	}
	if len(list) == 0 {
		if ip, err := netip.ParseAddr(pod.Status.PodIP); err == nil {
			list = append(list, ip)
		}
	}
	return list
}

// HostsFile returns the text of HostsOf as the kubelet writes it
// (managedHostsFileContent).
func HostsFile(pod *corev1.Pod, cfg Config) string {
	var b strings.Builder
	b.WriteString("# Kubernetes-managed hosts file")
	if pod.Spec.HostNetwork {
		b.WriteString(" (host network)")
	}
	b.WriteString(".\n" + localHosts)
	own := ownHosts(pod, cfg)
	for i, e := range append(own, aliasHosts(pod)...) {
		if i == len(own) {
			b.WriteString("\n# Entries added by HostAliases.\n")
		}
		b.WriteString(e.Addr.String() + "\t" + strings.Join(e.Names, "\t") + "\n")
	}
	return b.String()
}
