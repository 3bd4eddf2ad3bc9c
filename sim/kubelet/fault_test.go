package kubelet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/statefulsim/statefulsim/sim/engine"
	"github.com/statefulsim/statefulsim/sim/kubelet"
)

const simple = `{metadata: {name: p}, spec: {volumes: [{name: tmp, emptyDir: {}}], containers: [{name: c, image: s, volumeMounts: [{name: tmp, mountPath: /tmp}], readinessProbe: {tcpSocket: {port: 1}}}]}}`

// N5: without a kubelet processes run on and a deleted pod stays Terminating;
// N6: it ends when the kubelet is back.
func TestKubeletStops(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(simple)
	l.run(time.Minute)
	l.takeRows()
	l.node.Stop(l.env)
	assert.True(t, l.node.Down())
	l.delete("p", nil)
	l.create(`{metadata: {name: q}, spec: {containers: [{name: c, image: s}]}}`)
	l.run(time.Hour)
	assert.Equal(t, "p 1/1 Terminating\nq 0/1 Pending ADDED", l.takeRows())
	assert.Equal(t, "p/c", l.processes())
	assert.Equal(t, "p: the kubelet of node n1 does not run\nq: the kubelet of node n1 does not run", l.waiting())

	l.node.Restart(l.env)
	l.run(time.Minute)
	assert.Equal(t, "q/c", l.processes())
	assert.Contains(t, l.takeRows(), "p 0/1 Completed DELETED")
}

// A kubelet that comes back to what it left changes nothing.
func TestKubeletRestartsQuietly(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(simple)
	l.run(time.Minute)
	l.takeRows()
	l.node.Stop(l.env)
	l.run(time.Minute)
	l.node.Restart(l.env)
	l.run(time.Minute)
	assert.Empty(t, l.takeRows())
	assert.Equal(t, "p/c", l.processes())
}

// A machine that loses power loses its processes; the pods start again in new
// sandboxes, with their emptyDirs.
func TestCrash(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(simple)
	l.run(time.Minute)
	require.NoError(t, l.world.WriteFile(key("p"), "c", "/tmp/x", "1"))
	ip := l.pod("p").Status.PodIP
	l.takeRows()
	l.takeNotes()
	l.node.Crash(l.env)
	assert.Empty(t, l.processes())
	assert.Empty(t, l.world.IPs())
	l.run(time.Minute)
	assert.Empty(t, l.takeRows(), "nobody says so to the API")
	l.node.Restart(l.env)
	l.run(time.Minute)
	p := l.pod("p")
	assert.Equal(t, "1/1 Running 1", status(p))
	assert.NotEqual(t, ip, p.Status.PodIP)
	last := p.Status.ContainerStatuses[0].LastTerminationState.Terminated
	assert.Equal(t, "Unknown", last.Reason)
	assert.Equal(t, int32(255), last.ExitCode)
	assert.Contains(t, l.takeNotes(), "Normal SandboxChanged Pod sandbox changed, it will be killed and re-created.")
	got, err := l.world.ReadFile(key("p"), "c", "/tmp/x")
	assert.NoError(t, err)
	assert.Equal(t, "1", got)
}

// A crash at any moment of a pod's life, and the return, lead to a running pod,
// or to none if it was deleted.
func TestCrashAnywhere(t *testing.T) {
	for _, crash := range []bool{false, true} {
		for _, deleted := range []bool{false, true} {
			for steps := range 60 {
				l := newLab(t, options{kubelet: kubelet.Config{Latency: kubelet.Realistic()}})
				l.create(simple)
				if deleted {
					l.run(10 * time.Second)
					l.delete("p", nil)
				}
				for range steps {
					l.host.Step()
				}
				if crash {
					l.node.Crash(l.env)
				} else {
					l.node.Stop(l.env)
				}
				l.run(time.Minute)
				l.node.Restart(l.env)
				l.run(2 * time.Minute)
				if deleted {
					assert.Empty(t, l.processes(), "steps %d", steps)
					assert.Error(t, l.host.Do("user", get("p")).Err, "steps %d", steps)
				} else {
					assert.Equal(t, "p/c", l.processes(), "steps %d", steps)
					assert.Contains(t, status(l.pod("p")), "1/1 Running", "steps %d", steps)
				}
				assert.Zero(t, l.host.Engine().Len())
			}
		}
	}
}

// A pod deleted by force while its kubelet was down is stopped on its return.
func TestForgottenPodStops(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(simple)
	l.run(time.Minute)
	l.node.Stop(l.env)
	zero := int64(0)
	l.delete("p", &zero)
	l.run(time.Minute)
	assert.Equal(t, "p/c", l.processes())
	l.node.Restart(l.env)
	l.run(time.Minute)
	assert.Empty(t, l.processes())
}

func TestExitAndFailProbe(t *testing.T) {
	l := newLab(t, options{engine: engine.Strategy{Mode: engine.First}})
	l.create(simple)
	l.run(time.Minute)
	require.NoError(t, l.node.Exit(l.env, key("p"), "", 137, "OOMKilled"))
	l.run(time.Second)
	assert.Equal(t, "1/1 Running 1", status(l.pod("p")))
	assert.Equal(t, "OOMKilled", l.pod("p").Status.ContainerStatuses[0].LastTerminationState.Terminated.Reason)
	require.NoError(t, l.node.FailProbe(l.env, key("p"), "c", kubelet.Readiness, true))
	l.run(31 * time.Second)
	assert.Equal(t, "0/1 Running 1", status(l.pod("p")))
	require.NoError(t, l.node.FailProbe(l.env, key("p"), "c", kubelet.Readiness, false))
	l.run(11 * time.Second)
	assert.Equal(t, "1/1 Running 1", status(l.pod("p")))
	assert.Error(t, l.node.Exit(l.env, key("x"), "", 1, ""))
	assert.Error(t, l.node.FailProbe(l.env, key("p"), "x", kubelet.Liveness, true))
}
