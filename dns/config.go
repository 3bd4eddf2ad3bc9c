package dns

import (
	"strings"

	miekg "github.com/miekg/dns"
)

// Config configures the name service. The zero Config is a cluster's default.
type Config struct {
	// Zone is the cluster's domain; empty means "cluster.local".
	Zone string
	// TTL is that of all records, in seconds; 0 means 5 (D7).
	TTL uint32
	// ServerIP is the cluster IP that pods ask; empty means "10.96.0.10".
	ServerIP string
	// Outside is the response code for names outside the zone; 0 means NXDOMAIN,
	// SERVFAIL would be a forwarder that reaches nobody.
	Outside int
	// NoRecursion leaves the ra flag off, as CoreDNS does since 1.3.
	NoRecursion bool
	// NoPodNames answers names under pod.<zone> with NXDOMAIN (the plugin's
	// "pods disabled").
	NoPodNames bool
}

// defaulted fills what is empty in and makes the zone a lower-case FQDN.
func (c Config) defaulted() Config {
	if c.Zone == "" {
		c.Zone = "cluster.local"
	}
	c.Zone = strings.ToLower(miekg.Fqdn(c.Zone))
	if c.TTL == 0 {
		c.TTL = 5
	}
	if c.ServerIP == "" {
		c.ServerIP = "10.96.0.10"
	}
	if c.Outside == 0 {
		c.Outside = miekg.RcodeNameError
	}
	return c
}

// domain returns the zone without its final dot, as search paths have it.
func (c Config) domain() string { return strings.TrimSuffix(c.Zone, ".") }
