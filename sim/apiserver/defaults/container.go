package defaults

import (
	corev1 "k8s.io/api/core/v1"
)

// container is SetDefaults_Container with the defaults of what a container
// holds.
func container(c *corev1.Container) *corev1.Container {
	o := own[corev1.Container]{v: c}
	if c.ImagePullPolicy == "" {
		o.write().ImagePullPolicy = pullPolicy(c.Image)
	}
	if c.TerminationMessagePath == "" {
		o.write().TerminationMessagePath = corev1.TerminationMessagePathDefault
	}
	if c.TerminationMessagePolicy == "" {
		o.write().TerminationMessagePolicy = corev1.TerminationMessageReadFile
	}
	ports, env := c.Ports, c.Env
	if each(&ports, containerPort) {
		o.write().Ports = ports
	}
	if each(&env, envVar) {
		o.write().Env = env
	}
	if limits := c.Resources.Limits; resourceList(&limits) {
		o.write().Resources.Limits = limits
	}
	if requests := c.Resources.Requests; resourceList(&requests) {
		o.write().Resources.Requests = requests
	}
	if p := c.LivenessProbe; through(&p, probe) {
		o.write().LivenessProbe = p
	}
	if p := c.ReadinessProbe; through(&p, probe) {
		o.write().ReadinessProbe = p
	}
	if p := c.StartupProbe; through(&p, probe) {
		o.write().StartupProbe = p
	}
	if l := c.Lifecycle; through(&l, lifecycle) {
		o.write().Lifecycle = l
	}
	return o.v
}

func ephemeralContainer(e *corev1.EphemeralContainer) *corev1.EphemeralContainer {
	old := (*corev1.Container)(&e.EphemeralContainerCommon)
	n := container(old)
	if n == old {
		return e
	}
	c := *e
	c.EphemeralContainerCommon = corev1.EphemeralContainerCommon(*n)
	return &c
}

func containerPort(p *corev1.ContainerPort) *corev1.ContainerPort {
	o := own[corev1.ContainerPort]{v: p}
	if p.Protocol == "" {
		o.write().Protocol = corev1.ProtocolTCP
	}
	return o.v
}

func envVar(e *corev1.EnvVar) *corev1.EnvVar {
	o := own[corev1.EnvVar]{v: e}
	if v := e.ValueFrom; through(&v, envVarSource) {
		o.write().ValueFrom = v
	}
	return o.v
}

func envVarSource(s *corev1.EnvVarSource) *corev1.EnvVarSource {
	o := own[corev1.EnvVarSource]{v: s}
	if f := s.FieldRef; through(&f, fieldSelector) {
		o.write().FieldRef = f
	}
	if f := s.FileKeyRef; through(&f, fileKeySelector) {
		o.write().FileKeyRef = f
	}
	return o.v
}

func fieldSelector(s *corev1.ObjectFieldSelector) *corev1.ObjectFieldSelector {
	o := own[corev1.ObjectFieldSelector]{v: s}
	if s.APIVersion == "" {
		o.write().APIVersion = "v1"
	}
	return o.v
}

func fileKeySelector(s *corev1.FileKeySelector) *corev1.FileKeySelector {
	o := own[corev1.FileKeySelector]{v: s}
	if s.Optional == nil {
		o.write().Optional = new(bool)
	}
	return o.v
}
