package dns

import (
	"net/netip"
	"strings"

	miekg "github.com/miekg/dns"
)

// The reverse zones that the plugin serves beside the cluster's.
const (
	reverse4 = "in-addr.arpa."
	reverse6 = "ip6.arpa."
)

// Answer replies to a query. It changes neither the index nor the query, and the
// reply shares nothing with either. The reply is complete: whoever sends it cuts
// it to the size that the transport allows.
func (x *Index) Answer(q *miekg.Msg) *miekg.Msg {
	m := new(miekg.Msg)
	opt := q.IsEdns0()
	switch {
	case len(q.Question) == 0:
		m.SetRcode(q, miekg.RcodeServerFailure)
	case opt != nil && opt.Version() != 0:
		m.SetRcode(q, miekg.RcodeBadVers)
	case q.Question[0].Qclass != miekg.ClassINET:
		m.SetRcode(q, miekg.RcodeRefused)
	default:
		r := reply{Index: x, msg: m, name: q.Question[0].Name, qtype: q.Question[0].Qtype}
		r.answer(q)
	}
	if opt != nil {
		m.Extra = append(m.Extra, echo(opt))
	}
	return m
}

// echo returns the OPT record of a reply: the client's own buffer size, DO bit
// and those options that CoreDNS knows (SizeAndDo).
func echo(asked *miekg.OPT) *miekg.OPT {
	opt := &miekg.OPT{Hdr: miekg.RR_Header{Name: ".", Rrtype: miekg.TypeOPT}}
	opt.SetUDPSize(asked.UDPSize())
	if asked.Do() {
		opt.SetDo()
	}
	for _, o := range asked.Option {
		switch o.Option() {
		case miekg.EDNS0NSID, miekg.EDNS0EXPIRE, miekg.EDNS0COOKIE, miekg.EDNS0TCPKEEPALIVE, miekg.EDNS0PADDING:
			opt.Option = append(opt.Option, o)
		}
	}
	return opt
}

// reply is an answer in the making.
type reply struct {
	*Index
	msg   *miekg.Msg
	name  string // as asked: answers keep its case (D4)
	qtype uint16
	zone  string // the part of name that is a zone
}

func (r *reply) answer(q *miekg.Msg) {
	lower := strings.ToLower(r.name)
	zone := r.zoneOf(lower)
	if zone == "" {
		r.msg.SetRcode(q, r.cfg.Outside)
		r.msg.RecursionAvailable = r.cfg.Outside == miekg.RcodeNameError // found by asking others
		return
	}
	if r.qtype == miekg.TypeAXFR || r.qtype == miekg.TypeIXFR {
		r.msg.SetRcode(q, miekg.RcodeRefused)
		return
	}
	r.msg.SetReply(q)
	r.msg.Authoritative = true
	r.msg.RecursionAvailable = !r.cfg.NoRecursion
	r.zone = r.name[len(r.name)-len(zone):]

	if exists := r.fill(lower, zone); !exists {
		r.msg.Rcode = miekg.RcodeNameError // D4
	}
	if len(r.msg.Answer) == 0 {
		r.msg.Ns = []miekg.RR{r.soa()}
	}
}

// zoneOf returns the zone that a lower-case name is in, or "".
func (x *Index) zoneOf(name string) string {
	for _, zone := range []string{x.cfg.Zone, reverse4, reverse6} {
		if miekg.IsSubDomain(zone, name) {
			return zone
		}
	}
	return ""
}

