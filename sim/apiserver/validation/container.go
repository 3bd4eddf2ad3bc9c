package validation

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// podParts is what the containers of a pod are checked against.
type podParts struct {
	spec *corev1.PodSpec
	vols []corev1.Volume // the valid ones
}

func (e *podParts) volume(name string) *corev1.Volume {
	for i := range e.vols {
		if e.vols[i].Name == name {
			return &e.vols[i]
		}
	}
	return nil
}

// containers is validateContainers.
func (c *check) containers(p path, e *podParts) {
	list := e.spec.Containers
	if len(list) == 0 {
		c.required(p, "")
		return
	}
	for i := range list {
		ctr, at := &list[i], p.at(i)
		c.container(at, ctr, e)
		if namedAmong(list[:i], ctr.Name) {
			c.duplicate(at.child("name"), ctr.Name)
		}
		c.lifecycleAndProbes(at, ctr, e.spec)
		c.restartRules(at, ctr.RestartPolicy, ctr.RestartPolicyRules)
	}
	c.hostPorts(p, list)
}

func namedAmong(list []corev1.Container, name string) bool {
	for i := range list {
		if list[i].Name == name {
			return true
		}
	}
	return false
}

// initContainers is validateInitContainers: those that restart for ever are
// sidecars and may have what containers have.
func (c *check) initContainers(p path, e *podParts) {
	list := e.spec.InitContainers
	for i := range list {
		ctr, at := &list[i], p.at(i)
		c.container(at, ctr, e)
		sidecar := false
		if ctr.RestartPolicy != nil {
			sidecar = *ctr.RestartPolicy == corev1.ContainerRestartPolicyAlways
			c.restartRules(at, ctr.RestartPolicy, ctr.RestartPolicyRules)
		} else if len(ctr.RestartPolicyRules) > 0 {
			c.required(at.child("restartPolicy"), "must specify restartPolicy when restart rules are used")
		}
		if namedAmong(e.spec.Containers, ctr.Name) || ctr.Name != "" && namedAmong(list[:i], ctr.Name) {
			c.duplicate(at.child("name"), ctr.Name)
		}
		c.hostPorts(p, list[i:i+1])
		if sidecar {
			c.lifecycleAndProbes(at, ctr, e.spec)
			continue
		}
		c.plainInit(at, ctr)
		resize := at.child("resizePolicy")
		for j, r := range ctr.ResizePolicy {
			if r.RestartPolicy == corev1.RestartContainer {
				at := resize.at(j)
				c.invalid(at.child("restartPolicy"), r.RestartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers")
			}
		}
	}
}

// plainInit: what an init container that ends must not have.
func (c *check) plainInit(p path, ctr *corev1.Container) {
	const detail = "may not be set for init containers without restartPolicy=Always"
	if ctr.Lifecycle != nil {
		c.forbidden(p.child("lifecycle"), detail)
	}
	if ctr.LivenessProbe != nil {
		c.forbidden(p.child("livenessProbe"), detail)
	}
	if ctr.ReadinessProbe != nil {
		c.forbidden(p.child("readinessProbe"), detail)
	}
	if ctr.StartupProbe != nil {
		c.forbidden(p.child("startupProbe"), detail)
	}
}

// ephemeralContainers checks what ephemeral containers share with others.
func (c *check) ephemeralContainers(p path, e *podParts) {
	list := e.spec.EphemeralContainers
	for i := range list {
		ctr, at := (*corev1.Container)(&list[i].EphemeralContainerCommon), p.at(i)
		c.container(at, ctr, e)
		taken := namedAmong(e.spec.Containers, ctr.Name) || namedAmong(e.spec.InitContainers, ctr.Name)
		for j := range list[:i] {
			taken = taken || list[j].Name == ctr.Name
		}
		if taken {
			c.duplicate(at.child("name"), ctr.Name)
		}
	}
}

// container is validateContainerCommon.
func (c *check) container(p path, ctr *corev1.Container, e *podParts) {
	if ctr.Name == "" {
		c.required(p.child("name"), "")
	} else {
		c.name(p.child("name"), ctr.Name, labelName)
	}
	if ctr.Image == "" {
		c.required(p.child("image"), "")
	}
	present(c, p.child("terminationMessagePolicy"), ctr.TerminationMessagePolicy, corev1.TerminationMessageReadFile, corev1.TerminationMessageFallbackToLogsOnError)
	c.ports(p.child("ports"), ctr.Ports)
	c.env(p.child("env"), ctr.Env)
	c.envFrom(p.child("envFrom"), ctr.EnvFrom)
	c.mounts(p.child("volumeMounts"), ctr, e)
	c.devices(p.child("volumeDevices"), ctr, e)
	c.pullPolicy(p.child("imagePullPolicy"), ctr.ImagePullPolicy)
	c.resources(p.child("resources"), &ctr.Resources, e.spec.ResourceClaims, containerResource)
	c.resizePolicy(p.child("resizePolicy"), ctr.ResizePolicy, e.spec.RestartPolicy)
	if ctr.SecurityContext != nil {
		c.security(p.child("securityContext"), ctr.SecurityContext, e.spec.HostUsers == nil || *e.spec.HostUsers)
	}
}

func (c *check) pullPolicy(p path, policy corev1.PullPolicy) {
	present(c, p, policy, corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)
}

// ports is validateContainerPorts.
func (c *check) ports(p path, ports []corev1.ContainerPort) {
	for i := range ports {
		port, at := &ports[i], p.at(i)
		if port.Name != "" {
			if msgs := validation.IsValidPortName(port.Name); len(msgs) > 0 {
				c.msgs(at.child("name"), port.Name, msgs)
			} else if slices.ContainsFunc(ports[:i], func(o corev1.ContainerPort) bool { return o.Name == port.Name }) {
				c.duplicate(at.child("name"), port.Name)
			}
		}
		if port.ContainerPort == 0 {
			c.required(at.child("containerPort"), "")
		} else {
			c.portNumber(at.child("containerPort"), port.ContainerPort)
		}
		if port.HostPort != 0 {
			c.portNumber(at.child("hostPort"), port.HostPort)
		}
		c.protocol(at.child("protocol"), port.Protocol)
	}
}

func (c *check) portNumber(p path, port int32) {
	if port < 1 || port > 65535 {
		c.invalid(p, port, validation.InclusiveRangeError(1, 65535))
	}
}

func (c *check) protocol(p path, protocol corev1.Protocol) {
	present(c, p, protocol, corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP)
}

// hostPorts is checkHostPortConflicts.
func (c *check) hostPorts(p path, containers []corev1.Container) {
	var taken []string
	for i := range containers {
		for j := range containers[i].Ports {
			port := &containers[i].Ports[j]
			if port.HostPort == 0 {
				continue
			}
			id := fmt.Sprintf("%s/%s/%d", port.Protocol, port.HostIP, port.HostPort)
			if slices.Contains(taken, id) {
				at := p.at(i)
				ports := at.child("ports")
				one := ports.at(j)
				c.duplicate(one.child("hostPort"), id)
			} else {
				taken = append(taken, id)
			}
		}
	}
}

// hostNetwork is validatePodHostNetworkDeps.
func (c *check) hostNetwork(p path, s *corev1.PodSpec) {
	for i := range s.Containers {
		at := p.at(i)
		ports := at.child("ports")
		for j, port := range s.Containers[i].Ports {
			if (c.isPod || port.HostPort != 0) && port.HostPort != port.ContainerPort {
				one := ports.at(j)
				c.invalid(one.child("hostPort"), port.HostPort, "must match `containerPort` when `hostNetwork` is true")
			}
		}
	}
}

// resizePolicy is validateResizePolicy.
func (c *check) resizePolicy(p path, list []corev1.ContainerResizePolicy, restart corev1.RestartPolicy) {
	for i, r := range list {
		if slices.ContainsFunc(list[:i], func(o corev1.ContainerResizePolicy) bool { return o.ResourceName == r.ResourceName }) {
			c.duplicate(p.at(i), r.ResourceName)
		}
		present(c, p, r.ResourceName, corev1.ResourceCPU, corev1.ResourceMemory)
		present(c, p, r.RestartPolicy, corev1.NotRequired, corev1.RestartContainer)
		if restart == corev1.RestartPolicyNever && r.RestartPolicy != corev1.NotRequired {
			c.invalid(p, r.RestartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")
		}
	}
}

// restartRules is validateContainerRestartPolicy.
func (c *check) restartRules(p path, policy *corev1.ContainerRestartPolicy, rules []corev1.ContainerRestartRule) {
	if policy == nil && len(rules) == 0 {
		return
	}
	if policy == nil {
		c.required(p.child("restartPolicy"), "must specify restartPolicy when restart rules are used")
	} else {
		oneOf(c, p.child("restartPolicy"), *policy, corev1.ContainerRestartPolicyAlways, corev1.ContainerRestartPolicyNever, corev1.ContainerRestartPolicyOnFailure)
	}
	at := p.child("restartPolicyRules")
	if len(rules) > 20 {
		c.errs = append(c.errs, field.TooMany(at.field(), len(rules), 20))
	}
	for i, r := range rules {
		rule := at.at(i)
		oneOf(c, rule.child("action"), r.Action, corev1.ContainerRestartRuleActionRestart, corev1.ContainerRestartRuleActionRestartAllContainers)
		codes := rule.child("exitCodes")
		if r.ExitCodes == nil {
			c.required(codes, "must be specified")
			continue
		}
		oneOf(c, codes.child("operator"), r.ExitCodes.Operator, corev1.ContainerRestartRuleOnExitCodesOpIn, corev1.ContainerRestartRuleOnExitCodesOpNotIn)
		if n := len(r.ExitCodes.Values); n > 255 {
			values := codes.child("values")
			c.errs = append(c.errs, field.TooMany(values.field(), n, 255))
		}
	}
}

// mounts is ValidateVolumeMounts. That some paths lack the index is upstream's.
func (c *check) mounts(p path, ctr *corev1.Container, e *podParts) {
	for i := range ctr.VolumeMounts {
		m, at := &ctr.VolumeMounts[i], p.at(i)
		if m.Name == "" {
			c.required(at.child("name"), "")
		}
		if e.volume(m.Name) == nil {
			c.notFound(at.child("name"), m.Name)
		}
		if m.MountPath == "" {
			c.required(at.child("mountPath"), "")
		}
		for j := range ctr.VolumeMounts[:i] {
			if ctr.VolumeMounts[j].MountPath == m.MountPath {
				c.invalid(at.child("mountPath"), m.MountPath, "must be unique")
				break
			}
		}
		if slices.ContainsFunc(ctr.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == m.Name }) {
			c.invalid(at.child("name"), m.Name, "must not already exist in volumeDevices")
		}
		if slices.ContainsFunc(ctr.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.DevicePath == m.MountPath }) {
			c.invalid(at.child("mountPath"), m.MountPath, "must not already exist as a path in volumeDevices")
		}
		if m.SubPath != "" {
			c.relative(p.child("subPath"), m.SubPath)
		}
		if m.SubPathExpr != "" {
			if m.SubPath != "" {
				c.invalid(at.child("subPathExpr"), m.SubPathExpr, "subPathExpr and subPath are mutually exclusive")
			}
			c.relative(p.child("subPathExpr"), m.SubPathExpr)
		}
		c.mountModes(p, m, ctr)
	}
}

