package table

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// containers writes containers under a title (describeContainers). Statuses
// and pod are nil for a template; indent is "" for a pod, two spaces for a
// template.
func (p *page) containers(indent, title string, containers []corev1.Container,
	statuses []corev1.ContainerStatus, pod *corev1.Pod) {
	empty := ""
	if len(containers) == 0 {
		empty = " <none>"
	}
	p.line(0, "%s%s:%s", indent, title, empty)
	for i := range containers {
		c := &containers[i]
		status := containerStatus(statuses, c.Name)
		p.line(1, "%s%s:", nameIndent(indent), c.Name)
		p.containerImage(c, status)
		p.containerCommand("Command", c.Command)
		p.containerCommand("Args", c.Args)
		if status != nil {
			p.containerState("State", &status.State)
			if status.LastTerminationState.Terminated != nil {
				p.containerState("Last State", &status.LastTerminationState)
			}
			p.line(2, "Ready:\t%s", boolText(status.Ready))
			p.line(2, "Restart Count:\t%d", status.RestartCount)
		}
		p.resources(2, &c.Resources)
		p.probe("Liveness", c.LivenessProbe)
		p.probe("Readiness", c.ReadinessProbe)
		p.probe("Startup", c.StartupProbe)
		p.envFrom(c.EnvFrom)
		p.env(c, pod)
		p.mounts(c)
	}
}

// nameIndent is what stands before a name in an indented list.
func nameIndent(indent string) string {
	if indent == "" {
		return ""
	}
	return " "
}

// containerStatus finds the status with a name; the last one counts.
func containerStatus(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := len(statuses) - 1; i >= 0; i-- {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}

func (p *page) containerImage(c *corev1.Container, status *corev1.ContainerStatus) {
	if status != nil {
		p.line(2, "Container ID:\t%s", status.ContainerID)
	}
	p.line(2, "Image:\t%s", c.Image)
	if status != nil {
		p.line(2, "Image ID:\t%s", status.ImageID)
	}
	ports := make([]string, len(c.Ports))
	hostPorts := make([]string, len(c.Ports))
	for i := range c.Ports {
		ports[i] = portText(c.Ports[i].ContainerPort, &c.Ports[i])
		hostPorts[i] = portText(c.Ports[i].HostPort, &c.Ports[i])
	}
	p.ports("Port", ports)
	p.ports("Host Port", hostPorts)
	if c.SecurityContext != nil {
		p.seccomp(2, 3, c.SecurityContext.SeccompProfile)
	}
}

// portText is "80/TCP (http)"; kubectl 1.33 left the name out.
func portText(number int32, port *corev1.ContainerPort) string {
	s := fmt.Sprintf("%d/%s", number, port.Protocol)
	if port.Name != "" {
		s += " (" + port.Name + ")"
	}
	return s
}

func (p *page) ports(title string, ports []string) {
	if len(ports) > 1 {
		title += "s"
	}
	p.line(2, "%s:\t%s", title, orNone(strings.Join(ports, ", ")))
}

func (p *page) containerCommand(title string, words []string) {
	if len(words) == 0 {
		return
	}
	p.line(2, "%s:", title)
	for _, word := range words {
		for _, s := range strings.Split(word, "\n") {
			p.line(3, "%s", s)
		}
	}
}

func (p *page) containerState(title string, state *corev1.ContainerState) {
	switch {
	case state.Running != nil:
		p.line(2, "%s:\tRunning", title)
		p.line(3, "Started:\t%s", date(state.Running.StartedAt))
	case state.Terminated != nil:
		end := state.Terminated
		p.line(2, "%s:\tTerminated", title)
		if end.Reason != "" {
			p.line(3, "Reason:\t%s", end.Reason)
		}
		if end.Message != "" {
			p.line(3, "Message:\t%s", end.Message)
		}
		p.line(3, "Exit Code:\t%d", end.ExitCode)
		if end.Signal > 0 {
			p.line(3, "Signal:\t%d", end.Signal)
		}
		p.line(3, "Started:\t%s", date(end.StartedAt))
		p.line(3, "Finished:\t%s", date(end.FinishedAt))
	default:
		p.line(2, "%s:\tWaiting", title)
		if state.Waiting != nil && state.Waiting.Reason != "" {
			p.line(3, "Reason:\t%s", state.Waiting.Reason)
		}
	}
}

func (p *page) resources(level int, r *corev1.ResourceRequirements) {
	for _, l := range [...]struct {
		title string
		list  corev1.ResourceList
	}{{"Limits", r.Limits}, {"Requests", r.Requests}} {
		if len(l.list) > 0 {
			p.line(level, "%s:", l.title)
		}
		for _, name := range sortedKeys(l.list) {
			q := l.list[name]
			p.line(level+1, "%s:\t%s", name, q.String())
		}
	}
}

func (p *page) probe(title string, probe *corev1.Probe) {
	if probe != nil {
		p.line(2, "%s:\t%s", title, probeText(probe))
	}
}

// probeText is a probe in one line (DescribeProbe).
func probeText(probe *corev1.Probe) string {
	attrs := fmt.Sprintf("delay=%ds timeout=%ds period=%ds successThreshold=%d failureThreshold=%d",
		probe.InitialDelaySeconds, probe.TimeoutSeconds, probe.PeriodSeconds,
		probe.SuccessThreshold, probe.FailureThreshold)
	switch {
	case probe.Exec != nil:
		return fmt.Sprintf("exec %v %s", probe.Exec.Command, attrs)
	case probe.HTTPGet != nil:
		get := probe.HTTPGet
		u := url.URL{Scheme: strings.ToLower(string(get.Scheme)), Host: get.Host, Path: get.Path}
		if port := get.Port.String(); port != "" {
			u.Host = net.JoinHostPort(get.Host, port)
		}
		return fmt.Sprintf("http-get %s %s", u.String(), attrs)
	case probe.TCPSocket != nil:
		return fmt.Sprintf("tcp-socket %s:%s %s", probe.TCPSocket.Host, probe.TCPSocket.Port.String(), attrs)
	case probe.GRPC != nil:
		service := ""
		if probe.GRPC.Service != nil {
			service = *probe.GRPC.Service
		}
		return fmt.Sprintf("grpc <pod>:%d %s %s", probe.GRPC.Port, service, attrs)
	}
	return "unknown " + attrs
}

// mounts writes the mounts by path and the devices by path.
func (p *page) mounts(c *corev1.Container) {
	empty := ""
	if len(c.VolumeMounts) == 0 {
		empty = "\t<none>"
	}
	p.line(2, "Mounts:%s", empty)
	mounts := slices.Clone(c.VolumeMounts)
	slices.SortStableFunc(mounts, func(a, b corev1.VolumeMount) int { return strings.Compare(a.MountPath, b.MountPath) })
	for i := range mounts {
		m := &mounts[i]
		flags := "rw"
		if m.ReadOnly {
			flags = "ro"
		}
		if m.SubPath != "" {
			flags += fmt.Sprintf(",path=%q", m.SubPath)
		}
		p.line(3, "%s from %s (%s)", m.MountPath, m.Name, flags)
	}
	if len(c.VolumeDevices) == 0 {
		return
	}
	p.line(2, "Devices:%s", empty)
	devices := slices.Clone(c.VolumeDevices)
	slices.SortStableFunc(devices, func(a, b corev1.VolumeDevice) int { return strings.Compare(a.DevicePath, b.DevicePath) })
	for _, d := range devices {
		p.line(3, "%s from %s", d.DevicePath, d.Name)
	}
}

func boolText(b bool) string {
	if b {
		return "True"
	}
	return "False"
}
