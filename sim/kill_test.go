package sim_test

import (
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

const pulse = `
apiVersion: v1
kind: Service
metadata: {name: pulse}
spec: {clusterIP: None, selector: {app: pulse}, ports: [{name: p, port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pulse}
spec:
  serviceName: pulse
  selector: {matchLabels: {app: pulse}}
  template:
    metadata: {labels: {app: pulse}}
    spec:
      containers:
      - name: c
        image: fades:1
        livenessProbe: {exec: {command: [check]}, initialDelaySeconds: 5, periodSeconds: 5}
`

// K19, K21, D4: a container that its liveness probe kills is started again at once
// five times; then it waits, and within two seconds of its end the pod is not ready,
// the set does not count it and DNS does not know it. The runs take about 75 s:
// 30 s healthy, 15 s until the third failure, 30 s of grace.
func TestLivenessKill(t *testing.T) {
	for seed := range uint64(5) {
		c := sim.New(sim.Config{Seed: seed, Workloads: map[string]kubelet.Workload{
			"fades:1": {Unhealthy: []kubelet.Window{{From: 30 * time.Second}}, IgnoreSIGTERM: true},
		}})
		_, err := c.Apply(pulse)
		require.NoError(t, err)
		began := c.Now()
		var killed time.Time
		for range 1000 {
			require.NoError(t, c.Run(500*time.Millisecond))
			pod, err := sim.Get[*corev1.Pod](c, "default", "pulse-0")
			require.NoError(t, err)
			set, err := sim.Get[*appsv1.StatefulSet](c, "default", "pulse")
			require.NoError(t, err)
			if len(c.Processes()) > 0 || c.Now().Sub(began) < 10*time.Second {
				killed = time.Time{}
				continue
			}
			if killed.IsZero() {
				killed = c.Now()
			}
			if c.Now().Sub(killed) < 2*time.Second {
				continue
			}
			st := pod.Status.ContainerStatuses[0]
			assert.Equal(t, int32(5), st.RestartCount)
			assert.InDelta(t, 455, c.Now().Sub(began).Seconds(), 10)
			require.NotNil(t, st.State.Waiting)
			assert.Equal(t, "CrashLoopBackOff", st.State.Waiting.Reason)
			assert.Contains(t, st.State.Waiting.Message, "back-off 1m20s restarting failed container=c")
			assert.False(t, st.Ready)
			assert.Zero(t, set.Status.ReadyReplicas)
			assert.Empty(t, c.Query("pulse.default.svc.cluster.local", miekg.TypeA).Answer)
			break
		}
		assert.False(t, killed.IsZero())
	}
}
