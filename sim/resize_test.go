package sim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const growing = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: disk.example.com
allowVolumeExpansion: true
`

// grow asks for more of the claim of web-0 and returns what was written about the
// claim and its volume from then on, without what stays the same.
func grow(t *testing.T, c *sim.Cluster, size string) (states []string) {
	t.Helper()
	stop := c.OnRecord(func(rec *apiserver.Record) {
		switch obj := rec.Object.(type) {
		case *corev1.PersistentVolumeClaim:
			var conds []string
			for _, cond := range obj.Status.Conditions {
				if cond.Type != corev1.PersistentVolumeClaimUnused {
					conds = append(conds, string(cond.Type))
				}
			}
			states = append(states, strings.TrimSpace("claim "+obj.Status.Capacity.Storage().String()+" "+
				string(obj.Status.AllocatedResourceStatuses["storage"])+" "+strings.Join(conds, ",")))
		case *corev1.PersistentVolume:
			states = append(states, "volume "+obj.Spec.Capacity.Storage().String())
		}
	})
	defer stop()
	claim, err := sim.Get[*corev1.PersistentVolumeClaim](c, "default", "www-web-0")
	require.NoError(t, err)
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse(size)
	_, err = c.Update(claim)
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	return states
}

// reasonsOf returns the Events about the resize of a claim, on it or on the pod.
func reasonsOf(t *testing.T, c *sim.Cluster, name string) (list []string) {
	t.Helper()
	all, err := sim.List[*corev1.Event](c, "default", "")
	require.NoError(t, err)
	for _, ev := range all {
		if ev.InvolvedObject.Name == name && strings.Contains(ev.Reason, "Resiz") {
			list = append(list, ev.Source.Component+" "+ev.Reason+": "+ev.Message)
		}
	}
	return list
}

// TestV16Online: a volume in use grows: the resizer enlarges it, and the kubelet
// its file system, when it next looks at the pod. The states are those of
// MarkControllerReisizeInProgress, MarkForFSResize, MarkNodeExpansionInProgress and
// MarkNodeExpansionFinishedWithRecovery (pkg/volume/util/resize_util.go).
func TestV16Online(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	_, err := c.Apply(growing, asking(t, 1, "OrderedReady"))
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	before := c.Now()
	assert.Equal(t, []string{
		"claim 1Gi",
		"claim 1Gi ControllerResizeInProgress Resizing",
		"volume 2Gi",
		"claim 1Gi NodeResizePending Resizing,FileSystemResizePending",
		"claim 1Gi NodeResizeInProgress Resizing,FileSystemResizePending",
		"claim 2Gi",
	}, grow(t, c, "2Gi"))
	assert.LessOrEqual(t, c.Now().Sub(before).Seconds(), 100.0, "the kubelet looks at each pod every 60 to 90 s")
	assert.Equal(t, []string{
		"external-resizer statefulsim.io/any Resizing: External resizer is resizing volume " + volumeOf(t, c),
		"external-resizer statefulsim.io/any FileSystemResizeRequired: Require file system resize of volume on node",
		`kubelet FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "` + volumeOf(t, c) + `" ` + nodeOf(t, c),
	}, reasonsOf(t, c, "www-web-0"))
	assert.Equal(t, []string{
		`kubelet FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "` + volumeOf(t, c) + `" ` + nodeOf(t, c),
	}, reasonsOf(t, c, "web-0"))
}

func volumeOf(t *testing.T, c *sim.Cluster) string {
	claim, err := sim.Get[*corev1.PersistentVolumeClaim](c, "default", "www-web-0")
	require.NoError(t, err)
	return claim.Spec.VolumeName
}

func nodeOf(t *testing.T, c *sim.Cluster) string {
	pod, err := sim.Get[*corev1.Pod](c, "default", "web-0")
	require.NoError(t, err)
	return pod.Spec.NodeName
}

// TestV16Offline: without a pod the file system waits, and a pod that mounts the
// volume finds it enlarged.
func TestV16Offline(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	_, err := c.Apply(growing, asking(t, 1, "OrderedReady"))
	require.NoError(t, err)
	_, err = c.Settle()
	require.NoError(t, err)
	require.NoError(t, c.Scale("default", "web", 0))
	_, err = c.Settle()
	require.NoError(t, err)
	states := grow(t, c, "3Gi")
	assert.Equal(t, "claim 1Gi NodeResizePending Resizing,FileSystemResizePending", states[len(states)-1])
	var reason string
	for _, w := range c.Waiting() {
		reason = w.Kind.String() + " " + w.Key.String() + " " + w.Reason
	}
	assert.Equal(t, "PersistentVolumeClaim default/www-web-0 Waiting for user to (re-)start a pod to finish file system resize of volume on node.", reason)
	require.NoError(t, c.Scale("default", "web", 1))
	s, err := c.Settle()
	require.NoError(t, err)
	assert.Empty(t, s.Waiting)
	claim, err := sim.Get[*corev1.PersistentVolumeClaim](c, "default", "www-web-0")
	require.NoError(t, err)
	assert.Equal(t, "3Gi", claim.Status.Capacity.Storage().String())
	assert.Empty(t, claim.Status.AllocatedResourceStatuses)
}

// Without Provision nobody enlarges anything: somebody else's driver would.
func TestV16WithoutProvision(t *testing.T) {
	assert.Contains(t, sim.New(sim.Config{Provision: true}).Components(), "external-resizer")
	assert.NotContains(t, sim.New(sim.Config{}).Components(), "external-resizer")
}
