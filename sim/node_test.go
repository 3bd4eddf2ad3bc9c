package sim_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A node is as a real kubelet of v1.37.2 registered one, with what that machine had
// and the fake container runtime of the recording left out.
func TestNodeIsLikeARealOne(t *testing.T) {
	data, err := os.ReadFile("testdata/node.json")
	require.NoError(t, err)
	var real corev1.Node
	require.NoError(t, json.Unmarshal(data, &real))
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "node-2", CPU: "1", Memory: "3840Mi"}}})
	ours, err := sim.Get[*corev1.Node](c, "", "node-2")
	require.NoError(t, err)

	assert.Equal(t, real.Labels, ours.Labels)
	for key, value := range real.Annotations { // each alone
		assert.Equal(t, value, ours.Annotations[key])
	}
	assert.Equal(t, real.Status.DeclaredFeatures, ours.Status.DeclaredFeatures)
	for name, q := range real.Status.Capacity { // each alone
		have, ok := ours.Status.Capacity[name]
		assert.True(t, ok, name)
		if name != corev1.ResourceEphemeralStorage { // its fake cAdvisor knows of no disk
			assert.Equal(t, q.String(), have.String(), name)
			free := ours.Status.Allocatable[name]
			assert.Equal(t, q.String(), free.String(), name)
		}
	}
	for i, want := range real.Status.Conditions {
		got := ours.Status.Conditions[i]
		assert.Equal(t, []any{want.Type, want.Status, want.Reason, want.Message}, []any{got.Type, got.Status, got.Reason, got.Message})
	}
	for i, want := range real.Status.Addresses {
		assert.Equal(t, want.Type, ours.Status.Addresses[i].Type)
	}
	want, got := real.Status.NodeInfo, ours.Status.NodeInfo
	assert.Equal(t, []any{want.KubeletVersion, want.KubeProxyVersion, want.OperatingSystem, want.Architecture},
		[]any{got.KubeletVersion, got.KubeProxyVersion, got.OperatingSystem, got.Architecture})

	// The threshold nodefs.available<10% is set aside (hardEvictionReservation).
	disk, free := ours.Status.Capacity[corev1.ResourceEphemeralStorage], ours.Status.Allocatable[corev1.ResourceEphemeralStorage]
	assert.Equal(t, "100Gi 90Gi", disk.String()+" "+free.String())
	assert.Len(t, got.MachineID, 32)
	assert.Len(t, got.BootID, 36)
}

// A request for ephemeral storage fits, as on a real node; one that is too large
// says so in the scheduler's words.
func TestEphemeralStorage(t *testing.T) {
	c := sim.New(sim.Config{Nodes: []sim.Node{{Name: "n", EphemeralStorage: "10Gi"}}})
	for name, size := range map[string]string{"fits": "9Gi", "large": "9500Mi"} { // each alone
		_, err := c.Apply(`{apiVersion: v1, kind: Pod, metadata: {name: ` + name + `}, spec: {containers: [{name: c, image: s, resources: {requests: {ephemeral-storage: ` + size + `}}}]}}`)
		require.NoError(t, err)
		_, err = c.Settle()
		require.NoError(t, err)
		pod, err := sim.Get[*corev1.Pod](c, "default", name)
		require.NoError(t, err)
		if name == "fits" {
			assert.Equal(t, corev1.PodRunning, pod.Status.Phase)
			require.NoError(t, c.Delete(apiserver.Pod, "default", name))
			_, err = c.Settle()
			require.NoError(t, err)
			continue
		}
		assert.Contains(t, pod.Status.Conditions[0].Message, "Insufficient ephemeral-storage")
	}
}
