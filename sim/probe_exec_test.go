package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

// A workload answers exec probes from its files, at every period: who takes a file away
// makes the pod unready, and who brings it back ready.
func TestProbeExec(t *testing.T) {
	alive := kubelet.Workload{
		OnStart: func(f *kubelet.Files) { _ = f.Write("/alive", "yes") },
		ProbeExec: func(command []string, f *kubelet.Files) (string, bool) {
			_, err := f.Read(command[1])
			return "no such file", err == nil
		},
	}
	c := sim.New(sim.Config{Workloads: map[string]kubelet.Workload{"nginx": alive}, DetectMutation: true})
	_, err := c.Apply(`apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: c
    image: nginx
    readinessProbe: {exec: {command: [cat, /alive]}, periodSeconds: 1, failureThreshold: 1}
`)
	require.NoError(t, err)
	isReady := func() bool {
		pod, err := sim.Get[*corev1.Pod](c, "", "web")
		require.NoError(t, err)
		for _, cond := range pod.Status.Conditions {
			if cond.Type == corev1.PodReady {
				return cond.Status == corev1.ConditionTrue
			}
		}
		return false
	}
	require.NoError(t, c.RunUntil(isReady))
	files, err := c.Files("default", "web", "c")
	require.NoError(t, err)
	require.NoError(t, files.Remove("/alive"))
	require.Error(t, files.Remove("/alive"), "it is gone")
	require.NoError(t, c.Run(5*time.Second))
	require.False(t, isReady())
	require.NoError(t, files.Write("/alive", "again"))
	require.NoError(t, c.Run(5*time.Second))
	require.True(t, isReady())
}
