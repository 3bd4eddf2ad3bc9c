// Package dns is the cluster's name service: CoreDNS with its kubernetes plugin,
// as answers computed from an [Index] of Services and EndpointSlices, and the
// stub [Resolver] of a pod that asks it.
//
// [Of] makes an Index of plain objects. A [Server] is the actor that keeps an Index by watching the API; its answers
// are as late as its watch. [Index.Answer] turns a query into a reply and
// changes nothing. [Resolver.Lookup] does what a program in a pod does: its
// /etc/hosts first, then the search path. [Nslookup] and [Dig] print as busybox
// and DiG do, and [Serve] answers real clients over UDP and TCP.
//
// The rules that it holds (DNS-based service discovery 1.1.0 and the kubernetes
// plugin), by their numbers in the project's list:
//
//   - D1: only ready endpoints have names. Ready is what the EndpointSlice says.
//   - D3: a headless Service has one A or AAAA record for each address, and a
//     name for each endpoint: its hostname, else its address with dashes.
//   - D4: no ready endpoint, an unknown pod, Service or namespace: NXDOMAIN. The
//     name exists but has no record of the type: NODATA. Both carry the SOA. Case
//     does not matter, and answers keep the case of the question.
//   - D5: SRV for named ports, priority 0, weight 100/n rounded down and at least
//     1, addresses in the additional section.
//   - D6: PTR for cluster IPs and for endpoints. TXT dns-version is 1.1.0.
//   - D7: the TTL is the plugin's default of 5 s; kubeadm sets 30.
//   - D9: a pod searches <ns>.svc.<zone>, svc.<zone> and <zone>, with ndots 5; its
//     own name is in its /etc/hosts.
//
// Deviations and choices:
//
//   - The ra flag is set, as in the CoreDNS of 2018 that the seed article shows;
//     later versions leave it off ([Config.NoRecursion]).
//   - Nothing outside the cluster exists. A name outside the zone is NXDOMAIN
//     without authority, as a forwarder would pass it on ([Config.Outside]); the
//     target of an ExternalName outside the zone is named, and not followed. An
//     address that no Service or endpoint has is NXDOMAIN in the reverse zones,
//     where CoreDNS would ask further.
//   - Names of pods by address (<a-b-c-d>.<ns>.pod.<zone>) are answered unchecked,
//     which is kubeadm's "pods insecure".
//   - Records of one answer are sorted. CoreDNS shuffles them: every order is legal.
//   - A namespace exists if it is observed or if it holds a Service.
//   - The cache plugin is left out: there are no answers older than the watch.
//   - The stub resolver tries names as glibc does: after NODATA it goes on along
//     the search path (musl would stop).
package dns