func (c *check) mountModes(p path, m *corev1.VolumeMount, ctr *corev1.Container) {
	if mode := m.MountPropagation; mode != nil {
		at := p.child("mountPropagation")
		oneOf(c, at, *mode, corev1.MountPropagationBidirectional, corev1.MountPropagationHostToContainer, corev1.MountPropagationNone)
		sc := ctr.SecurityContext
		if *mode == corev1.MountPropagationBidirectional && (sc == nil || sc.Privileged == nil || !*sc.Privileged) {
			c.forbidden(at, "Bidirectional mount propagation is available only to privileged containers")
		}
	}
	if m.RecursiveReadOnly == nil {
		return
	}
	at := p.child("recursiveReadOnly")
	oneOf(c, at, *m.RecursiveReadOnly, corev1.RecursiveReadOnlyDisabled, corev1.RecursiveReadOnlyEnabled, corev1.RecursiveReadOnlyIfPossible)
	if mode := *m.RecursiveReadOnly; mode == corev1.RecursiveReadOnlyEnabled || mode == corev1.RecursiveReadOnlyIfPossible {
		if !m.ReadOnly {
			c.forbidden(at, "may only be specified when readOnly is true")
		}
		if m.MountPropagation != nil && *m.MountPropagation != corev1.MountPropagationNone {
			c.forbidden(at, "may only be specified when mountPropagation is None or not specified")
		}
	}
}

