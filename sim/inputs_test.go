package sim_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
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