// fill adds the records that the question asks for, and reports whether the name
// exists.
func (r *reply) fill(lower, zone string) bool {
	if zone != r.cfg.Zone {
		return r.fillReverse(lower, zone)
	}
	base := strings.TrimSuffix(strings.TrimSuffix(lower, zone), ".")
	switch {
	case r.qtype == miekg.TypeSOA:
		if base == "" {
			r.msg.Answer = []miekg.RR{r.soa()}
		}
		return true // as the plugin: it does not look whether the name exists
	case r.qtype == miekg.TypeTXT && base == "dns-version":
		r.msg.Answer = []miekg.RR{&miekg.TXT{Hdr: r.header(r.name, miekg.TypeTXT, versionTTL), Txt: []string{schemaVersion}}}
		return true
	case r.qtype == miekg.TypeNS && base == "":
		r.fillNS()
		return true
	case base == "ns.dns":
		_, ip := r.server()
		r.addAddress(&r.msg.Answer, r.name, ip)
		return true
	}
	targets, exists := r.find(base)
	switch r.qtype {
	case miekg.TypeA, miekg.TypeAAAA:
		r.fillAddresses(r.name, targets, map[string]bool{})
	case miekg.TypeSRV:
		r.fillSRV(targets)
	case miekg.TypeCNAME:
		if len(targets) > 0 && targets[0].external != "" {
			r.msg.Answer = []miekg.RR{r.cname(r.name, targets[0].external)}
		}
	}
	return exists
}

// fillAddresses adds the addresses of the asked type under a name, following
// external names as long as they stay in the zone; seen guards against loops.
func (r *reply) fillAddresses(name string, targets []target, seen map[string]bool) {
	const maxChain = 8
	given := map[netip.Addr]bool{}
	for _, t := range targets {
		if t.external == "" {
			if !given[t.addr] && t.addr.Is4() == (r.qtype == miekg.TypeA) {
				given[t.addr] = true
				r.addAddress(&r.msg.Answer, name, t.addr)
			}
			continue
		}
		to := strings.ToLower(miekg.Fqdn(t.external))
		if seen[to] || len(seen) >= maxChain || strings.EqualFold(to, name) {
			continue
		}
		seen[to] = true
		if !miekg.IsSubDomain(r.cfg.Zone, to) {
			r.msg.Answer = append(r.msg.Answer, r.cname(name, t.external)) // nobody to ask further
			continue
		}
		next, _ := r.find(strings.TrimSuffix(strings.TrimSuffix(to, r.cfg.Zone), "."))
		before := len(r.msg.Answer)
		r.msg.Answer = append(r.msg.Answer, r.cname(name, t.external))
		r.fillAddresses(miekg.Fqdn(t.external), next, seen)
		if len(r.msg.Answer) == before+1 {
			r.msg.Answer = r.msg.Answer[:before] // a chain that leads nowhere is not shown
		}
	}
}

// fillReverse adds the names of an address (D6).
func (r *reply) fillReverse(lower, zone string) bool {
	if lower == zone {
		if r.qtype == miekg.TypeSOA {
			r.msg.Answer = []miekg.RR{r.soa()}
		}
		return true
	}
	ip, ok := parseReverse(lower, zone)
	if !ok || r.qtype != miekg.TypePTR {
		return r.qtype == miekg.TypeSOA
	}
	for _, name := range r.findNames(ip) {
		r.msg.Answer = append(r.msg.Answer, &miekg.PTR{
			Hdr: r.header(r.name, miekg.TypePTR, r.cfg.TTL), Ptr: name + "." + r.cfg.Zone,
		})
	}
	return len(r.msg.Answer) > 0
}

// parseReverse reads the address out of a name in a reverse zone.
func parseReverse(lower, zone string) (netip.Addr, bool) {
	labels := miekg.SplitDomainName(strings.TrimSuffix(lower, zone))
	var b strings.Builder
	for i := len(labels) - 1; i >= 0; i-- {
		b.WriteString(labels[i])
		switch {
		case i == 0:
		case zone == reverse4:
			b.WriteByte('.')
		case (len(labels)-i)%4 == 0:
			b.WriteByte(':')
		}
	}
	if zone == reverse6 && len(labels) != 32 {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(b.String())
	return ip, err == nil && ip.Is4() == (zone == reverse4)
}
