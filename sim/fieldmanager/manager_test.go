package fieldmanager_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
	"github.com/statefulsim/statefulsim/sim/fieldmanager"
)

const set = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 3
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: nginx}]}
`

// history applies a set, scales it and returns all that was written.
func history(t *testing.T, cfg sim.Config) string {
	cfg.FieldManager = fieldmanager.New()
	c := sim.New(cfg)
	_, err := c.Apply(set)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	require.NoError(t, c.Scale("", "web", 1))
	_, err = c.Settle()
	require.NoError(t, err)
	var all []any
	for _, rec := range c.History() {
		all = append(all, rec.Object)
	}
	data, err := json.Marshal(all)
	require.NoError(t, err)
	return string(data)
}

// One seed gives one history, stamps included, whatever the machine's clock shows.
func TestOneHistory(t *testing.T) {
	now := sim.Config{Seed: 7, Start: time.Now()} // when a stamp of the machine's could look like one of the cluster's
	for _, cfg := range []sim.Config{{Seed: 7}, now} {
		assert.Equal(t, history(t, cfg), history(t, cfg))
	}
}

// A write that changes nothing is none, even if time has passed; one that changes a
// field stamps its own entry alone.
func TestStamps(t *testing.T) {
	c := sim.New(sim.Config{FieldManager: fieldmanager.New()})
	apply := func(manager, config string, force bool) *corev1.ConfigMap {
		require.NoError(t, c.Run(time.Minute))
		res := c.Do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.ConfigMap, Key: apiserver.Key{Namespace: "default", Name: "m"}, Manager: manager,
			Patch: apiserver.RawPatch{Type: types.ApplyYAMLPatchType, Data: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: " + config, Force: force}})
		require.NoError(t, res.Err)
		return res.Object.(*corev1.ConfigMap)
	}
	first := apply("a", "{x: one}", false)
	again := apply("a", "{x: one}", false)
	assert.Equal(t, first.ResourceVersion, again.ResourceVersion)
	assert.Equal(t, first.ManagedFields, again.ManagedFields)
	second := apply("b", "{z: two}", false)
	require.Len(t, second.ManagedFields, 2)
	assert.Equal(t, first.ManagedFields[0], second.ManagedFields[0])
	assert.Equal(t, c.Now().Truncate(time.Second), second.ManagedFields[1].Time.UTC())
	third := apply("b", "{x: mine}", true) // takes x, gives z up
	require.Len(t, third.ManagedFields, 1)
	assert.Equal(t, map[string]string{"x": "mine"}, third.Data)
}

// Without a FieldManager server-side apply is refused in words, and a Get shows no
// managedFields.
func TestWithout(t *testing.T) {
	c := sim.New(sim.Config{})
	res := c.Do(apiserver.Request{Verb: apiserver.Patch, Kind: apiserver.ConfigMap, Key: apiserver.Key{Namespace: "default", Name: "m"},
		Patch: apiserver.RawPatch{Type: types.ApplyYAMLPatchType, Data: "{}"}})
	assert.ErrorContains(t, res.Err, "server-side apply needs a FieldManager")
	node, err := sim.Get[*corev1.Node](c, "", "node-1")
	require.NoError(t, err)
	assert.Empty(t, node.ManagedFields)
}
