package defaults

import corev1 "k8s.io/api/core/v1"

// probe is SetDefaults_Probe (K20).
func probe(p *corev1.Probe) *corev1.Probe {
	o := own[corev1.Probe]{v: p}
	if p.TimeoutSeconds == 0 {
		o.write().TimeoutSeconds = 1
	}
	if p.PeriodSeconds == 0 {
		o.write().PeriodSeconds = 10
	}
	if p.SuccessThreshold == 0 {
		o.write().SuccessThreshold = 1
	}
	if p.FailureThreshold == 0 {
		o.write().FailureThreshold = 3
	}
	if h := p.HTTPGet; through(&h, httpGet) {
		o.write().HTTPGet = h
	}
	if p.GRPC != nil && p.GRPC.Service == nil {
		g := *p.GRPC
		g.Service = new(string)
		o.write().GRPC = &g
	}
	return o.v
}

func httpGet(h *corev1.HTTPGetAction) *corev1.HTTPGetAction {
	o := own[corev1.HTTPGetAction]{v: h}
	if h.Path == "" {
		o.write().Path = "/"
	}
	if h.Scheme == "" {
		o.write().Scheme = corev1.URISchemeHTTP
	}
	return o.v
}

func lifecycle(l *corev1.Lifecycle) *corev1.Lifecycle {
	o := own[corev1.Lifecycle]{v: l}
	if h := l.PostStart; through(&h, lifecycleHandler) {
		o.write().PostStart = h
	}
	if h := l.PreStop; through(&h, lifecycleHandler) {
		o.write().PreStop = h
	}
	return o.v
}

func lifecycleHandler(h *corev1.LifecycleHandler) *corev1.LifecycleHandler {
	o := own[corev1.LifecycleHandler]{v: h}
	if g := h.HTTPGet; through(&g, httpGet) {
		o.write().HTTPGet = g
	}
	return o.v
}
