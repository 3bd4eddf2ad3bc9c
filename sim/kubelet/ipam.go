package kubelet

import (
	"fmt"
	"net/netip"
)

// ipam hands out a node's pod addresses as the host-local plugin does: the one
// after the last, from the start again at the end of the range, never one in
// use.
type ipam struct {
	cidr        netip.Prefix
	first, last netip.Addr              `state:"incidental" why:"which address is next, and they are identifiers"`
	used        map[netip.Addr]struct{} `state:"incidental" why:"an index of the rooms' addresses"`
}

// newIPAM returns the pool of a range. The first address is the gateway's, the
// last the broadcast's.
func newIPAM(cidr, first string) (ipam, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return ipam{}, fmt.Errorf("kubelet: pod CIDR: %w", err)
	}
	if !prefix.Addr().Is4() || prefix.Bits() > 29 {
		return ipam{}, fmt.Errorf("kubelet: pod CIDR %s: want an IPv4 range of at least 8 addresses", cidr)
	}
	prefix = prefix.Masked()
	p := ipam{cidr: prefix, first: prefix.Addr().Next().Next(), used: map[netip.Addr]struct{}{}}
	if first != "" {
		at, err := netip.ParseAddr(first)
		if err != nil {
			return ipam{}, fmt.Errorf("kubelet: first pod address: %w", err)
		}
		if !prefix.Contains(at) {
			return ipam{}, fmt.Errorf("kubelet: first pod address %s is not in %s", first, cidr)
		}
		p.last = at.Prev()
	}
	return p, nil
}

// take reserves the next free address, or reports that there is none.
func (p *ipam) take() (netip.Addr, bool) {
	next := p.last
	if !next.IsValid() {
		next = p.first.Prev()
	}
	size := 1<<(32-p.cidr.Bits()) - 3
	for range size {
		next = next.Next()
		if !p.cidr.Contains(next.Next()) { // the broadcast address
			next = p.first
		}
		if _, busy := p.used[next]; !busy {
			p.used[next], p.last = struct{}{}, next
			return next, true
		}
	}
	return netip.Addr{}, false
}

// takeIP gives a room an address of its node's range.
func (w *World) takeIP(r *room, cidr, first string) (netip.Addr, bool) {
	ip, ok := w.pool(r.at, cidr, first).take()
	if ok {
		r.ip = ip
		w.byIP[ip] = r
	}
	return ip, ok
}

// holdIP gives a room an address that it has already.
func (w *World) holdIP(r *room, ip netip.Addr, cidr, first string) {
	pool := w.pool(r.at, cidr, first)
	if pool.used[ip] = struct{}{}; pool.cidr.Contains(ip) && (!pool.last.IsValid() || pool.last.Less(ip)) {
		pool.last = ip
	}
	r.ip = ip
	w.byIP[ip] = r
}

// pool returns a machine's addresses, which are set up on first use.
func (w *World) pool(m *machine, cidr, first string) *ipam {
	if !m.ipam.cidr.IsValid() {
		if cidr == "" {
			cidr = fmt.Sprintf("10.%d.%d.0/24", 244+w.subnets>>8&3, w.subnets&255)
			w.subnets++
		}
		pool, err := newIPAM(cidr, first)
		if err != nil {
			panic(err) // New has checked the configuration, the API server the Node
		}
		m.ipam = pool
	}
	return &m.ipam
}

// releaseIP gives the room's address back.
func (w *World) releaseIP(r *room) {
	if r.ip.IsValid() {
		if w.byIP[r.ip] == r {
			delete(w.byIP, r.ip)
		}
		delete(r.at.ipam.used, r.ip)
		r.ip = netip.Addr{}
	}
}
