package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

// A machine that loses its power loses its processes; when it returns they
// start again. The API hears of it by its silence: the pods are not ready (N2).
func TestCrashAndReturn(t *testing.T) {
	c := sim.New(sim.Config{Provision: true, Nodes: []sim.Node{{Name: "node-1"}}})
	apply(t, c, fastClass, parallelSet("web", 2))
	require.Len(t, c.Processes(), 2)
	require.NoError(t, c.CrashNode("node-1"))
	assert.Empty(t, c.Processes())
	assert.True(t, c.IsDown("node-1"))
	ready := func() corev1.ConditionStatus {
		pod, err := sim.Get[*corev1.Pod](c, "", "web-0")
		require.NoError(t, err)
		assert.Equal(t, corev1.PodRunning, pod.Status.Phase)
		assert.Equal(t, corev1.ConditionTrue, podCondition(pod, corev1.ContainersReady))
		return podCondition(pod, corev1.PodReady)
	}
	require.NoError(t, c.Run(39*time.Second)) // the last renewal is up to 10.4 s old
	assert.Equal(t, corev1.ConditionTrue, ready())
	require.NoError(t, c.Run(17*time.Second))
	assert.Equal(t, corev1.ConditionFalse, ready())
	require.NoError(t, c.Delete(apiserver.Pod, "", "web-0")) // nobody to end it (N5)
	require.NoError(t, c.Run(time.Hour))
	_, err := sim.Get[*corev1.Pod](c, "", "web-0")
	require.NoError(t, err)
	require.NoError(t, c.RestartNode("node-1"))
	require.NoError(t, c.RestartNode("node-1")) // runs already
	settle(t, c)
	assert.Len(t, c.Processes(), 2)
}

// A stopped kubelet leaves its processes alone.
func TestStoppedKubelet(t *testing.T) {
	c := sim.New(sim.Config{Provision: true, Nodes: []sim.Node{{Name: "node-1"}}})
	apply(t, c, fastClass, parallelSet("web", 1))
	before := c.Processes()
	require.NoError(t, c.StopKubelet("node-1"))
	require.NoError(t, c.Run(time.Hour))
	require.NoError(t, c.Heal())
	settle(t, c)
	assert.Equal(t, before, c.Processes())
}

// A late view decides from what it knew; its end is when the hold ends, or when
// the cluster is healed.
func TestHold(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	apply(t, c, fastClass, parallelSet("web", 1))
	require.NoError(t, c.Hold("statefulset-controller", apiserver.StatefulSet, time.Minute))
	seen := c.Seen("statefulset-controller", apiserver.StatefulSet)
	require.NoError(t, c.Scale("", "web", 2))
	pods := func() int {
		list, err := sim.List[*corev1.Pod](c, "", "")
		require.NoError(t, err)
		return len(list)
	}
	require.NoError(t, c.Run(50*time.Second))
	assert.Equal(t, seen, c.Seen("statefulset-controller", apiserver.StatefulSet))
	assert.Equal(t, 1, pods())
	f := c.Fork()
	require.NoError(t, f.Heal())
	require.NoError(t, c.Run(time.Second))
	assert.Equal(t, 1, pods())
	require.NoError(t, f.Run(time.Second))
	list, err := sim.List[*corev1.Pod](f, "", "")
	require.NoError(t, err)
	assert.Len(t, list, 2)
	settle(t, c)
	assert.Equal(t, 2, pods())
}

// Requests fail as often as was asked, and are tried again.
func TestFailRequests(t *testing.T) {
	c := sim.New(sim.Config{Provision: true})
	require.NoError(t, c.FailRequests("statefulset-controller", apiserver.Create, apiserver.Pod, 2, apierrors.NewInternalError(assert.AnError)))
	apply(t, c, fastClass, parallelSet("web", 1))
	failed := 0
	for _, rec := range c.History() {
		if ev, ok := rec.Object.(*corev1.Event); ok && ev.Reason == "FailedCreate" {
			failed++
		}
	}
	assert.Equal(t, 2, failed)
}

func TestFaultsOfUnknownThings(t *testing.T) {
	c := sim.New(sim.Config{})
	internal := apierrors.NewInternalError(assert.AnError)
	for want, err := range map[string]error{ // each on its own
		`nodes "x" not found`: c.CrashNode("x"),
		`no component "x"; there are attachdetach-controller, `: c.Hold("x", apiserver.Pod, time.Second),
		`component "coredns" does not watch PersistentVolume`:   c.Hold("coredns", apiserver.PersistentVolume, time.Second),
		`cannot hold the view of "coredns" for -1s`:             c.Hold("coredns", apiserver.EndpointSlice, -time.Second),
		`no component "y"; there are`:                           c.FailRequests("y", apiserver.Get, 0, 1, internal),
		`cannot fail 0 requests of "kubelet"`:                   c.FailRequests("kubelet", apiserver.Get, 0, 0, internal),
		`requests of "kubelet" cannot fail without an error`:    c.FailRequests("kubelet", apiserver.Get, 0, 1, nil),
		`requests of "kubelet/node-1" fail on every node: name`: c.FailRequests("kubelet/node-1", apiserver.Get, 0, 1, internal),
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.True(t, apierrors.IsNotFound(c.RestartNode("x")))
	assert.True(t, apierrors.IsNotFound(c.Cordon("x", true)))
	assert.Zero(t, c.Seen("x", apiserver.Pod))
}

// A node loses its power, and the pods that it held come back with it.
func ExampleCluster_CrashNode() {
	c := sim.New(sim.Config{Provision: true, Nodes: []sim.Node{{Name: "node-1"}}})
	if _, err := c.Apply(fastClass, parallelSet("web", 2)); err != nil {
		fmt.Println(err)
	}
	_, _ = c.Settle()
	fmt.Println(len(c.Processes()), "processes")
	fmt.Println(c.CrashNode("node-1"), len(c.Processes()), "processes")
	fmt.Println(c.Heal())
	_, _ = c.Settle()
	fmt.Println(len(c.Processes()), "processes")
	// Output:
	// 2 processes
	// <nil> 0 processes
	// <nil>
	// 2 processes
}

func podCondition(pod *corev1.Pod, t corev1.PodConditionType) corev1.ConditionStatus {
	for _, c := range pod.Status.Conditions {
		if c.Type == t {
			return c.Status
		}
	}
	return ""
}

// TestRestartController: a controller that starts anew, in the middle of whatever it
// was doing, remembers nothing and finishes all the same; it does nothing twice, and
// in the end the cluster is in the state in which it would be without.
func TestRestartController(t *testing.T) {
	build := func() *sim.Cluster {
		c := sim.New(sim.Config{Provision: true, NoEvents: true})
		_, err := c.Apply(parallelSet("web", 3))
		require.NoError(t, err)
		return c
	}
	undisturbed := build()
	settle(t, undisturbed)
	restarted := 0
	for _, name := range undisturbed.Components() {
		c := build()
		for i := range 12 {
			require.NoError(t, c.Run(time.Duration(i)*7*time.Millisecond))
			if err := c.RestartController(name); err != nil {
				require.ErrorContains(t, err, "no controller that can be restarted", name)
				continue
			}
			restarted++
		}
		settle(t, c)
		require.Len(t, c.Processes(), 3, name)
		require.NoError(t, c.Scale("", "web", 1))
		settle(t, c)
		require.Len(t, c.Processes(), 1, name)
	}
	require.Greater(t, restarted, 200)
	require.ErrorContains(t, undisturbed.RestartController("kubelet/node-1"), "no controller")
	require.ErrorContains(t, undisturbed.RestartController("nobody"), "no component")
}
