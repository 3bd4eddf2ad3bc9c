package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	miekg "github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
)

// Answerer is a name server.
type Answerer interface {
	Answer(*miekg.Msg) *miekg.Msg
}

// Resolver is the stub resolver of a pod's C library: it reads the pod's
// /etc/hosts and resolv.conf and asks a name server. See Server.Resolver.
type Resolver struct {
	// DNS is the cluster's name server, at Config.ServerIP.
	DNS Answerer
	// Config is the name server's; the zero Config is the default cluster's.
	Config Config
	// Node is the node's resolv.conf. Its name servers are outside the cluster
	// and never answer.
	Node ResolvConf
}

// Resolution is what a name was found to be.
type Resolution struct {
	Name      string       // as asked
	Canonical string       // the name that has the addresses, without a final dot
	Addresses []netip.Addr // in the order of the answers, IPv4 first
	// Reverse has the name of each address, or "".
	Reverse []string
	// FromHosts says that the answer stood in /etc/hosts.
	FromHosts bool
	// Asked lists the questions sent to the name server, in order.
	Asked []Asked
}

// Asked is a question and what came of it.
type Asked struct {
	Name    string // with its final dot
	Type    uint16
	Rcode   int
	Answers int
}

// String returns "web-0.web.default.svc.cluster.local. A NOERROR 1".
func (a Asked) String() string {
	return fmt.Sprintf("%s %s %s %d", a.Name, miekg.TypeToString[a.Type], miekg.RcodeToString[a.Rcode], a.Answers)
}

// LookupError says that a name has no address. Reason is musl's wording.
type LookupError struct {
	Pod, Name string
	Reason    string
	// Temporary says that no name server could tell; otherwise the name does not
	// exist or has no address.
	Temporary bool
}

func (e *LookupError) Error() string {
	return fmt.Sprintf("pod %s: looking up %q: %s", e.Pod, e.Name, e.Reason)
}

const (
	reasonNoName = "Name does not resolve"
	reasonAgain  = "Try again"
)

// Lookup resolves a name as a program in the pod would: an address is itself,
// then come the pod's /etc/hosts and, along its search path, the name server
// (D9). The error is a *LookupError; the Resolution then still says what was
// asked.
func (r Resolver) Lookup(pod *corev1.Pod, name string) (Resolution, error) {
	res := Resolution{Name: name, Canonical: name}
	if ip, err := netip.ParseAddr(name); err == nil {
		res.Addresses = []netip.Addr{ip}
	} else if res.fromHosts(HostsOf(pod, r.Config)) {
		res.FromHosts = true
	} else if err := r.search(pod, &res); err != nil {
		return res, err
	}
	for _, ip := range res.Addresses {
		res.Reverse = append(res.Reverse, r.LookupAddr(pod, ip))
	}
	return res, nil
}

// LookupAddr returns the name of an address: the first one in the pod's
// /etc/hosts, else what the name server says, else "".
func (r Resolver) LookupAddr(pod *corev1.Pod, ip netip.Addr) string {
	for _, e := range HostsOf(pod, r.Config) {
		if e.Addr == ip && len(e.Names) > 0 {
			return e.Names[0]
		}
	}
	arpa, err := miekg.ReverseAddr(ip.String())
	if err != nil || !r.isServed(pod) {
		return ""
	}
	for _, rr := range r.DNS.Answer(new(miekg.Msg).SetQuestion(arpa, miekg.TypePTR)).Answer {
		if ptr, ok := rr.(*miekg.PTR); ok {
			return strings.TrimSuffix(ptr.Ptr, ".")
		}
	}
	return ""
}

func (res *Resolution) fromHosts(entries []HostEntry) bool {
	for _, e := range entries {
		if slices.ContainsFunc(e.Names, func(n string) bool { return strings.EqualFold(n, res.Name) }) {
			res.Addresses = append(res.Addresses, e.Addr)
			res.Canonical = e.Names[0]
		}
	}
	return len(res.Addresses) > 0
}

// search asks for the names that the search path makes of one, until one has an
// address.
func (r Resolver) search(pod *corev1.Pod, res *Resolution) error {
	fail := &LookupError{Pod: pod.Namespace + "/" + pod.Name, Name: res.Name, Reason: reasonNoName}
	if !r.isServed(pod) {
		fail.Reason, fail.Temporary = reasonAgain, true
		return fail
	}
	for _, candidate := range r.candidates(pod, res.Name) {
		for _, qtype := range []uint16{miekg.TypeA, miekg.TypeAAAA} {
			reply := r.DNS.Answer(new(miekg.Msg).SetQuestion(candidate, qtype))
			res.Asked = append(res.Asked, Asked{candidate, qtype, reply.Rcode, len(reply.Answer)})
			if reply.Rcode != miekg.RcodeSuccess && reply.Rcode != miekg.RcodeNameError {
				fail.Reason, fail.Temporary = reasonAgain, true
			}
			res.take(candidate, reply)
		}
		if len(res.Addresses) > 0 {
			return nil
		}
	}
	return fail
}

// take adds the addresses of a reply; the last name of a chain is the canonical
// one.
func (res *Resolution) take(name string, reply *miekg.Msg) {
	for _, rr := range reply.Answer {
		var ip netip.Addr
		switch rr := rr.(type) {
		case *miekg.A:
			ip, _ = netip.AddrFromSlice(rr.A.To4())
		case *miekg.AAAA:
			ip, _ = netip.AddrFromSlice(rr.AAAA)
		default:
			continue
		}
		res.Addresses = append(res.Addresses, ip)
		res.Canonical = strings.TrimSuffix(rr.Header().Name, ".")
	}
}

// candidates lists the names to try: with as many dots as ndots says, the name
// as it stands comes before the search path, else after it. A name with a final
// dot is not searched for.
func (r Resolver) candidates(pod *corev1.Pod, name string) []string {
	if strings.HasSuffix(name, ".") {
		return []string{name}
	}
	conf := ResolvConfOf(pod, r.Config, r.Node)
	var list []string
	for _, domain := range conf.Search {
		list = append(list, miekg.Fqdn(name+"."+domain))
	}
	if strings.Count(name, ".") >= conf.Ndots() {
		list = slices.Insert(list, 0, miekg.Fqdn(name))
	} else {
		list = append(list, miekg.Fqdn(name))
	}
	return slices.DeleteFunc(list, func(n string) bool {
		_, ok := miekg.IsDomainName(n)
		return !ok
	})
}

// isServed reports whether the pod asks the cluster's name server. Others are
// outside and do not answer.
func (r Resolver) isServed(pod *corev1.Pod) bool {
	server := r.Config.defaulted().ServerIP
	return slices.Contains(ResolvConfOf(pod, r.Config, r.Node).Nameservers, server)
}
