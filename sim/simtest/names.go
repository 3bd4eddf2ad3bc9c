package simtest

import (
	"fmt"
	"strings"
	"time"

	miekg "github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// dnsLag is how long the name of a pod may be answered after the endpointslice
// controller has seen that it should not be: a few writes and watches.
const dnsLag = time.Second

// ReadyNamesOnly: the name of a pod under its headless Service is answered with
// the address of a pod that is ready and stays, or was a moment ago (D1, D4). A
// component that has not seen what happened cannot act on it: the moment begins
// when the endpointslice controller sees it, and while the name server's own
// view is behind, nothing is asked of it.
func ReadyNamesOnly() Invariant {
	return Invariant{Name: "DNS answers ready pods only", Start: func(c *sim.Cluster) Check {
		n := &names{cluster: c, ends: map[string]end{}, asked: map[string]bool{}}
		for _, rec := range c.History() {
			n.learn(rec)
		}
		return Check{Record: func(rec *apiserver.Record) error {
			n.learn(rec)
			if rec.Kind != apiserver.Pod && rec.Kind != apiserver.EndpointSlice {
				return nil
			}
			return n.check()
		}}
	}}
}

// names is what DNS may answer.
type names struct {
	cluster *sim.Cluster
	ends    map[string]end  // by address
	asked   map[string]bool // FQDNs that were ever a pod's
	slices  uint64          // version of the newest EndpointSlice
}

// end is when an address ceased to be a ready pod's. The zero end is not yet.
type end struct {
	version uint64    // of the record that says so
	seen    time.Time // by the endpointslice controller
}

func (n *names) learn(rec *apiserver.Record) {
	if rec.Kind == apiserver.EndpointSlice {
		n.slices = rec.Version
	}
	pod, ok := rec.Object.(*corev1.Pod)
	if !ok {
		return
	}
	ip := pod.Status.PodIP
	if isReady(pod) && pod.DeletionTimestamp == nil && rec.Type != watch.Deleted {
		n.ends[ip] = end{}
	} else if e, known := n.ends[ip]; known && e.version == 0 {
		n.ends[ip] = end{version: rec.Version}
	}
	if pod.Spec.Subdomain != "" && pod.Spec.Hostname != "" {
		n.asked[strings.Join([]string{pod.Spec.Hostname, pod.Spec.Subdomain, pod.Namespace, "svc.cluster.local."}, ".")] = true
	}
}

func (n *names) check() error {
	now := n.cluster.Now()
	seen := n.cluster.Seen("endpointslice-controller", apiserver.Pod)
	for ip, e := range n.ends { // each on its own
		if e.version != 0 && e.seen.IsZero() && e.version <= seen {
			e.seen = now
			n.ends[ip] = e
		}
	}
	if n.cluster.Seen("coredns", apiserver.EndpointSlice) < n.slices {
		return nil
	}
	for name := range n.asked { // any of the wrong answers will do
		for _, rr := range n.cluster.Query(name, miekg.TypeA).Answer {
			a, ok := rr.(*miekg.A)
			if !ok {
				continue
			}
			e, known := n.ends[a.A.String()]
			if !known || e.version != 0 && !e.seen.IsZero() && now.Sub(e.seen) > dnsLag {
				return fmt.Errorf("%s is answered with %s, which is no ready pod's", name, a.A)
			}
		}
	}
	return nil
}
