package dns

import (
	"strings"
	"testing"

	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	noError  = "NOERROR"
	nxDomain = "NXDOMAIN"
	noData   = "NODATA"
)

func TestD1OnlyReadyEndpointsHaveNames(t *testing.T) {
	w := web()
	rcode, rrs := ask(t, w, "web.default.svc.cluster.local.", miekg.TypeA)
	assert.Equal(t, noError, rcode)
	assert.Equal(t, []string{
		"web.default.svc.cluster.local. 5 IN A 10.0.0.1",
		"web.default.svc.cluster.local. 5 IN A 10.0.0.2",
	}, rrs)
	assert.Equal(t, nxDomain, negative(t, w, "web-2.web.default.svc.cluster.local.", miekg.TypeA))
	w.put(slice("web", "web-a", 80, "web-2=10.0.0.3"))
	_, rrs = ask(t, w, "web-2.web.default.svc.cluster.local.", miekg.TypeA)
	assert.Equal(t, []string{"web-2.web.default.svc.cluster.local. 5 IN A 10.0.0.3"}, rrs)
	assert.Equal(t, nxDomain, negative(t, w, "web-0.web.default.svc.cluster.local.", miekg.TypeA))
}

func TestD3NamesOfEndpoints(t *testing.T) {
	w := newWorld(Config{})
	six := slice("web", "web-6", 80, "=fd00::1", "=fd00::")
	six.AddressType = discoveryv1.AddressTypeIPv6
	w.put(service("web", "None", port("http", 80)), slice("web", "web-4", 80, "web-0=10.0.0.1", "=10.0.0.2"), six)
	for name, want := range map[string]string{
		"web-0": "A 10.0.0.1", "10-0-0-2": "A 10.0.0.2", "fd00--1": "AAAA fd00::1", "fd00--0": "AAAA fd00::",
	} {
		qtype := miekg.StringToType[strings.Fields(want)[0]]
		full := name + ".web.default.svc.cluster.local."
		_, rrs := ask(t, w, full, qtype)
		assert.Equal(t, []string{full + " 5 IN " + want}, rrs)
	}
	assert.Equal(t, nxDomain, negative(t, w, "10-0-0-1.web.default.svc.cluster.local.", miekg.TypeA), "it has a hostname")
	_, rrs := ask(t, w, "web.default.svc.cluster.local.", miekg.TypeAAAA)
	assert.Len(t, rrs, 2)
}

func TestD4NameErrorsAndNoData(t *testing.T) {
	w := web()
	w.put(service("empty", "None"), service("vip", "10.96.0.7", port("http", 80)))
	for _, name := range []string{
		"empty.default.svc.cluster.local.",     // no ready endpoint
		"web-9.web.default.svc.cluster.local.", // no such pod
		"none.default.svc.cluster.local.",      // no such Service
		"web.none.svc.cluster.local.",          // no such namespace
		"none.svc.cluster.local.",
		"_dns._tcp.web.default.svc.cluster.local.",
		"a.b.c.web.default.svc.cluster.local.",
		"other.cluster.local.",
	} {
		for _, qtype := range []uint16{miekg.TypeA, miekg.TypeAAAA, miekg.TypeSRV, miekg.TypeMX, miekg.TypeTXT} {
			assert.Equal(t, nxDomain, negative(t, w, name, qtype), "%s %s", name, miekg.TypeToString[qtype])
		}
	}
	for _, name := range []string{
		"cluster.local.", "svc.cluster.local.", "default.svc.cluster.local.",
		"web.default.svc.cluster.local.", "web-0.web.default.svc.cluster.local.", "vip.default.svc.cluster.local.",
	} {
		assert.Equal(t, noData, negative(t, w, name, miekg.TypeAAAA), name)
		assert.Equal(t, noData, negative(t, w, name, miekg.TypeMX), name)
		assert.Equal(t, noData, negative(t, w, name, miekg.TypeTXT), name)
	}
	m := w.Answer(new(miekg.Msg).SetQuestion("none.default.svc.cluster.local.", miekg.TypeA))
	assert.Equal(t, []string{
		"cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1767225600 7200 1800 86400 5",
	}, lines(m.Ns))
	assert.True(t, m.Authoritative)
}

func TestD4CaseDoesNotMatter(t *testing.T) {
	_, rrs := ask(t, web(), "WEB-0.Web.default.SVC.Cluster.Local.", miekg.TypeA)
	assert.Equal(t, []string{"WEB-0.Web.default.SVC.Cluster.Local. 5 IN A 10.0.0.1"}, rrs)
	m := web().Answer(new(miekg.Msg).SetQuestion("_http._TCP.web.default.svc.CLUSTER.local.", miekg.TypeSRV))
	assert.Equal(t, "web-0.web.default.svc.CLUSTER.local.", m.Answer[0].(*miekg.SRV).Target)
}

