package dns

import (
	"net/netip"
	"strings"

	miekg "github.com/miekg/dns"
)

const (
	schemaVersion = "1.1.0" // of DNS-based service discovery (D6)
	versionTTL    = 28800
)

func (r *reply) header(name string, typ uint16, ttl uint32) miekg.RR_Header {
	return miekg.RR_Header{Name: name, Rrtype: typ, Class: miekg.ClassINET, Ttl: ttl}
}

// addAddress appends the A or AAAA record of an address, if it has one.
func (r *reply) addAddress(list *[]miekg.RR, name string, ip netip.Addr) {
	switch {
	case ip.Is4():
		*list = append(*list, &miekg.A{Hdr: r.header(name, miekg.TypeA, r.cfg.TTL), A: ip.AsSlice()})
	case ip.Is6():
		*list = append(*list, &miekg.AAAA{Hdr: r.header(name, miekg.TypeAAAA, r.cfg.TTL), AAAA: ip.AsSlice()})
	}
}

func (r *reply) cname(name, to string) miekg.RR {
	return &miekg.CNAME{Hdr: r.header(name, miekg.TypeCNAME, r.cfg.TTL), Target: miekg.Fqdn(to)}
}

// soa is the zone's own record. Its serial is when the index last changed.
func (r *reply) soa() miekg.RR {
	const maxNegativeTTL = 300
	return &miekg.SOA{
		Hdr:     r.header(r.zone, miekg.TypeSOA, min(r.cfg.TTL, maxNegativeTTL)),
		Ns:      "ns.dns." + r.zone,
		Mbox:    "hostmaster." + r.zone,
		Serial:  r.serial,
		Refresh: 7200,
		Retry:   1800,
		Expire:  86400,
		Minttl:  r.cfg.TTL,
	}
}

// fillSRV adds a service record for each port, and the addresses behind them
// (D5). External names have none.
func (r *reply) fillSRV(targets []target) {
	weight := uint16(max(100/max(len(targets), 1), 1))
	type record struct {
		name string
		port int
		addr netip.Addr
	}
	given := map[record]bool{}
	for _, t := range targets {
		if t.external != "" || t.port == noPort {
			continue
		}
		name := t.name + "." + r.zone
		if at := (record{name: name, port: t.port}); !given[at] {
			given[at] = true
			r.msg.Answer = append(r.msg.Answer, &miekg.SRV{
				Hdr: r.header(r.name, miekg.TypeSRV, r.cfg.TTL), Weight: weight, Port: uint16(t.port), Target: name,
			})
		}
		if at := (record{name: name, addr: t.addr}); !given[at] {
			given[at] = true
			r.addAddress(&r.msg.Extra, name, t.addr)
		}
	}
}

// fillNS adds the zone's name server and its address.
func (r *reply) fillNS() {
	name, ip := r.server()
	name += r.zone
	r.msg.Answer = []miekg.RR{&miekg.NS{Hdr: r.header(r.name, miekg.TypeNS, r.cfg.TTL), Ns: name}}
	r.addAddress(&r.msg.Extra, name, ip)
}

// server returns the name of the name server below the zone, with a dot, and its
// address: those of the Service with the server's cluster IP, else ns.dns.
func (r *reply) server() (string, netip.Addr) {
	ip, err := netip.ParseAddr(r.cfg.ServerIP)
	if err != nil {
		return "ns.dns.", netip.Addr{}
	}
	if key, ok := r.clusterIPs[ip]; ok {
		return strings.Join([]string{key.Name, key.Namespace, "svc", ""}, "."), ip
	}
	return "ns.dns.", ip
}
