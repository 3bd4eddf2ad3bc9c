package dns

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// ResolvConf is a resolv.conf.
type ResolvConf struct {
	Nameservers []string
	Search      []string
	Options     []string // "ndots:5"
}

// Limits that the kubelet holds a pod's resolv.conf to.
const (
	maxNameservers = 3
	maxSearches    = 32
)

// ResolvConfOf returns the resolv.conf that the kubelet writes for a pod (D9).
// The node's own, which is what dnsPolicy Default and pods on the host's network
// get, is given by the caller.
func ResolvConfOf(pod *corev1.Pod, cfg Config, node ResolvConf) ResolvConf {
	cfg = cfg.defaulted()
	var rc ResolvConf
	switch policy := pod.Spec.DNSPolicy; {
	case policy == corev1.DNSNone:
	case policy == corev1.DNSDefault, pod.Spec.HostNetwork && policy != corev1.DNSClusterFirstWithHostNet:
		rc = ResolvConf{slices.Clone(node.Nameservers), slices.Clone(node.Search), slices.Clone(node.Options)}
	default:
		zone := cfg.domain()
		rc = ResolvConf{
			Nameservers: []string{cfg.ServerIP},
			Search:      append([]string{pod.Namespace + ".svc." + zone, "svc." + zone, zone}, node.Search...),
			Options:     []string{"ndots:5"},
		}
	}
	if c := pod.Spec.DNSConfig; c != nil {
		rc.Nameservers = merge(rc.Nameservers, c.Nameservers)
		rc.Search = merge(rc.Search, c.Searches)
		rc.Options = mergeOptions(rc.Options, c.Options)
	}
	rc.Nameservers = rc.Nameservers[:min(len(rc.Nameservers), maxNameservers)]
	rc.Search = merge(nil, rc.Search)
	rc.Search = rc.Search[:min(len(rc.Search), maxSearches)]
	return rc
}

// merge appends what is new.
func merge(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// mergeOptions replaces the options that the pod sets itself, and appends the
// new ones by name.
func mergeOptions(list []string, more []corev1.PodDNSConfigOption) []string {
	for _, o := range more {
		text := o.Name
		if o.Value != nil {
			text += ":" + *o.Value
		}
		i := slices.IndexFunc(list, func(have string) bool {
			name, _, _ := strings.Cut(have, ":")
			return name == o.Name
		})
		if i >= 0 {
			list[i] = text
		} else {
			list = append(list, text)
		}
	}
	return list
}

// Ndots is how many dots make the resolver try a name as it stands first: 1
// unless an option says otherwise, 15 at most.
func (rc ResolvConf) Ndots() int {
	n := 1
	for _, o := range rc.Options {
		if v, ok := strings.CutPrefix(o, "ndots:"); ok {
			if i, err := strconv.Atoi(v); err == nil && i >= 0 {
				n = min(i, 15)
			}
		}
	}
	return n
}

// String returns the file's text.
func (rc ResolvConf) String() string {
	var b strings.Builder
	if len(rc.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(rc.Search, " "))
	}
	for _, ns := range rc.Nameservers {
		fmt.Fprintf(&b, "nameserver %s\n", ns)
	}
	if len(rc.Options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(rc.Options, " "))
	}
	return b.String()
}
