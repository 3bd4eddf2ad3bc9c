package apiserver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/statefulsim/statefulsim/sim/apiserver"
)

func service(name string, edit func(*corev1.ServiceSpec)) *corev1.Service {
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"a": "b"}, Ports: []corev1.ServicePort{{Port: 80}}}}
	edit(&svc.Spec)
	return svc
}

// What a Service takes, others cannot have until it is gone, and a Service that
// is refused takes nothing.
func TestServiceAllocation(t *testing.T) {
	s := newServer(t)
	ip := func(spec *corev1.ServiceSpec) { spec.ClusterIP = "10.96.0.9" }
	bad := service("Bad", ip)
	require.Error(t, do(s, requestFor(apiserver.Create, bad)).Err)
	create(t, s, service("a", ip))
	refusal(t, 422, `Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.9"]: failed to allocate IP 10.96.0.9: provided IP is already allocated`,
		do(s, requestFor(apiserver.Create, service("b", ip))).Err)
	refusal(t, 422, `Service "a" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.9"]: failed to allocate IP 10.96.0.9: provided IP is already allocated`,
		do(s, requestFor(apiserver.Create, service("a", ip))).Err)
	refusal(t, 422, `Service "b" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services`,
		do(s, requestFor(apiserver.Create, service("b", func(spec *corev1.ServiceSpec) {
			policy := corev1.IPFamilyPolicyRequireDualStack
			spec.IPFamilyPolicy = &policy
		}))).Err)
	require.NoError(t, do(s, requestFor(apiserver.Delete, service("a", ip))).Err)
	create(t, s, service("b", ip))
}

func TestServicePorts(t *testing.T) {
	s := newServer(t)
	port := func(n int32) func(*corev1.ServiceSpec) {
		return func(spec *corev1.ServiceSpec) { spec.Type, spec.Ports[0].NodePort = corev1.ServiceTypeNodePort, n }
	}
	create(t, s, service("a", port(30005)))
	refusal(t, 422, `Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30005: provided port is already allocated`, do(s, requestFor(apiserver.Create, service("b", port(30005)))).Err)
	refusal(t, 422, `Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767`,
		do(s, requestFor(apiserver.Create, service("b", port(80)))).Err)
	patch := func(text string) apiserver.Result {
		req := requestFor(apiserver.Patch, service("a", port(0)))
		req.Patch = apiserver.RawPatch{Data: text}
		return do(s, req)
	}
	refusal(t, 500, `duplicate nodePort: {TCP 30005}`, patch(`{"spec":{"ports":[{"port":81,"name":"x","nodePort":30005}]}}`).Err)
	res := patch(`{"spec":{"type":"LoadBalancer","externalTrafficPolicy":"Local"}}`)
	require.NoError(t, res.Err)
	assert.NotZero(t, res.Object.(*corev1.Service).Spec.HealthCheckNodePort)
	res = patch(`{"spec":{"type":"ExternalName","externalName":"x.y"}}`)
	require.NoError(t, res.Err)
	spec := res.Object.(*corev1.Service).Spec
	assert.Zero(t, spec.HealthCheckNodePort)
	assert.Zero(t, spec.Ports[0].NodePort)
	assert.Empty(t, spec.ClusterIPs)
	assert.Nil(t, spec.InternalTrafficPolicy, "is never shown")
	create(t, s, service("b", port(30005)))
}