func TestD5ServiceRecords(t *testing.T) {
	w := web()
	m := w.Answer(new(miekg.Msg).SetQuestion("_http._tcp.web.default.svc.cluster.local.", miekg.TypeSRV))
	assert.Equal(t, []string{
		"_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 50 80 web-0.web.default.svc.cluster.local.",
		"_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 50 80 web-1.web.default.svc.cluster.local.",
	}, lines(m.Answer))
	assert.Equal(t, []string{
		"web-0.web.default.svc.cluster.local. 5 IN A 10.0.0.1",
		"web-1.web.default.svc.cluster.local. 5 IN A 10.0.0.2",
	}, lines(m.Extra))

	var many []string
	for i := range 101 {
		many = append(many, "="+at(i))
	}
	w.put(slice("web", "web-a", 80, many...))
	m = w.Answer(new(miekg.Msg).SetQuestion("_http._tcp.web.default.svc.cluster.local.", miekg.TypeSRV))
	require.Len(t, m.Answer, 101)
	assert.Equal(t, uint16(1), m.Answer[0].(*miekg.SRV).Weight, "at least 1")

	w.put(slice("web", "web-a", 0, "web-0=10.0.0.1"))
	assert.Equal(t, nxDomain, negative(t, w, "_http._tcp.web.default.svc.cluster.local.", miekg.TypeSRV), "no such port")
	assert.Equal(t, noData, negative(t, w, "web.default.svc.cluster.local.", miekg.TypeSRV), "no ports")

	w.put(service("vip", "10.96.0.7", port("http", 80)))
	m = w.Answer(new(miekg.Msg).SetQuestion("_http._tcp.vip.default.svc.cluster.local.", miekg.TypeSRV))
	assert.Equal(t, []string{"_http._tcp.vip.default.svc.cluster.local. 5 IN SRV 0 100 80 vip.default.svc.cluster.local."}, lines(m.Answer))
	assert.Equal(t, []string{"vip.default.svc.cluster.local. 5 IN A 10.96.0.7"}, lines(m.Extra))
}

func TestD6ReverseAndVersion(t *testing.T) {
	w := web()
	six := slice("web", "web-6", 80, "web-0=fd00::1")
	w.put(service("vip", "10.96.0.7", port("http", 80)), six)
	for name, want := range map[string]string{
		"1.0.0.10.in-addr.arpa.":  "web-0.web.default.svc.cluster.local.",
		"7.0.96.10.IN-addr.arpa.": "vip.default.svc.cluster.local.",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.": "web-0.web.default.svc.cluster.local.",
	} {
		_, rrs := ask(t, w, name, miekg.TypePTR)
		assert.Equal(t, []string{name + " 5 IN PTR " + want}, rrs)
	}
	assert.Equal(t, nxDomain, negative(t, w, "3.0.0.10.in-addr.arpa.", miekg.TypePTR), "not ready")
	assert.Equal(t, nxDomain, negative(t, w, "0.10.in-addr.arpa.", miekg.TypePTR))
	_, rrs := ask(t, w, "dns-version.cluster.local.", miekg.TypeTXT)
	assert.Equal(t, []string{`dns-version.cluster.local. 28800 IN TXT "1.1.0"`}, rrs)
}

func TestD7TimeToLive(t *testing.T) {
	w := newWorld(Config{TTL: 30, Zone: "example.org."})
	w.put(service("vip", "10.96.0.7", port("http", 80)))
	_, rrs := ask(t, w, "vip.default.svc.example.org.", miekg.TypeA)
	assert.Equal(t, []string{"vip.default.svc.example.org. 30 IN A 10.96.0.7"}, rrs)
}

func TestNameServerOfTheZone(t *testing.T) {
	w := web()
	m := w.Answer(new(miekg.Msg).SetQuestion("cluster.local.", miekg.TypeNS))
	assert.Equal(t, []string{"cluster.local. 5 IN NS ns.dns.cluster.local."}, lines(m.Answer))
	assert.Equal(t, []string{"ns.dns.cluster.local. 5 IN A 10.96.0.10"}, lines(m.Extra))
	dns := service("kube-dns", "10.96.0.10", port("dns", 53))
	dns.Namespace = "kube-system"
	w.put(dns)
	_, rrs := ask(t, w, "cluster.local.", miekg.TypeNS)
	assert.Equal(t, []string{"cluster.local. 5 IN NS kube-dns.kube-system.svc.cluster.local."}, rrs)
	_, rrs = ask(t, w, "cluster.local.", miekg.TypeSOA)
	assert.Len(t, rrs, 1)
}

