package apiserver

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/statefulsim/statefulsim/sim/apiserver/validation"
)

// serviceRange is the network that cluster IPs come from.
var serviceRange = netip.MustParsePrefix("10.96.0.0/12")

const (
	nodePortMin   = 30000
	nodePortCount = 2768
)

// allocation is what a Service takes and gives back once it is stored (the
// transactions of the Service's storage). Addresses and ports are drawn by a
// hash of its key. This is a cluster of IPv4 alone.
type allocation struct {
	server *Server
	svc    *corev1.Service
	key    Key
	taken  []string // addresses, and ports as portID
	freed  []string
}

func portID(port int32) string { return fmt.Sprintf("port/%d", port) }

// allocate gives a Service its cluster IP, IP families and ports, before the
// strategy sees it. old is nil for a new object. Other kinds need none. The
// result is to be committed when the object is stored.
func (s *Server) allocate(obj, old Object) (*allocation, error) {
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return nil, nil
	}
	a := &allocation{server: s, svc: svc, key: KeyOf(svc)}
	was, _ := old.(*corev1.Service)
	validation.KeepAllocated(svc, was)
	if err := a.families(was); err != nil {
		return nil, err
	}
	if err := a.address(was); err != nil {
		return nil, err
	}
	if err := a.ports(was); err != nil {
		return nil, err
	}
	return a, a.healthPort(was)
}

// hide empties what upstream stores of an ExternalName Service, but never shows
// (defaultOnReadInternalTrafficPolicy).
func hide(obj Object) {
	if svc, ok := obj.(*corev1.Service); ok && svc.Spec.Type == corev1.ServiceTypeExternalName {
		svc.Spec.InternalTrafficPolicy = nil
	}
}

// commit takes and frees what allocate has chosen. A nil allocation is none.
func (a *allocation) commit() {
	if a == nil {
		return
	}
	for _, id := range a.freed {
		delete(*a.server.ips.Write(), id)
	}
	for _, id := range a.taken {
		(*a.server.ips.Write())[id] = a.key
	}
}

func (a *allocation) invalid(errs ...*field.Error) error {
	return apierrors.NewInvalid(Service.GroupVersionKind().GroupKind(), a.svc.Name, errs)
}

