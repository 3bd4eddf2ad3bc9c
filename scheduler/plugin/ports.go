package plugin

import corev1 "k8s.io/api/core/v1"

const reasonPorts = "node(s) didn't have free ports for the requested pod ports"

// hostPort is a port of the host that a container wants.
type hostPort struct {
	ip       string
	protocol corev1.Protocol
	port     int32
}

// anyIP conflicts with every address.
const anyIP = "0.0.0.0"

// portsOf returns the host ports of the containers and the sidecars
// (GetHostPorts).
func portsOf(pod *corev1.Pod) []hostPort {
	var ports []hostPort
	add := func(c *corev1.Container) {
		for _, p := range c.Ports {
			if p.HostPort <= 0 {
				continue
			}
			h := hostPort{p.HostIP, p.Protocol, p.HostPort}
			if h.ip == "" {
				h.ip = anyIP
			}
			if h.protocol == "" {
				h.protocol = corev1.ProtocolTCP
			}
			ports = append(ports, h)
		}
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i])
	}
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			add(c)
		}
	}
	return ports
}

func (a hostPort) conflicts(b hostPort) bool {
	return a.port == b.port && a.protocol == b.protocol && (a.ip == b.ip || a.ip == anyIP || b.ip == anyIP)
}

func anyConflict(a, b []hostPort) bool {
	for _, x := range a {
		for _, y := range b {
			if x.conflicts(y) {
				return true
			}
		}
	}
	return false
}

// filterPorts is NodePorts.Filter (C1).
func (c *Cycle) filterPorts(n *Node) Status {
	for _, p := range n.pods {
		if len(p.ports) > 0 && anyConflict(c.pod.ports, p.ports) {
			return unschedulable(NodePorts, reasonPorts)
		}
	}
	return Status{}
}