func TestExternalNames(t *testing.T) {
	w := web()
	external := func(name, to string) *corev1.Service {
		s := service(name, "")
		s.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: to}
		return s
	}
	w.put(external("out", "example.com"), external("in", "web-0.web.default.svc.cluster.local"),
		external("a", "b.default.svc.cluster.local"), external("b", "a.default.svc.cluster.local"))
	_, rrs := ask(t, w, "out.default.svc.cluster.local.", miekg.TypeA)
	assert.Equal(t, []string{"out.default.svc.cluster.local. 5 IN CNAME example.com."}, rrs)
	_, rrs = ask(t, w, "in.default.svc.cluster.local.", miekg.TypeA)
	assert.Equal(t, []string{
		"in.default.svc.cluster.local. 5 IN CNAME web-0.web.default.svc.cluster.local.",
		"web-0.web.default.svc.cluster.local. 5 IN A 10.0.0.1",
	}, rrs)
	assert.Equal(t, noData, negative(t, w, "a.default.svc.cluster.local.", miekg.TypeA), "a loop")
	_, rrs = ask(t, w, "out.default.svc.cluster.local.", miekg.TypeCNAME)
	assert.Len(t, rrs, 1)
	assert.Equal(t, noData, negative(t, w, "out.default.svc.cluster.local.", miekg.TypeSRV))
}

func TestOutsideAndRefused(t *testing.T) {
	w := web()
	rcode, _ := ask(t, w, "example.com.", miekg.TypeA)
	assert.Equal(t, nxDomain, rcode)
	rcode, _ = ask(t, newWorld(Config{Outside: miekg.RcodeRefused}), "example.com.", miekg.TypeA)
	assert.Equal(t, "REFUSED", rcode)
	rcode, _ = ask(t, w, "cluster.local.", miekg.TypeAXFR)
	assert.Equal(t, "REFUSED", rcode)
	q := new(miekg.Msg).SetQuestion("cluster.local.", miekg.TypeA)
	q.Question[0].Qclass = miekg.ClassCHAOS
	assert.Equal(t, miekg.RcodeRefused, w.Answer(q).Rcode)
	q = Query(1, "cluster.local", miekg.TypeA)
	q.IsEdns0().SetVersion(1)
	assert.Equal(t, miekg.RcodeBadVers, w.Answer(q).Rcode)
	assert.Equal(t, miekg.RcodeServerFailure, w.Answer(new(miekg.Msg)).Rcode)
}

func TestFlagsAndEDNS(t *testing.T) {
	q := Query(7, "web.default.svc.cluster.local", miekg.TypeA)
	q.IsEdns0().SetDo()
	m := web().Answer(q)
	assert.True(t, m.Authoritative && m.RecursionAvailable && m.RecursionDesired)
	assert.Equal(t, uint16(7), m.Id)
	assert.Equal(t, uint16(4096), m.IsEdns0().UDPSize())
	assert.True(t, m.IsEdns0().Do())
	later := NewIndex(Config{NoRecursion: true})
	assert.False(t, later.Answer(Query(7, "cluster.local", miekg.TypeA)).RecursionAvailable)
	assert.Nil(t, web().Answer(new(miekg.Msg).SetQuestion("cluster.local.", miekg.TypeA)).IsEdns0())
}

func TestPodNames(t *testing.T) {
	w := web()
	_, rrs := ask(t, w, "10-0-0-9.default.pod.cluster.local.", miekg.TypeA)
	assert.Equal(t, []string{"10-0-0-9.default.pod.cluster.local. 5 IN A 10.0.0.9"}, rrs)
	assert.Equal(t, nxDomain, negative(t, w, "web-0.default.pod.cluster.local.", miekg.TypeA))
	off := newWorld(Config{NoPodNames: true})
	off.put(service("web", "None"))
	assert.Equal(t, nxDomain, negative(t, off, "10-0-0-9.default.pod.cluster.local.", miekg.TypeA))
}

func TestNamespaces(t *testing.T) {
	w := newWorld(Config{})
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	assert.Equal(t, nxDomain, negative(t, w, "default.svc.cluster.local.", miekg.TypeA))
	w.put(ns)
	assert.Equal(t, noData, negative(t, w, "default.svc.cluster.local.", miekg.TypeA))
	w.remove(ns)
	assert.Equal(t, nxDomain, negative(t, w, "default.svc.cluster.local.", miekg.TypeA))
}

func TestIndexForgets(t *testing.T) {
	w := web()
	snapshot := w.Index.Fork()
	vip := service("vip", "10.96.0.7", port("http", 80))
	w.put(vip)
	moved := slice("other", "web-a", 80, "web-0=10.0.0.1")
	w.put(moved) // the slice is another Service's now
	assert.Equal(t, nxDomain, negative(t, w, "web.default.svc.cluster.local.", miekg.TypeA))
	w.remove(vip)
	w.remove(moved)
	w.remove(service("web", "None"))
	want := NewIndex(Config{})
	want.serial = w.serial
	assert.Equal(t, want, w.Index)
	_, rrs := ask(t, snapshot, "web.default.svc.cluster.local.", miekg.TypeA)
	assert.Len(t, rrs, 2, "a fork is a snapshot")
}