// families fills policy and families (initIPFamilyFields).
func (a *allocation) families(was *corev1.Service) error {
	s := &a.svc.Spec
	if s.Type == corev1.ServiceTypeExternalName || a.keepsPreference(was) {
		return nil
	}
	selectorless := s.ClusterIP == corev1.ClusterIPNone && len(s.Selector) == 0
	if s.IPFamilyPolicy == nil {
		policy := corev1.IPFamilyPolicySingleStack
		switch {
		case was != nil && was.Spec.IPFamilyPolicy != nil:
			policy = *was.Spec.IPFamilyPolicy
		case selectorless:
			policy = corev1.IPFamilyPolicyRequireDualStack
		}
		s.IPFamilyPolicy = &policy
	}
	if errs := validation.ClusterIPs(a.svc, was); len(errs) > 0 {
		return a.invalid(errs...)
	}
	single := *s.IPFamilyPolicy == corev1.IPFamilyPolicySingleStack
	if err := a.consistent(was, single); err != nil {
		return err
	}
	if selectorless {
		a.selectorless(single)
		return nil
	}
	var errs []*field.Error
	if *s.IPFamilyPolicy == corev1.IPFamilyPolicyRequireDualStack {
		errs = append(errs, field.Invalid(field.NewPath("spec", "ipFamilyPolicy"), s.IPFamilyPolicy, "this cluster is not configured for dual-stack services"))
	}
	for i, f := range s.IPFamilies {
		if f != corev1.IPv4Protocol {
			errs = append(errs, field.Invalid(field.NewPath("spec", "ipFamilies").Index(i), f, "not configured on this cluster"))
		}
	}
	if len(errs) > 0 {
		return a.invalid(errs...)
	}
	if len(s.IPFamilies) == 0 {
		s.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
	return nil
}

// keepsPreference reports whether an update leaves the addresses of a Service
// that prefers two stacks as they are (isMatchingPreferDualStackClusterIPFields).
func (a *allocation) keepsPreference(was *corev1.Service) bool {
	s := &a.svc.Spec
	prefers := func(p *corev1.IPFamilyPolicy) bool { return *p == corev1.IPFamilyPolicyPreferDualStack }
	return was != nil && s.IPFamilyPolicy != nil && prefers(s.IPFamilyPolicy) && was.Spec.Type == s.Type &&
		(was.Spec.IPFamilyPolicy == nil || prefers(was.Spec.IPFamilyPolicy)) &&
		slices.Equal(was.Spec.ClusterIPs, s.ClusterIPs) && slices.Equal(was.Spec.IPFamilies, s.IPFamilies)
}

// consistent holds policy, families and addresses to each other, and infers
// families from addresses.
func (a *allocation) consistent(was *corev1.Service, single bool) error {
	s, policy := &a.svc.Spec, field.NewPath("spec", "ipFamilyPolicy")
	var errs []*field.Error
	add := func(p *field.Path, value any, why string) { errs = append(errs, field.Invalid(p, value, why)) }
	switch {
	case was == nil:
	case single:
		if slices.Equal(was.Spec.ClusterIPs, s.ClusterIPs) && len(s.ClusterIPs) > 1 {
			s.ClusterIPs = s.ClusterIPs[:1:1]
		}
		if slices.Equal(was.Spec.IPFamilies, s.IPFamilies) && len(s.IPFamilies) > 1 {
			s.IPFamilies = s.IPFamilies[:1:1]
		}
	default:
		if n := len(s.ClusterIPs); n > 0 && n < len(was.Spec.ClusterIPs) {
			add(policy, s.IPFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP")
		}
		if n := len(s.IPFamilies); n > 0 && n < len(was.Spec.IPFamilies) {
			add(policy, s.IPFamilyPolicy, "must be 'SingleStack' to release the secondary IP family")
		}
	}
	if single && len(s.ClusterIPs) == 2 {
		add(policy, s.IPFamilyPolicy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified")
	}
	if single && len(s.IPFamilies) == 2 {
		add(policy, s.IPFamilyPolicy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified")
	}
	for i, ip := range s.ClusterIPs {
		if ip == corev1.ClusterIPNone {
			break
		}
		if i < len(s.IPFamilies) {
			continue
		}
		if addr, err := netip.ParseAddr(ip); err == nil && addr.Is6() {
			add(field.NewPath("spec", "clusterIPs").Index(i), s.ClusterIPs, "IPv6 is not configured on this cluster")
		} else {
			s.IPFamilies = append(slices.Clip(s.IPFamilies), corev1.IPv4Protocol)
		}
	}
	if len(errs) > 0 {
		return a.invalid(errs...)
	}
	return nil
}

// selectorless gives a headless Service without a selector its families: it may
// have those that the cluster has not.
func (a *allocation) selectorless(single bool) {
	s := &a.svc.Spec
	if len(s.IPFamilies) == 0 {
		s.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
	if single || len(s.IPFamilies) > 1 {
		return
	}
	other := corev1.IPv6Protocol
	if s.IPFamilies[0] == corev1.IPv6Protocol {
		other = corev1.IPv4Protocol
	}
	s.IPFamilies = append(slices.Clip(s.IPFamilies), other)
}

// address takes a cluster IP for a Service that needs one for the first time, and
// frees that of one that needs none any more (allocClusterIPs,
// updateClusterIPs).
func (a *allocation) address(was *corev1.Service) error {
	const external = corev1.ServiceTypeExternalName
	s := &a.svc.Spec
	switch {
	case was == nil, was.Spec.Type == external && s.Type != external:
	case was.Spec.ClusterIP != corev1.ClusterIPNone && was.Spec.Type != external && s.Type == external:
		a.freed = append(a.freed, was.Spec.ClusterIPs...)
		return nil
	default:
		return nil
	}
	if s.Type == external || s.ClusterIP == corev1.ClusterIPNone || len(s.IPFamilies) == 0 {
		return nil
	}
	if len(s.ClusterIPs) == 0 {
		s.ClusterIP = a.server.freeIP(a.key)
		s.ClusterIPs = []string{s.ClusterIP}
		a.taken = append(a.taken, s.ClusterIP)
		return nil
	}
	ip := s.ClusterIPs[0]
	var why string
	if addr, err := netip.ParseAddr(ip); err != nil || !serviceRange.Contains(addr) {
		why = fmt.Sprintf("the provided IP (%s) is not in the valid range. The range of valid IPs is %s", ip, serviceRange)
	} else if a.isTaken(ip) {
		why = "provided IP is already allocated"
	}
	if why != "" {
		return a.invalid(field.Invalid(field.NewPath("spec", "clusterIPs"), s.ClusterIPs, "failed to allocate IP "+ip+": "+why))
	}
	a.taken = append(a.taken, ip)
	return nil
}

// isTaken reports whether an address or a port is in use, or was chosen by this
// allocation. What it frees is in use until it is committed.
func (a *allocation) isTaken(id string) bool {
	_, taken := (*a.server.ips.Read())[id]
	return taken || slices.Contains(a.taken, id)
}

// freeIP returns an unused address of the service range.
func (s *Server) freeIP(key Key) string {
	const hosts = 1<<20 - 2
	n := s.engine.Hash("cluster-ip", key.String())
	base := serviceRange.Addr().As4()
	for ; ; n++ {
		host := uint32(n%hosts) + 1
		ip := netip.AddrFrom4([4]byte{base[0], base[1] + byte(host>>16), byte(host >> 8), byte(host)}).String()
		if _, taken := (*s.ips.Read())[ip]; !taken {
			return ip
		}
	}
}

var errPortTaken = errors.New("provided port is already allocated")

// takePort takes a port that was asked for.
func (a *allocation) takePort(port int32) error {
	if port < nodePortMin || port >= nodePortMin+nodePortCount {
		return fmt.Errorf("provided port is not in the valid range. The range of valid ports is %d-%d", nodePortMin, nodePortMin+nodePortCount-1)
	}
	if a.isTaken(portID(port)) {
		return errPortTaken
	}
	a.taken = append(a.taken, portID(port))
	return nil
}

// nextPort takes a port by a hash of what it is for.
func (a *allocation) nextPort(what string) int32 {
	n := a.server.engine.Hash("node-port", a.key.String()+"/"+what)
	for ; ; n++ {
		port := nodePortMin + int32(n%nodePortCount)
		if a.takePort(port) == nil {
			return port
		}
	}
}
