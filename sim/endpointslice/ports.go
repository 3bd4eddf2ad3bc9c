package endpointslice

import (
	"encoding/hex"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/dump"
)

// portKey stands for a set of endpoint ports: all endpoints of a slice have the
// same ports, so slices are grouped by it (NewPortMapKey). No ports at all is
// the empty key.
type portKey string

// portSet is the ports of an endpoint with their key.
type portSet struct {
	key  portKey
	list []discoveryv1.EndpointPort `state:"immutable"`
}

func portSetOf(pod *corev1.Pod, service *corev1.Service) portSet {
	list := portsOf(pod, service)
	return portSet{portKeyOf(list), list}
}

func portKeyOf(ports []discoveryv1.EndpointPort) portKey {
	if len(ports) == 0 {
		return ""
	}
	list := make([]string, len(ports))
	for i := range ports {
		list[i] = portText(&ports[i])
	}
	slices.Sort(list)
	return portKey(strings.Join(list, ","))
}

// portText is an injective text of a port: absent and empty fields differ.
func portText(p *discoveryv1.EndpointPort) string {
	var b strings.Builder
	field := func(s *string) {
		if s != nil {
			b.WriteString(strconv.Quote(*s))
		}
		b.WriteByte(':')
	}
	field(p.Name)
	field((*string)(p.Protocol))
	field(p.AppProtocol)
	if p.Port != nil {
		b.WriteString(strconv.Itoa(int(*p.Port)))
	}
	return b.String()
}

// portsOf lists the ports of a pod's endpoint under a Service, in the order in
// which upstream stores them (getEndpointPorts). A target port that the pod does
// not name is left out. A headless Service may have no ports.
func portsOf(pod *corev1.Pod, service *corev1.Service) []discoveryv1.EndpointPort {
	ports := make([]discoveryv1.EndpointPort, 0, len(service.Spec.Ports))
	for i := range service.Spec.Ports {
		sp := &service.Spec.Ports[i]
		number, ok := targetPort(pod, sp)
		if !ok {
			continue
		}
		ports = append(ports, discoveryv1.EndpointPort{
			Name: &sp.Name, Port: &number, Protocol: &sp.Protocol, AppProtocol: sp.AppProtocol,
		})
	}
	sortPorts(ports)
	return ports
}

// isPortNamed reports whether any target port has to be looked up in the pods,
// so that pods of one Service may differ in their ports.
func isPortNamed(service *corev1.Service) bool {
	return slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool {
		return p.TargetPort.Type == intstr.String
	})
}

// targetPort finds the number that a service port means in a pod: named ports
// are looked up in the containers, then in the sidecars (FindPort).
func targetPort(pod *corev1.Pod, sp *corev1.ServicePort) (int32, bool) {
	if sp.TargetPort.Type == intstr.Int {
		return sp.TargetPort.IntVal, true
	}
	for i := range pod.Spec.Containers {
		if n, ok := namedPort(&pod.Spec.Containers[i], sp); ok {
			return n, true
		}
	}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			continue
		}
		if n, ok := namedPort(c, sp); ok {
			return n, true
		}
	}
	return 0, false
}

func namedPort(c *corev1.Container, sp *corev1.ServicePort) (int32, bool) {
	for i := range c.Ports {
		if p := &c.Ports[i]; p.Name == sp.TargetPort.StrVal && p.Protocol == sp.Protocol {
			return p.ContainerPort, true
		}
	}
	return 0, false
}

// sortPorts orders ports as upstream stores them: by a hash of each.
func sortPorts(ports []discoveryv1.EndpointPort) {
	if len(ports) < 2 {
		return
	}
	hash := func(p discoveryv1.EndpointPort) string {
		h := fnv.New128a()
		io.WriteString(h, dump.ForHash(p))
		return hex.EncodeToString(h.Sum(nil))
	}
	slices.SortFunc(ports, func(a, b discoveryv1.EndpointPort) int { return strings.Compare(hash(a), hash(b)) })
}
