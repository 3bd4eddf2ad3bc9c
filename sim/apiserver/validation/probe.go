package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// lifecycleAndProbes: K20's probes and the hooks around a container's life.
func (c *check) lifecycleAndProbes(p path, ctr *corev1.Container, s *corev1.PodSpec) {
	grace := s.TerminationGracePeriodSeconds
	if l := ctr.Lifecycle; l != nil {
		at := p.child("lifecycle")
		if l.PostStart != nil {
			c.handler(at.child("postStart"), handler{l.PostStart.Exec, l.PostStart.HTTPGet, l.PostStart.TCPSocket, nil, l.PostStart.Sleep}, grace)
		}
		if l.PreStop != nil {
			c.handler(at.child("preStop"), handler{l.PreStop.Exec, l.PreStop.HTTPGet, l.PreStop.TCPSocket, nil, l.PreStop.Sleep}, grace)
		}
	}
	if r := ctr.LivenessProbe; r != nil {
		c.probe(p.child("livenessProbe"), r)
		c.successOnce(p.child("livenessProbe"), r)
	}
	if r := ctr.ReadinessProbe; r != nil {
		at := p.child("readinessProbe")
		c.probe(at, r)
		if r.TerminationGracePeriodSeconds != nil {
			c.invalid(at.child("terminationGracePeriodSeconds"), r.TerminationGracePeriodSeconds, "must not be set for readinessProbes")
		}
	}
	if r := ctr.StartupProbe; r != nil {
		c.probe(p.child("startupProbe"), r)
		c.successOnce(p.child("startupProbe"), r)
	}
}

func (c *check) successOnce(p path, r *corev1.Probe) {
	if r.SuccessThreshold != 1 {
		c.invalid(p.child("successThreshold"), r.SuccessThreshold, "must be 1")
	}
}

func (c *check) probe(p path, r *corev1.Probe) {
	c.handler(p, handler{r.Exec, r.HTTPGet, r.TCPSocket, r.GRPC, nil}, nil)
	nonNegative(c, p.child("initialDelaySeconds"), r.InitialDelaySeconds)
	nonNegative(c, p.child("timeoutSeconds"), r.TimeoutSeconds)
	nonNegative(c, p.child("periodSeconds"), r.PeriodSeconds)
	nonNegative(c, p.child("successThreshold"), r.SuccessThreshold)
	nonNegative(c, p.child("failureThreshold"), r.FailureThreshold)
	if g := r.TerminationGracePeriodSeconds; g != nil && *g <= 0 {
		c.invalid(p.child("terminationGracePeriodSeconds"), *g, "must be greater than 0")
	}
}

// handler is one of the ways to probe or to hook.
type handler struct {
	exec  *corev1.ExecAction
	http  *corev1.HTTPGetAction
	tcp   *corev1.TCPSocketAction
	grpc  *corev1.GRPCAction
	sleep *corev1.SleepAction
}

// handler is validateHandler: exactly one way.
func (c *check) handler(p path, h handler, grace *int64) {
	n := 0
	first := func(name string) bool {
		if n++; n > 1 {
			c.forbidden(p.child(name), "may not specify more than 1 handler type")
		}
		return n == 1
	}
	if h.exec != nil && first("exec") && len(h.exec.Command) == 0 {
		c.required(p.child("exec.command"), "")
	}
	if h.http != nil && first("httpGet") {
		c.httpGet(p.child("httpGet"), h.http)
	}
	if h.tcp != nil && first("tcpSocket") {
		c.portOrName(p.child("tcpSocket.port"), h.tcp.Port)
	}
	if h.grpc != nil && first("grpc") {
		c.portOrName(p.child("grpc.port"), intstr.FromInt32(h.grpc.Port))
	}
	if h.sleep != nil && first("sleep") && grace != nil && (h.sleep.Seconds < 0 || h.sleep.Seconds > *grace) {
		c.invalid(p.child("sleep"), h.sleep.Seconds, fmt.Sprintf("must be non-negative and less than terminationGracePeriodSeconds (%d)", *grace))
	}
	if n == 0 {
		c.required(p, "must specify a handler type")
	}
}

func (c *check) httpGet(p path, h *corev1.HTTPGetAction) {
	if h.Path == "" {
		c.required(p.child("path"), "")
	}
	c.portOrName(p.child("port"), h.Port)
	oneOf(c, p.child("scheme"), h.Scheme, corev1.URISchemeHTTP, corev1.URISchemeHTTPS)
	for i := range h.HTTPHeaders {
		if name := h.HTTPHeaders[i].Name; !isLabel(name) {
			c.msgs(p.child("httpHeaders"), name, validation.IsHTTPHeaderName(name))
		}
	}
}

// portOrName is ValidatePortNumOrName.
func (c *check) portOrName(p path, port intstr.IntOrString) {
	switch {
	case port.Type == intstr.String:
		c.msgs(p, port.StrVal, validation.IsValidPortName(port.StrVal))
	case port.IntVal < 1 || port.IntVal > 65535:
		c.invalid(p, port.IntVal, validation.InclusiveRangeError(1, 65535))
	}
}
