package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// The stream of pod events tells a bad day: a node is not heard of and comes back;
// a pod is deleted by force while its process runs (N6); the Node is deleted, and
// its pods have failed.
func TestPodEventsOfABadDay(t *testing.T) {
	c := sim.New(sim.Config{Provision: true, Nodes: []sim.Node{{Name: "node-1"}, {Name: "node-2"}}})
	apply(t, c, fastClass, parallelSet("web", 2))
	pod, err := sim.Get[*corev1.Pod](c, "", "web-1")
	require.NoError(t, err)
	node := pod.Spec.NodeName
	require.NoError(t, c.PartitionNode(node))
	require.NoError(t, c.Run(time.Minute))
	require.NoError(t, c.ReconnectNode(node))
	require.NoError(t, c.Run(time.Minute))
	require.NoError(t, c.PartitionNode(node))
	require.NoError(t, c.Run(time.Minute))
	force := int64(0)
	require.NoError(t, c.Do(apiserver.Request{Verb: apiserver.Delete, Kind: apiserver.Pod, Key: apiserver.KeyOf(pod), GracePeriodSeconds: &force}).Err)
	require.NoError(t, c.Run(7*time.Minute)) // the volume is taken from the node after six (M8)
	runs := 0
	for _, p := range c.Processes() {
		if p.Pod.Name == "web-1" {
			runs++
		}
	}
	assert.Equal(t, 2, runs, "one identity, two processes")
	replaced, err := sim.Get[*corev1.Pod](c, "", "web-1")
	require.NoError(t, err)
	require.NoError(t, c.Delete(apiserver.Node, "", replaced.Spec.NodeName))
	require.NoError(t, c.Run(3*time.Minute))
	said := map[string][]string{}
	for ev := range c.PodEvents() {
		if ev.Pod.Name == "web-1" {
			which := "first"
			if ev.UID == replaced.UID {
				which = "second"
			} else if ev.UID != pod.UID {
				continue
			}
			said[which] = append(said[which], fmt.Sprint(ev.Phase, " ", ev.Abandoned))
		}
	}
	assert.Equal(t, []string{"Pending false", "ContainerCreating false", "Running false", "Unreachable false", "Running false", "Unreachable false", "Terminating false", "Gone true"}, said["first"])
	assert.Equal(t, []string{"Pending false", "ContainerCreating false", "Running false", "Failed false", "Terminating false", "Gone true"}, said["second"])
}
