package dns

import (
	"strings"

	miekg "github.com/miekg/dns"
)

// query is what a name in the zone asks for, in lower case:
//
//	<service>.<namespace>.svc.<zone>
//	<endpoint>.<service>.<namespace>.svc.<zone>
//	_<port>._<protocol>.<service>.<namespace>.svc.<zone>
//
// and the same under pod. A name that ends earlier leaves the rest empty.
type query struct {
	kind      string // "svc", "pod", or "" for the zone itself
	namespace string
	service   string
	endpoint  string
	port      string
	protocol  string
}

// parseQuery reads a lower-case name below a zone; base is the name without the
// zone. It returns false for a name that can have no meaning.
func parseQuery(base string) (query, bool) {
	labels := miekg.SplitDomainName(base)
	pop := func() string {
		if len(labels) == 0 {
			return ""
		}
		last := labels[len(labels)-1]
		labels = labels[:len(labels)-1]
		return last
	}
	q := query{kind: pop()}
	switch {
	case q.kind == "":
		return q, true
	case q.kind != "svc" && q.kind != "pod":
		return q, false
	}
	q.namespace = pop()
	q.service = pop()
	switch len(labels) {
	case 0:
	case 1:
		q.endpoint = labels[0]
	case 2:
		q.port, q.protocol = strings.TrimPrefix(labels[0], "_"), strings.TrimPrefix(labels[1], "_")
	default:
		return q, false
	}
	return q, true
}

// isPort reports whether a port has the asked name and protocol; what was not
// asked for may be anything.
func (q query) isPort(name, protocol string) bool {
	return (q.port == "" || strings.EqualFold(q.port, name)) &&
		(q.protocol == "" || strings.EqualFold(q.protocol, protocol))
}
