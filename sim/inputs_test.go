package sim_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/manifest"
)

// Files that a v1.37.2 server and kubectl took, applied twice; the actions and what
// is stored are what they answered.
func TestInputs(t *testing.T) {
	apply := func(t *testing.T, name string, want ...string) *sim.Cluster {
		t.Helper()
		c := sim.New(sim.Config{})
		for range 2 {
			applied, err := c.ApplyFiles("testdata/inputs/" + name + ".yaml")
			require.NoError(t, err)
			for _, a := range applied {
				require.NotEmpty(t, want, "%s %s", a.Key, a.Action)
				assert.Equal(t, want[0], a.Key.Name+" "+a.Action)
				want = want[1:]
			}
		}
		assert.Empty(t, want)
		return c
	}
	t.Run("dup", func(t *testing.T) {
		c := apply(t, "dup", "dup created", "dup unchanged")
		m, err := sim.Get[*corev1.ConfigMap](c, "default", "dup")
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"a": "2"}, m.Data)
		assert.Equal(t, `{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"dup","namespace":"default"}}`+"\n",
			m.Annotations[manifest.LastApplied])
	})
	t.Run("dupobj", func(t *testing.T) { apply(t, "dupobj", "a created", "a unchanged", "a unchanged", "a unchanged") })
	t.Run("nulldoc", func(t *testing.T) { apply(t, "nulldoc", "a created", "b created", "a unchanged", "b unchanged") })
	t.Run("apiservice", func(t *testing.T) {
		c := apply(t, "apiservice", "v1beta1.metrics.k8s.io created", "v1beta1.metrics.k8s.io unchanged")
		s, err := sim.Get[*apiregistrationv1.APIService](c, "", "v1beta1.metrics.k8s.io")
		require.NoError(t, err)
		require.NotNil(t, s.Spec.Service.Port)
		assert.Equal(t, int32(443), *s.Spec.Service.Port, "a default of the server's")
	})
	t.Run("status", func(t *testing.T) {
		c := sim.New(sim.Config{})
		applied, err := c.ApplyFiles("testdata/inputs/status.yaml")
		require.NoError(t, err)
		assert.Equal(t, "created", applied[0].Action)
		set, err := sim.Get[*appsv1.StatefulSet](c, "default", "st")
		require.NoError(t, err)
		assert.NotEqual(t, "aaaa", string(set.UID))
		assert.NotEqual(t, "123", set.ResourceVersion)
		assert.Equal(t, int64(1), set.Generation)
		assert.Zero(t, set.Status.CurrentReplicas)
		assert.Len(t, set.Annotations, 1)
		_, err = c.ApplyFiles("testdata/inputs/status.yaml") // asks for version 123
		var refusal *manifest.Error
		require.ErrorAs(t, err, &refusal)
		assert.True(t, apierrors.IsConflict(errors.Unwrap(refusal)))
		assert.ErrorContains(t, err, `Operation cannot be fulfilled on statefulsets.apps "st": the object has been modified; please apply your changes to the latest version and try again`)
		_, err = c.Get(apiserver.StatefulSet, "default", "st")
		require.NoError(t, err)
	})
}

// Whatever is dumped with its status is stored without, of every kind that has one
// (PrepareForCreate of its strategy), and a generation that is the server's.
func TestStatusIsTheServers(t *testing.T) {
	c := sim.New(sim.Config{})
	_, err := c.Apply(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, generation: 7}
spec: {defaultBackend: {service: {name: s, port: {number: 80}}}}
status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: j, generation: 7}
spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}
status: {lastScheduleTime: "2026-01-01T00:00:00Z"}
`)
	require.NoError(t, err)
	i, err := sim.Get[*networkingv1.Ingress](c, "", "i")
	require.NoError(t, err)
	assert.Zero(t, i.Status)
	assert.Equal(t, int64(1), i.Generation)
	j, err := sim.Get[*batchv1.CronJob](c, "", "j")
	require.NoError(t, err)
	assert.Zero(t, j.Status)

	i.Spec.DefaultBackend.Service.Name, i.Status.LoadBalancer.Ingress = "t", []networkingv1.IngressLoadBalancerIngress{{IP: "1.2.3.4"}}
	_, err = c.Update(i)
	require.NoError(t, err)
	i, err = sim.Get[*networkingv1.Ingress](c, "", "i")
	require.NoError(t, err)
	assert.Equal(t, int64(2), i.Generation)
	assert.Zero(t, i.Status)
	i.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "1.2.3.4"}}
	_, err = c.UpdateStatus(i)
	require.NoError(t, err)
	i, err = sim.Get[*networkingv1.Ingress](c, "", "i")
	require.NoError(t, err)
	assert.Len(t, i.Status.LoadBalancer.Ingress, 1)
	assert.Equal(t, int64(2), i.Generation)
}
