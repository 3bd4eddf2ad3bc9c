package dns

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

func resolver(w *world) Resolver { return Resolver{DNS: w.Index} }

func asked(res Resolution) string {
	var list []string
	for _, a := range res.Asked {
		list = append(list, a.String())
	}
	return strings.Join(list, "\n")
}

func TestD9OwnNameFromHosts(t *testing.T) {
	res, err := resolver(newWorld(Config{})).Lookup(pod("web-0", nil), "web-0")
	require.NoError(t, err)
	assert.True(t, res.FromHosts)
	assert.Empty(t, res.Asked)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.1")}, res.Addresses)
	assert.Equal(t, "web-0.web.default.svc.cluster.local", res.Canonical)
	assert.Equal(t, []string{"web-0.web.default.svc.cluster.local"}, res.Reverse)
}

func TestD9SearchPath(t *testing.T) {
	r := resolver(web())
	res, err := r.Lookup(pod("web-0", nil), "web-1.web")
	require.NoError(t, err)
	assert.Equal(t, `web-1.web.default.svc.cluster.local. A NOERROR 1
web-1.web.default.svc.cluster.local. AAAA NOERROR 0`, asked(res))
	assert.Equal(t, []string{"web-1.web.default.svc.cluster.local"}, res.Reverse)

	res, err = r.Lookup(pod("web-0", nil), "web-1.web.default.svc.cluster.local")
	require.NoError(t, err)
	assert.Len(t, res.Asked, 2, "five dots: as it stands first")

	res, err = r.Lookup(pod("web-0", nil), "web-1")
	assert.Equal(t, `web-1.default.svc.cluster.local. A NXDOMAIN 0
web-1.default.svc.cluster.local. AAAA NXDOMAIN 0
web-1.svc.cluster.local. A NXDOMAIN 0
web-1.svc.cluster.local. AAAA NXDOMAIN 0
web-1.cluster.local. A NXDOMAIN 0
web-1.cluster.local. AAAA NXDOMAIN 0
web-1. A NXDOMAIN 0
web-1. AAAA NXDOMAIN 0`, asked(res))
	var fail *LookupError
	require.True(t, errors.As(err, &fail))
	assert.Equal(t, "web-1", fail.Name)
	assert.EqualError(t, err, `pod default/web-0: looking up "web-1": Name does not resolve`)
}

func TestD9ResolvConf(t *testing.T) {
	node := ResolvConf{Nameservers: []string{"192.168.0.1"}, Search: []string{"lan"}}
	of := func(edit func(*corev1.Pod)) string { return ResolvConfOf(pod("web-0", edit), Config{}, node).String() }
	cluster := "search default.svc.cluster.local svc.cluster.local cluster.local lan\nnameserver 10.96.0.10\noptions ndots:5\n"
	host := "search lan\nnameserver 192.168.0.1\n"
	assert.Equal(t, cluster, of(nil))
	assert.Equal(t, host, of(func(p *corev1.Pod) { p.Spec.HostNetwork, p.Spec.DNSPolicy = true, corev1.DNSClusterFirst }))
	assert.Equal(t, cluster, of(func(p *corev1.Pod) { p.Spec.HostNetwork, p.Spec.DNSPolicy = true, corev1.DNSClusterFirstWithHostNet }))
	assert.Equal(t, host, of(func(p *corev1.Pod) { p.Spec.DNSPolicy = corev1.DNSDefault }))
	config := &corev1.PodDNSConfig{
		Nameservers: []string{"1.1.1.1"}, Searches: []string{"my.org", "lan"},
		Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: new("2")}, {Name: "edns0"}},
	}
	assert.Equal(t, "search my.org lan\nnameserver 1.1.1.1\noptions ndots:2 edns0\n",
		of(func(p *corev1.Pod) { p.Spec.DNSPolicy, p.Spec.DNSConfig = corev1.DNSNone, config }))
	assert.Equal(t, "search default.svc.cluster.local svc.cluster.local cluster.local lan my.org\nnameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2 edns0\n",
		of(func(p *corev1.Pod) { p.Spec.DNSConfig = config }))
}

func TestD9Ndots(t *testing.T) {
	p := pod("web-0", func(p *corev1.Pod) {
		p.Spec.DNSConfig = &corev1.PodDNSConfig{Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: new("1")}}}
	})
	res, err := resolver(web()).Lookup(p, "web-1.web")
	require.NoError(t, err)
	assert.Equal(t, "web-1.web. A NXDOMAIN 0", res.Asked[0].String())
	res, err = resolver(web()).Lookup(p, "web-1.web.default.svc.cluster.local.")
	require.NoError(t, err)
	assert.Len(t, res.Addresses, 1)
}

func TestUnreachableOutsideIsTemporary(t *testing.T) {
	w := newWorld(Config{Outside: miekg.RcodeServerFailure})
	_, err := resolver(w).Lookup(pod("web-0", nil), "example.com")
	assert.EqualError(t, err, `pod default/web-0: looking up "example.com": Try again`)
}

func TestPodThatDoesNotAskTheCluster(t *testing.T) {
	p := pod("web-0", func(p *corev1.Pod) { p.Spec.DNSPolicy = corev1.DNSDefault })
	_, err := resolver(web()).Lookup(p, "web-1.web.default.svc.cluster.local")
	var fail *LookupError
	require.True(t, errors.As(err, &fail))
	assert.True(t, fail.Temporary)
	res, err := resolver(web()).Lookup(p, "10.0.0.2")
	require.NoError(t, err)
	assert.Equal(t, []string{""}, res.Reverse)
}

func TestHostsFile(t *testing.T) {
	p := pod("web-0", func(p *corev1.Pod) {
		p.Spec.HostAliases = []corev1.HostAlias{{IP: "10.9.9.9", Hostnames: []string{"db", "db.local"}}}
	})
	assert.Equal(t, `# Kubernetes-managed hosts file.
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
fe00::0	ip6-mcastprefix
fe00::1	ip6-allnodes
fe00::2	ip6-allrouters
10.0.0.1	web-0.web.default.svc.cluster.local	web-0

# Entries added by HostAliases.
10.9.9.9	db	db.local
`, HostsFile(p, Config{}))
	res, err := resolver(web()).Lookup(p, "db.local")
	require.NoError(t, err)
	assert.Equal(t, "10.9.9.9", res.Addresses[0].String())
	hostname, domain := HostnameOf(pod(strings.Repeat("x", 62)+"-y", func(p *corev1.Pod) { p.Spec.Hostname, p.Spec.Subdomain = "", "" }), Config{})
	assert.Equal(t, strings.Repeat("x", 62), hostname)
	assert.Empty(t, domain)
}