// devices is ValidateVolumeDevices.
func (c *check) devices(p path, ctr *corev1.Container, e *podParts) {
	for i := range ctr.VolumeDevices {
		d, at := &ctr.VolumeDevices[i], p.at(i)
		before := ctr.VolumeDevices[:i]
		if d.Name == "" {
			c.required(at.child("name"), "")
		}
		if d.Name != "" && slices.ContainsFunc(before, func(o corev1.VolumeDevice) bool { return o.Name == d.Name }) {
			c.invalid(at.child("name"), d.Name, "must be unique")
		}
		switch v := e.volume(d.Name); {
		case v == nil:
			c.notFound(at.child("name"), d.Name)
		case v.PersistentVolumeClaim == nil && v.Ephemeral == nil:
			c.invalid(at.child("name"), d.Name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode")
		}
		if d.DevicePath == "" {
			c.required(at.child("devicePath"), "")
		}
		if slices.ContainsFunc(before, func(o corev1.VolumeDevice) bool { return o.DevicePath == d.DevicePath && !hasBackstep(o.DevicePath) }) {
			c.invalid(at.child("devicePath"), d.DevicePath, "must be unique")
		}
		if hasBackstep(d.DevicePath) {
			c.invalid(at.child("devicePath"), d.DevicePath, "can not contain backsteps ('..')")
		}
		if slices.ContainsFunc(ctr.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == d.Name }) {
			c.invalid(at.child("name"), d.Name, "must not already exist in volumeMounts")
		}
		if slices.ContainsFunc(ctr.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == d.DevicePath }) {
			c.invalid(at.child("devicePath"), d.DevicePath, "must not already exist as a path in volumeMounts")
		}
	}
}

func hasBackstep(s string) bool {
	return strings.Contains(s, "..") && slices.Contains(strings.Split(s, "/"), "..")
}
